import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { stepActivities } from '../../../../src/activities/activities.js';
import { PermanentFailure } from '../../../../src/contract/errors.js';
import { withDirectory } from '../../needsRoot.js';
import { createAttempt } from '../attempt.js';

const mebibyte = 1024 ** 2;
const gibibyte = 1024 * mebibyte;
const headerBytes = 16 * mebibyte;

/** An open volume whose layers have sizes of their own, and the calls that change one. */
function openVolume(directory: string, { isDevice = false, usedBytes = 0.9 * gibibyte } = {}) {
  const file = join(directory, 'volume.img');
  const mountPoint = join(directory, 'mount');
  const layers = { file: gibibyte, below: gibibyte, mapping: gibibyte - headerBytes, ext4: gibibyte - headerBytes, roomBelow: 10 * gibibyte };
  const calls: string[] = [];
  const grown = (layer: string, act: () => void) => {
    calls.push(layer);
    act();
    return Promise.resolve();
  };
  const attempt = {
    ...createAttempt({
      directory,
      config: { volume: { file, mountPoint, ...(isDevice ? { device: '/dev/vg0/pg' } : {}) }, deployment: { directory: join(directory, 'deployment') } },
      tools: {
        cryptsetup: {
          isLuks: () => Promise.resolve({ isLuks: true }),
          readHeader: () => Promise.resolve({ dataOffsetBytes: headerBytes, sectorSizeBytes: 4096 }),
          status: () => Promise.resolve({ active: true, device: isDevice ? '/dev/dm-0' : '/dev/loop0', sizeBytes: layers.mapping, ...(isDevice ? {} : { loop: file }) }),
          resize: () => grown('mapping', () => void (layers.mapping = layers.below - headerBytes)),
        },
        volumeFile: {
          readVolumeFile: () => Promise.resolve({ sizeBytes: layers.file, allocatedBytes: layers.file }),
          assertReserves: () => Promise.resolve(),
          grow: ({ sizeBytes }: { sizeBytes: number }) => grown('file', () => void (layers.file = sizeBytes)).then(() => ({ sizeBytes })),
        },
        blockDevices: { readDevice: () => Promise.resolve({ sizeBytes: layers.below }) },
        loopDevice: { ensureLoopSize: () => grown('loop', () => void (layers.below = layers.file)) },
        filesystem: {
          readExt4Size: () => Promise.resolve({ sizeBytes: layers.ext4, blockBytes: 4096 }),
          readSpace: ({ path }: { path: string }) => Promise.resolve(path === mountPoint ? { totalBytes: layers.ext4, availableBytes: layers.ext4 - usedBytes } : { availableBytes: layers.roomBelow }),
          ensureExt4FillsDevice: () => grown('ext4', () => void (layers.ext4 = layers.mapping)),
          syncFilesystem: () => Promise.resolve(),
        },
        request: () => Promise.resolve({ status: 200 }),
      },
    }),
    secret: () => {
      calls.push('passphrase');
      return Promise.resolve(Buffer.from('x'));
    },
  };
  return { attempt, layers, calls, mountPoint };
}

type Opened = ReturnType<typeof openVolume>;

async function growAll({ attempt }: Opened, sizeBytes: number): Promise<void> {
  await stepActivities.growFile.perform(attempt, { sizeBytes });
  await stepActivities.growLoop.perform(attempt, undefined);
  await stepActivities.growMapping.perform(attempt, undefined);
  await stepActivities.growFilesystem.perform(attempt, undefined);
}

const measure = ({ attempt }: Opened, sizeGib?: number) => stepActivities.measureGrowth.perform(attempt, sizeGib === undefined ? {} : { sizeGib });

test('the size follows from what is used, and is a quarter more at least', async () => {
  const quarterMore = await measure(openVolume('/nowhere', { usedBytes: 0.3 * gibibyte }));
  expect(quarterMore.sizeBytes).toBe(1.25 * gibibyte);
  expect(quarterMore.leftBelowBytes).toBe(9.75 * gibibyte);
  const { sizeBytes } = await measure(openVolume('/nowhere', { usedBytes: 1.5 * gibibyte }));
  expect(sizeBytes).toBeGreaterThan(1.5 * 1.2 * gibibyte);
});

test('a size that is not larger, or has no room below, is refused before anything is changed', async () => {
  const opened = openVolume('/nowhere');
  await expect(measure(opened, 1)).rejects.toThrow(/has 1\.00 GiB already, and a volume does not shrink/);
  opened.layers.roomBelow = gibibyte;
  await expect(measure(opened, 3)).rejects.toThrow(/has 1\.00 GiB free; 2\.00 GiB more are needed for a volume of 3\.00 GiB/);
  expect(opened.calls).toEqual([]);
});

test('a filesystem below that sets nothing aside is refused as well', async () => {
  const { attempt } = openVolume('/nowhere');
  const volumeFile = { ...attempt.tools.volumeFile, assertReserves: () => Promise.reject(new PermanentFailure('can not allocate files in advance', 'elsewhere')) };
  await expect(stepActivities.measureGrowth.perform({ ...attempt, tools: { ...attempt.tools, volumeFile, filesystem: attempt.tools.filesystem, cryptsetup: attempt.tools.cryptsetup, blockDevices: attempt.tools.blockDevices } }, { sizeGib: 2 })).rejects.toThrow(/can not allocate/);
});

test('every layer grows once, and the second time nothing is done nor asked', async () => {
  const opened = openVolume('/nowhere');
  await growAll(opened, 2 * gibibyte);
  expect(opened.calls).toEqual(['file', 'loop', 'passphrase', 'mapping', 'ext4']);
  opened.calls.length = 0;
  await growAll(opened, 2 * gibibyte);
  expect(opened.calls.filter((call) => call === 'loop' || call === 'mapping' || call === 'passphrase')).toEqual([]);
});

test('a resize2fs that ends well and does nothing is not believed', async () => {
  const opened = openVolume('/nowhere');
  Object.assign(opened.layers, { file: 2 * gibibyte, below: 2 * gibibyte, mapping: 2 * gibibyte - headerBytes });
  const { tools } = opened.attempt;
  const idle = { ...opened.attempt, tools: new Proxy(tools, { get: (given, name) => (name === 'filesystem' ? { ...tools.filesystem, ensureExt4FillsDevice: () => Promise.resolve() } : (Reflect.get(given, name) as unknown)) }) };
  await expect(stepActivities.growFilesystem.perform(idle, undefined)).rejects.toThrow(/ext4 has 1056964608 bytes after resize2fs, and the open volume 2130706432/);
});

test('after a power cut the volume is opened with all of its file, and no passphrase is asked for again', async () => {
  const opened = openVolume('/nowhere');
  await stepActivities.growFile.perform(opened.attempt, { sizeBytes: 2 * gibibyte });
  Object.assign(opened.layers, { below: 2 * gibibyte, mapping: 2 * gibibyte - headerBytes });
  await growAll(opened, 2 * gibibyte);
  expect(opened.calls).not.toContain('passphrase');
});

test('one that an earlier run left between two layers is gone on with in the same size', async () => {
  const opened = openVolume('/nowhere');
  opened.layers.file = 2 * gibibyte;
  expect((await measure(opened, 2)).sizeBytes).toBe(2 * gibibyte);
});

test('a block device has to be larger already, and how is told', async () => {
  const opened = openVolume('/nowhere', { isDevice: true });
  await expect(measure(opened)).rejects.toThrow(/\/dev\/vg0\/pg has 1\.00 GiB, all of which the volume has already; make the device larger first, for example with lvextend --size 1260M \/dev\/vg0\/pg/);
  opened.layers.below = 2 * gibibyte;
  await expect(measure(opened, 3)).rejects.toThrow(/lvextend --size 3072M/);
  expect(await measure(opened, 2)).toMatchObject({ sizeBytes: 2 * gibibyte, leftBelowBytes: null });
  await growAll(opened, 2 * gibibyte);
  expect(opened.calls).toEqual(['passphrase', 'mapping', 'ext4']);
});

test('the proof names a layer that stayed behind', () =>
  withDirectory(async (directory) => {
    const opened = openVolume(directory);
    await mkdir(opened.mountPoint);
    const before = { sizeBytes: 2 * gibibyte, availableBytes: 0 };
    Object.assign(opened.layers, { file: 2 * gibibyte, below: 2 * gibibyte, mapping: 2 * gibibyte - headerBytes });
    await expect(stepActivities.proveGrowth.perform(opened.attempt, before)).rejects.toThrow(/the layers do not agree: .*start growVolume again/);
    opened.layers.ext4 = 2 * gibibyte - headerBytes;
    expect(await stepActivities.proveGrowth.perform(opened.attempt, before)).toMatchObject({ placeBytes: 2 * gibibyte, usedPercent: 45 });
  }));

test('a volume that no deployment uses is not grown', () =>
  withDirectory(async (directory) => {
    const { attempt } = openVolume(directory);
    const check = () => stepActivities.assertVolumeInUse.perform(attempt, undefined);
    await expect(check()).rejects.toThrow(/the deployment in .* does not use the volume/);
    await mkdir(join(directory, 'deployment'));
    await writeFile(join(directory, 'deployment', 'compose.yaml'), '');
    await expect(check()).rejects.toThrow(/does not use the volume/);
    await writeFile(join(directory, 'deployment', '.env'), 'COMPOSE_FILE=compose.yaml:docker-compose.encrypted.yaml\n');
    expect(await check()).toEqual({ place: join(directory, 'volume.img') });
  }));
