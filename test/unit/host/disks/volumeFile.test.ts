import { mkdtemp, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PermanentFailure } from '../../../../src/contract/errors.js';
import { createLoopDevice } from '../../../../src/host/disks/loopDevice.js';
import { createRun } from '../../../../src/host/processes/runner.js';
import { createVolumeFile } from '../../../../src/host/disks/volumeFile.js';
import { createFakeRun } from '../../fakeRun.js';

const mebibyte = 1024 * 1024;

describe('the volume file', () => {
  const volumeFile = createVolumeFile({ run: createRun() });
  let path = '';
  beforeEach(async () => {
    path = join(await mkdtemp(join(tmpdir(), 'volume-')), 'volume.img');
  });
  afterEach(() => rm(join(path, '..'), { recursive: true, force: true }));

  it('is allocated fully, for its owner alone', async () => {
    await writeFile(`${path}.allocating`, 'left by an attempt that was killed');
    const made = await volumeFile.allocate({ path, sizeBytes: 8 * mebibyte });
    expect(made).toMatchObject({ sizeBytes: 8 * mebibyte, fullyAllocated: true });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    await expect(stat(`${path}.allocating`)).rejects.toThrow(/ENOENT/);
    expect(await volumeFile.readVolumeFile({ path })).toEqual(made);
  });

  it('is never overwritten', async () => {
    await writeFile(path, 'something of value');
    await expect(volumeFile.allocate({ path, sizeBytes: mebibyte })).rejects.toThrow(PermanentFailure);
    expect((await stat(path)).size).toBe(18);
  });

  it('is seen to have holes, and growing fills them', async () => {
    await writeFile(path, '');
    await truncate(path, 4 * mebibyte);
    expect(await volumeFile.readVolumeFile({ path })).toMatchObject({ sizeBytes: 4 * mebibyte, fullyAllocated: false });
    expect(await volumeFile.grow({ path, sizeBytes: 4 * mebibyte })).toMatchObject({ changed: true, fullyAllocated: true });
    expect(await volumeFile.grow({ path, sizeBytes: 6 * mebibyte })).toMatchObject({ changed: true, sizeBytes: 6 * mebibyte });
    expect(await volumeFile.grow({ path, sizeBytes: 6 * mebibyte })).toMatchObject({ changed: false });
    await expect(volumeFile.grow({ path, sizeBytes: mebibyte })).rejects.toThrow(/do not shrink/);
  });

  it('is absent until made', async () => {
    expect(await volumeFile.readVolumeFile({ path })).toBeUndefined();
    await expect(volumeFile.grow({ path, sizeBytes: 1 })).rejects.toThrow(/does not exist/);
  });

  it('leaves nothing behind when the disk is too small', async () => {
    await expect(volumeFile.allocate({ path, sizeBytes: 2 ** 45 })).rejects.toThrow(PermanentFailure);
    await expect(stat(path)).rejects.toThrow(/ENOENT/);
    await expect(stat(`${path}.allocating`)).rejects.toThrow(/ENOENT/);
  });

  it('is refused where the filesystem pretends to have allocated', async () => {
    const run = createFakeRun([
      { file: 'install', args: () => true },
      { file: 'fallocate', args: () => true },
    ]);
    await writeFile(`${path}.allocating`, '');
    await expect(createVolumeFile({ run }).allocate({ path, sizeBytes: mebibyte })).rejects.toThrow(/bytes allocated of 1048576/);
  });
});

describe('loop devices of a file', () => {
  const args = ['--list', '--json', '--output', 'NAME,BACK-FILE,AUTOCLEAR', '--associated', '/v.img'];

  it('are listed', async () => {
    const answer = '{"loopdevices": [{"name": "/dev/loop0", "back-file": "/v.img", "autoclear": true}]}';
    const loopDevice = createLoopDevice({ run: createFakeRun([{ file: 'losetup', args, answer }]) });
    expect(await loopDevice.readLoopDevices({ file: '/v.img' })).toEqual([{ device: '/dev/loop0', file: '/v.img', autoclear: true }]);
  });

  it('are none when losetup says nothing', async () => {
    const loopDevice = createLoopDevice({ run: createFakeRun([{ file: 'losetup', args, answer: '' }]) });
    expect(await loopDevice.readLoopDevices({ file: '/v.img' })).toEqual([]);
  });
});
