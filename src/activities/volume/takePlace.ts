import { rm } from 'node:fs/promises';
import { PermanentFailure } from '../../contract/errors.js';
import { formatBytes } from '../../contract/facts.js';
import type { Attempt } from '../activity.js';
import { assertDeviceEmpty, headerAreaBytes, needDevice } from './emptyDevice.js';
import { openAndMount } from './openVolume.js';
import { keepOwnVolume, removalOf, type OwnVolume } from './ownVolume.js';
import { assertHoldsNothing } from './preparedVolume.js';

/** The database as it is, to which growth is added; or what was decided. */
export type WantedSize = { readonly databaseBytes: number } | { readonly sizeBytes: number };

/** Where the volume lies, and how large that is. */
export async function describePlace({ config, tools }: Attempt) {
  const { device, file } = config.volume;
  if (device !== undefined) {
    const { sizeBytes } = await needDevice({ config, tools }, device);
    return { file: device, sizeBytes, allocatedBytes: sizeBytes };
  }
  const present = await tools.volumeFile.readVolumeFile({ path: file });
  if (present === undefined) throw new PermanentFailure(`${file} is not there any more`, 'roll back and start again');
  return { file, sizeBytes: present.sizeBytes, allocatedBytes: present.allocatedBytes };
}

/**
 * Opens what an earlier run has prepared, with the passphrase that it has: nothing of it is made anew.
 *
 * @throws {@link PermanentFailure} where something lies on it, or the database does not fit.
 */
export async function takePrepared(attempt: Attempt, size: WantedSize) {
  const { config, tools } = attempt;
  const place = await describePlace(attempt);
  await keepOwnVolume(attempt, { path: place.file, sizeBytes: place.sizeBytes, isPrepared: true });
  await openAndMount(attempt, { mounted: true });
  await assertHoldsNothing(attempt);
  const { availableBytes } = await tools.filesystem.readSpace({ path: config.volume.mountPoint });
  if ('databaseBytes' in size && size.databaseBytes > availableBytes) {
    throw new PermanentFailure(
      `the volume that setupVolume prepared has room for ${formatBytes(availableBytes)}, and the database has ${formatBytes(size.databaseBytes)}`,
      `roll back; remove it where nothing on it is needed (${removalOf(config.volume)}), and start again: it is then made large enough`,
    );
  }
  return { ...place, isPrepared: true as const };
}

/** @throws {@link PermanentFailure} where the device is smaller than the volume has to be. */
export async function assertDeviceSize(attempt: Pick<Attempt, 'config' | 'tools'>, device: string, neededBytes: number): Promise<void> {
  const { sizeBytes } = await needDevice(attempt, device);
  if (sizeBytes >= neededBytes) return;
  throw new PermanentFailure(
    `${device} has ${formatBytes(sizeBytes)}; ${formatBytes(neededBytes)} are needed, for the database and its growth`,
    `make it larger, for example with lvextend --size ${Math.ceil(neededBytes / 2 ** 20)}M ${device}; or name another one`,
  );
}

/**
 * Between the look at the device and its format a person may have taken hours to type, and somebody else the device. A
 * header that a killed attempt of this run wrote in part is cleared.
 */
export async function ensureDeviceEmpty(attempt: Attempt, own: OwnVolume): Promise<void> {
  const signatures = await attempt.tools.deviceContents.readSignatures({ device: own.path });
  if (signatures.length > 0 && signatures.every(({ type }) => type === 'crypto_LUKS')) await clearOwnHeader(attempt, own);
  await assertDeviceEmpty(attempt, own.path);
}

/** A killed attempt left a header that nobody can open; the volume is this run's own and still empty. */
export async function clearOwnHeader({ config, tools }: Attempt, own: OwnVolume): Promise<void> {
  if (config.volume.device === undefined) {
    await rm(own.path);
    await tools.volumeFile.allocate({ path: own.path, sizeBytes: own.sizeBytes });
    return;
  }
  const found = await tools.filesystem.readFilesystem({ device: own.path });
  if (found?.label !== config.volume.name) {
    throw new PermanentFailure(
      `${own.path} bears a LUKS header labelled "${found?.label ?? ''}", which this run did not write`,
      'somebody else has taken the device: name another one as volume.device, roll back and start again',
    );
  }
  await tools.deviceContents.clearBeginning({ device: own.path, lengthBytes: headerAreaBytes });
}
