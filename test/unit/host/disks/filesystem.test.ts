import { mkdir, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PermanentFailure } from '../../../../src/contract/errors.js';
import { createFilesystem, fitExt4Label } from '../../../../src/host/disks/filesystem.js';
import { createRun } from '../../../../src/host/processes/runner.js';
import { createFakeRun } from '../../fakeRun.js';

let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'filesystem-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

describe('an ext4', () => {
  const filesystem = createFilesystem({ run: createRun() });

  it('is made once on an empty device, and on no other', async () => {
    const device = join(directory, 'empty.img');
    await writeFile(device, '');
    await truncate(device, 16 * 1024 * 1024);
    expect(await filesystem.readFilesystem({ device })).toBeUndefined();
    const made = await filesystem.makeExt4({ device, label: 'pg data' });
    expect(made.changed).toBe(true);
    expect(await filesystem.readFilesystem({ device })).toEqual({ type: 'ext4', label: 'pg data', uuid: made.uuid });
    expect(await filesystem.makeExt4({ device, label: 'pg data' })).toEqual({ changed: false, uuid: made.uuid });
    await expect(filesystem.makeExt4({ device, label: 'other' })).rejects.toThrow(/already carries ext4 labelled pg data/);
  });

  it('takes no label that would be cut off', async () => {
    await expect(filesystem.makeExt4({ device: '/dev/null', label: 'pg-data-encrypted' })).rejects.toThrow(/17 bytes \(ext4 holds 16\)/);
    expect(fitExt4Label('pg-data-encrypted')).toBe('pg-data-encrypte');
    expect(fitExt4Label('ünïcödé-volume')).toBe('ünïcödé-volu');
    expect(fitExt4Label('short')).toBe('short');
  });

  it('reports a device with several signatures', async () => {
    const run = createFakeRun([{ file: 'blkid', args: () => true, answer: { exitCode: 8 } }]);
    await expect(createFilesystem({ run }).readFilesystem({ device: '/dev/x' })).rejects.toThrow(PermanentFailure);
  });
});

describe('room', () => {
  it('is told in bytes', async () => {
    const space = await createFilesystem({ run: createRun() }).readSpace({ path: directory });
    expect(space.totalBytes).toBeGreaterThan(space.freeBytes);
    expect(space.freeBytes).toBeGreaterThanOrEqual(space.availableBytes);
  });
});

describe('the immutable flag', () => {
  const flags = (immutable: boolean) => ({ file: 'lsattr', args: ['-d', '/m'], answer: `----${immutable ? 'i' : '-'}---------e------- /m\n` });

  it('is read from the flags and not from the path', async () => {
    const run = createFakeRun([{ file: 'lsattr', args: ['-d', '/is/i'], answer: '--------------e------- /is/i\n' }, flags(true)]);
    const filesystem = createFilesystem({ run });
    expect(await filesystem.isImmutable({ path: '/is/i' })).toEqual({ immutable: false });
    expect(await filesystem.isImmutable({ path: '/m' })).toEqual({ immutable: true });
  });

  it('is left alone where it is as wanted', async () => {
    const run = createFakeRun([flags(true)]);
    expect(await createFilesystem({ run }).setImmutable({ path: '/m', immutable: true })).toEqual({ changed: false });
  });

  it('is proven after it was set', async () => {
    const run = createFakeRun([flags(false), { file: 'chattr', args: ['+i', '/m'] }]);
    await expect(createFilesystem({ run }).setImmutable({ path: '/m', immutable: true })).rejects.toThrow(/not immutable after chattr/);
  });
});

describe('the page cache', () => {
  it('is dropped after everything was synced', async () => {
    const run = createFakeRun([{ file: 'sync', args: [] }]);
    const procDirectory = join(directory, 'proc');
    await mkdir(join(procDirectory, 'sys/vm'), { recursive: true });
    await createFilesystem({ run, procDirectory }).dropPageCache();
    expect(run.calls).toHaveLength(1);
    expect(await readFile(join(procDirectory, 'sys/vm/drop_caches'), 'utf8')).toBe('3\n');
  });

  it('says what to do where the kernel refuses', async () => {
    const run = createFakeRun([{ file: 'sync', args: [] }]);
    await expect(createFilesystem({ run, procDirectory: join(directory, 'absent') }).dropPageCache()).rejects.toThrow(/not in a container/);
  });
});
