import { expect, it } from 'vitest';
import { parseLibraries } from '../../../../../src/rehearsal/guest/image/applicationLayer.js';
import { imageConfiguration } from '../../../../../src/rehearsal/guest/image/dockerArchive.js';
import { postgresConfiguration, renumberAccount } from '../../../../../src/rehearsal/guest/image/postgresLayer.js';

it('reads the libraries that a program needs, the loader included', () => {
  const ldd = [
    '\tlinux-vdso.so.1 (0x00007f90dea96000)',
    '\tlibm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x00007f90de720000)',
    '\t/lib64/ld-linux-x86-64.so.2 (0x00007f90dea98000)',
  ].join('\n');
  expect(parseLibraries(ldd)).toEqual(['/lib/x86_64-linux-gnu/libm.so.6', '/lib64/ld-linux-x86-64.so.2']);
});

it("gives PostgreSQL's account the official image's numbers, and no other account", () => {
  const passwd = 'root:x:0:0:root:/root:/bin/bash\npostgres:x:100:102:PostgreSQL:/var/lib/postgresql:/bin/bash\n';
  expect(renumberAccount(passwd)).toBe(passwd.replace('100:102', '999:999'));
  const group = 'ssl-cert:x:101:postgres\npostgres:x:102:\n';
  expect(renumberAccount(group)).toBe('ssl-cert:x:101:postgres\npostgres:x:999:\n');
});

it("describes an image as the official one: PostgreSQL's own stop signal, its data directory a volume", () => {
  const image = { tag: 'postgres:15', configuration: postgresConfiguration, layer: '/layer.tar' };
  expect(imageConfiguration(image, 'ab'.repeat(32))).toMatchObject({
    config: { StopSignal: 'SIGINT', Volumes: { '/var/lib/postgresql/data': {} }, Cmd: ['postgres'] },
    rootfs: { type: 'layers', diff_ids: [`sha256:${'ab'.repeat(32)}`] },
  });
});
