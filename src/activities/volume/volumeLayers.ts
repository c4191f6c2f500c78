import { PermanentFailure } from '../../contract/errors.js';
import { volumeDevice } from '../../config/volumeDevice.js';
import type { Attempt } from '../activity.js';
import { needDevice } from './emptyDevice.js';
import { volumeLayout } from './openVolume.js';

/** How large each layer of an open volume is, from below. */
export interface Layers {
  /** The file, or the block device. */
  readonly place: string;
  readonly isDevice: boolean;
  readonly placeBytes: number;
  /** The loop device on the file; of a block device that itself. */
  readonly below: string;
  readonly belowBytes: number;
  /** What dm-crypt has mapped, and what it could map of the device below. */
  readonly mappingBytes: number;
  readonly mappingTargetBytes: number;
  readonly filesystemBytes: number;
  /** Of the filesystem: it leaves the rest of a block unused. */
  readonly blockBytes: number;
}

/** @throws {@link PermanentFailure} where the volume is not open, or open on something else. */
export async function readLayers(attempt: Pick<Attempt, 'config' | 'tools'>): Promise<Layers> {
  const { config, tools } = attempt;
  const { name, device } = config.volume;
  const place = volumeDevice(config.volume);
  const status = await tools.cryptsetup.status({ name });
  if (!status.active) throw new PermanentFailure(`/dev/mapper/${name} is not open`, 'retry: it is opened again');
  if (device === undefined && status.loop !== place) {
    throw new PermanentFailure(`/dev/mapper/${name} is open on ${status.loop ?? status.device}, not on ${place}`, 'compare volume in lockstep.yaml');
  }
  const { dataOffsetBytes, sectorSizeBytes } = await tools.cryptsetup.readHeader({ device: place });
  const belowBytes = (await needDevice(attempt, status.device)).sizeBytes;
  const placeBytes = device === undefined ? ((await tools.volumeFile.readVolumeFile({ path: place }))?.sizeBytes ?? 0) : belowBytes;
  const { sizeBytes: filesystemBytes, blockBytes } = await tools.filesystem.readExt4Size({ device: volumeLayout(config).device });
  return {
    ...{ place, isDevice: device !== undefined, placeBytes, below: status.device, belowBytes, filesystemBytes, blockBytes },
    mappingBytes: status.sizeBytes,
    // dm-crypt maps whole sectors of its own.
    mappingTargetBytes: Math.floor((belowBytes - dataOffsetBytes) / sectorSizeBytes) * sectorSizeBytes,
  };
}
