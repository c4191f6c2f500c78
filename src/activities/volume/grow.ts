import { rm, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { volumeDevice } from '../../config/volumeDevice.js';
import { PermanentFailure } from '../../contract/errors.js';
import { formatBytes } from '../../contract/facts.js';
import { changes, reads, type Attempt } from '../activity.js';
import { readHealth } from '../services/ensureServices.js';
import { isOverlaySelected } from '../services/overlaySelection.js';
import { isDeployed } from '../services/presentDatabase.js';
import { volumeSizeBytes } from '../source/space.js';
import { needDevice } from './emptyDevice.js';
import { asking, volumeLayout } from './openVolume.js';
import { isThere } from './preparedVolume.js';
import { readLayers, type Layers } from './volumeLayers.js';

const gibibyte = 1024 ** 3;
const mebibyte = 1024 ** 2;
/** Less than a quarter more is not worth the trouble: the volume would be full again soon. */
const leastGrowth = 1.25;

/** A volume in use becomes larger, layer by layer from below, with users online. */
export const growActivities = {
  /** @throws PermanentFailure where the database of this host does not run on this volume. */
  assertVolumeInUse: reads(async (attempt) => {
    const { config, tools } = attempt;
    const place = volumeDevice(config.volume);
    if (!(await isThere(attempt)) || !(await tools.cryptsetup.isLuks({ device: place })).isLuks) {
      throw new PermanentFailure(`${place} is not a LUKS volume`, 'there is nothing to grow: compare volume in lockstep.yaml');
    }
    if (!(await isDeployed(attempt)) || !(await isOverlaySelected(attempt))) {
      throw new PermanentFailure(
        `the deployment in ${config.deployment.directory} does not use the volume ${place}`,
        'a volume that holds nothing yet is made anew in the size that is wanted; one that was rolled back from is not grown',
      );
    }
    return { place };
  }),

  /**
   * What is used, how large each layer is, and how large they shall be.
   *
   * @throws PermanentFailure where it would not become larger, or there is no room below.
   */
  measureGrowth: reads(async (attempt, { sizeGib }: { readonly sizeGib?: number }) => {
    const { config, tools } = attempt;
    const { availableBytes, totalBytes } = await tools.filesystem.readSpace({ path: config.volume.mountPoint });
    const layers = await readLayers(attempt);
    const { isDevice, placeBytes } = layers;
    const usedBytes = totalBytes - availableBytes;
    const sizeBytes = isDevice ? await readDeviceTarget(attempt, layers, sizeGib) : readFileTarget(attempt, layers, usedBytes, sizeGib);
    const below = isDevice ? undefined : await assertRoomBelow(attempt, sizeBytes);
    return { place: layers.place, isDevice, placeBytes, sizeBytes, usedBytes, availableBytes, leftBelowBytes: below ?? null };
  }),

  /** The file, in place and fully allocated; a block device has to be larger already. */
  growFile: changes('VOLUME_FILE_GROW', async ({ config, tools }, { sizeBytes }: { readonly sizeBytes: number }) => {
    const { device, file } = config.volume;
    if (device === undefined) return { sizeBytes: (await tools.volumeFile.grow({ path: file, sizeBytes })).sizeBytes };
    const found = await needDevice({ config, tools }, device);
    if (found.sizeBytes < sizeBytes) throw new PermanentFailure(`${device} has ${formatBytes(found.sizeBytes)}, and had ${formatBytes(sizeBytes)} when it was measured`, 'find out who made it smaller, before anything else');
    return { sizeBytes: found.sizeBytes };
  }),

  /** The loop device sees how large its file is. */
  growLoop: changes('VOLUME_LOOP_GROW', async (attempt) => {
    const { isDevice, below, belowBytes, placeBytes } = await readLayers(attempt);
    if (!isDevice && belowBytes !== placeBytes) await attempt.tools.loopDevice.ensureLoopSize({ device: below });
    const after = await readLayers(attempt);
    if (after.belowBytes !== after.placeBytes) throw new Error(`${below} has ${after.belowBytes} bytes after its file of ${after.placeBytes} was told to it`);
    return { device: below, sizeBytes: after.belowBytes };
  }),

  /** dm-crypt takes all of the device below it. A volume that was opened since has done so already. */
  growMapping: changes('VOLUME_MAPPING_GROW', async (attempt) => {
    const { mappingBytes, mappingTargetBytes } = await readLayers(attempt);
    if (mappingBytes !== mappingTargetBytes) {
      const passphrase = await attempt.secret('operationalPassphrase', 'the operational passphrase, to grow the open volume: its key lies in the kernel, out of reach');
      await asking(attempt, 'operationalPassphrase', () => attempt.tools.cryptsetup.resize({ name: attempt.config.volume.name, passphrase }));
    }
    const after = await readLayers(attempt);
    if (after.mappingBytes !== after.mappingTargetBytes) throw new Error(`the open volume has ${after.mappingBytes} bytes, and ${after.mappingTargetBytes} lie below it`);
    return { sizeBytes: after.mappingBytes };
  }),

  /** ext4 takes all of the open volume, mounted. */
  growFilesystem: changes('FILESYSTEM_GROW', async (attempt) => {
    const { config, tools } = attempt;
    await tools.filesystem.ensureExt4FillsDevice({ device: volumeLayout(config).device });
    await tools.filesystem.syncFilesystem({ path: config.volume.mountPoint });
    const layers = await readLayers(attempt);
    if (!isFilled(layers)) throw new Error(`ext4 has ${layers.filesystemBytes} bytes after resize2fs, and the open volume ${layers.mappingBytes}`);
    return { sizeBytes: layers.filesystemBytes };
  }),

  /**
   * Every layer is as large as the one below it allows, there is the room that was wanted, the volume takes a write, and
   * the service is healthy.
   */
  proveGrowth: changes('VOLUME_GROWTH_PROVE', async (attempt, before: { readonly sizeBytes: number; readonly availableBytes: number }) => {
    const { config, tools } = attempt;
    const layers = await readLayers(attempt);
    const { placeBytes, belowBytes, mappingBytes, mappingTargetBytes, filesystemBytes } = layers;
    if (placeBytes < before.sizeBytes || belowBytes !== placeBytes || mappingBytes !== mappingTargetBytes || !isFilled(layers)) {
      throw new PermanentFailure(
        `the layers do not agree: ${layers.place} ${placeBytes} bytes (wanted ${before.sizeBytes}), ${layers.below} ${belowBytes}, open volume ${mappingBytes} of ${mappingTargetBytes}, ext4 ${filesystemBytes}`,
        'start growVolume again: it goes on from the layer that is too small',
      );
    }
    await proveWrite(config.volume.mountPoint);
    const status = await readHealth(attempt);
    if (status !== 200) throw new Error(`the application answers with status ${status} instead of 200`);
    const { availableBytes, totalBytes } = await tools.filesystem.readSpace({ path: config.volume.mountPoint });
    return { placeBytes, belowBytes, mappingBytes, filesystemBytes, availableBytes, usedPercent: Math.round((1 - availableBytes / totalBytes) * 100) };
  }),
};

function readFileTarget({ config }: Attempt, layers: Layers, usedBytes: number, sizeGib: number | undefined): number {
  const { place, placeBytes } = layers;
  const wanted = sizeGib === undefined ? Math.max(volumeSizeBytes(config.volume, usedBytes), Math.ceil((placeBytes * leastGrowth) / mebibyte) * mebibyte) : sizeGib * gibibyte;
  if (wanted > placeBytes) return wanted;
  // An earlier run was left between two layers: the rest follows.
  if (wanted === placeBytes && !isGrown(layers)) return wanted;
  throw new PermanentFailure(`${place} has ${formatBytes(placeBytes)} already, and a volume does not shrink`, `name more with --size-gib, or leave it out: the size then follows from what is used`);
}

async function readDeviceTarget(attempt: Attempt, layers: Layers, sizeGib: number | undefined): Promise<number> {
  const { place, placeBytes } = layers;
  const wanted = sizeGib === undefined ? 0 : sizeGib * gibibyte;
  if (placeBytes >= wanted && !isGrown(layers)) return placeBytes;
  const { mappingBytes } = layers;
  const target = Math.max(wanted, Math.ceil(mappingBytes * leastGrowth));
  const found = await needDevice(attempt, place);
  throw new PermanentFailure(
    `${place} has ${formatBytes(found.sizeBytes)}${isGrown(layers) ? ', all of which the volume has already' : ''}`,
    `make the device larger first, for example with lvextend --size ${Math.ceil(target / mebibyte)}M ${place}; then start growVolume again: it takes all of it`,
  );
}

function isGrown(layers: Layers): boolean {
  const { belowBytes, placeBytes, mappingBytes, mappingTargetBytes } = layers;
  return belowBytes === placeBytes && mappingBytes === mappingTargetBytes && isFilled(layers);
}

/** ext4 leaves less than a block of what lies below it. */
function isFilled({ mappingBytes, filesystemBytes, blockBytes }: Pick<Layers, 'mappingBytes' | 'filesystemBytes' | 'blockBytes'>): boolean {
  return mappingBytes - filesystemBytes < blockBytes;
}

/** @returns What stays free on the disk below, in bytes. */
async function assertRoomBelow({ config, tools }: Attempt, sizeBytes: number): Promise<number> {
  const { file } = config.volume;
  const { availableBytes } = await tools.filesystem.readSpace({ path: dirname(file) });
  const missingBytes = sizeBytes - ((await tools.volumeFile.readVolumeFile({ path: file }))?.allocatedBytes ?? 0);
  if (missingBytes > availableBytes) {
    throw new PermanentFailure(
      `${dirname(file)} has ${formatBytes(availableBytes)} free; ${formatBytes(missingBytes)} more are needed for a volume of ${formatBytes(sizeBytes)}`,
      'free space there, or name a smaller --size-gib',
    );
  }
  await tools.volumeFile.assertReserves({ path: file });
  return availableBytes - Math.max(0, missingBytes);
}

/** A write that reaches the device. */
async function proveWrite(mountPoint: string): Promise<void> {
  const path = join(mountPoint, '.lockstep-write-probe');
  const file = await open(path, 'w', 0o600);
  try {
    await file.write(Buffer.alloc(mebibyte, 1));
    await file.sync();
  } finally {
    await file.close();
    await rm(path, { force: true });
  }
}
