import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMounts } from '../../../../src/host/disks/mounts.js';
import type { Run } from '../../../../src/host/processes/runner.js';
import { createFakeRun } from '../../fakeRun.js';

const before = [
  '22 27 0:21 / /proc rw,relatime - proc proc rw',
  '27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard,resv_strict',
  '42 27 254:0 /srv/with\\040space /mnt/bind rw,relatime shared:1 - ext4 /dev/vda rw',
];
const volume = '50 27 253:0 / /mnt/pg rw,noatime - ext4 /dev/mapper/pg-data rw';

let root = '';
const write = (lines: readonly string[]) => writeFile(join(root, 'proc/1/mountinfo'), `${lines.join('\n')}\n`);
const mountsWith = (run: Run) => createMounts({ run, procDirectory: join(root, 'proc'), sysDirectory: join(root, 'sys') });
const none = createFakeRun([]);

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'mounts-'));
  await mkdir(join(root, 'proc/1'), { recursive: true });
  await write(before);
});
afterEach(() => rm(root, { recursive: true, force: true }));

describe('mounts of the host', () => {
  it('are read with their device and options', async () => {
    await write([...before, volume]);
    expect(await mountsWith(none).readMount({ path: '/mnt/pg' })).toEqual({
      mountPoint: '/mnt/pg',
      root: '/',
      deviceNumber: '253:0',
      type: 'ext4',
      source: '/dev/mapper/pg-data',
      options: ['rw', 'noatime'],
    });
    expect(await mountsWith(none).readMount({ path: '/mnt/bind' })).toMatchObject({ root: '/srv/with space' });
    expect(await mountsWith(none).readMount({ path: '/mnt' })).toBeUndefined();
  });

  it('are found from a path in them, and not from a path with a similar name', async () => {
    await write([...before, volume]);
    expect(await mountsWith(none).readMountUnder({ path: '/mnt/pg/data/base' })).toMatchObject({ mountPoint: '/mnt/pg' });
    expect(await mountsWith(none).readMountUnder({ path: '/mnt/pg-other' })).toMatchObject({ mountPoint: '/' });
    expect((await mountsWith(none).readMountsWithin({ directory: '/mnt' })).map((mount) => mount.mountPoint)).toEqual(['/mnt/bind', '/mnt/pg']);
    expect(await mountsWith(none).readMountsWithin({ directory: '/mnt/pg' })).toEqual([]);
  });

  it('take a device once', async () => {
    const run = createFakeRun([
      {
        file: 'mount',
        args: ['-t', 'ext4', '-o', 'noatime', '/dev/mapper/pg-data', '/mnt/pg'],
      },
    ]);
    const mounts = mountsWith(async (...call) => {
      const answer = await run(...call);
      await write([...before, volume]);
      return answer;
    });
    const request = { device: '/dev/mapper/pg-data', path: '/mnt/pg', options: ['noatime'] };
    expect(await mounts.mount(request)).toEqual({ changed: true });
    expect(await mounts.mount(request)).toEqual({ changed: false });
    await expect(mounts.mount({ ...request, device: '/dev/sdb' })).rejects.toThrow('/dev/mapper/pg-data is mounted on /mnt/pg, not /dev/sdb');
  });

  it('must be seen by the host, not by the worker alone', async () => {
    const mounts = mountsWith(createFakeRun([{ file: 'mount', args: () => true }]));
    await expect(mounts.mount({ device: '/dev/mapper/pg-data', path: '/mnt/pg' })).rejects.toThrow(/PrivateTmp/);
  });

  it('are left alone where nothing is mounted, and said to be busy where something is', async () => {
    expect(await mountsWith(none).unmount({ path: '/mnt/pg' })).toEqual({ changed: false });
    await write([...before, volume]);
    const busy = createFakeRun([{ file: 'umount', args: ['/mnt/pg'], answer: { exitCode: 32, stderr: 'umount: /mnt/pg: target is busy.\n' } }]);
    await expect(mountsWith(busy).unmount({ path: '/mnt/pg' })).rejects.toThrow(/holds files open/);
  });
});

describe('a mapped device', () => {
  it('is recognised as LUKS2 by its UUID', async () => {
    const directory = join(root, 'sys/dev/block/253:0/dm');
    await mkdir(directory, { recursive: true });
    await writeFile(join(directory, 'name'), 'pg-data\n');
    await writeFile(join(directory, 'uuid'), 'CRYPT-LUKS2-b9bdf0a9961e487487756175fa57d7d2-pg-data\n');
    expect(await mountsWith(none).readMappedDevice({ deviceNumber: '253:0' })).toEqual({
      name: 'pg-data',
      luks2Uuid: 'b9bdf0a9-961e-4874-8775-6175fa57d7d2',
    });
    await writeFile(join(directory, 'uuid'), 'LVM-abc\n');
    expect(await mountsWith(none).readMappedDevice({ deviceNumber: '253:0' })).toEqual({ name: 'pg-data' });
    expect(await mountsWith(none).readMappedDevice({ deviceNumber: '254:0' })).toBeUndefined();
  });
});
