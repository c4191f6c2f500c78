import { realpath, stat } from 'node:fs/promises';
import type { BlockDevices } from './blockDevices.js';
import { toDeviceNumber } from './deviceNumber.js';
import { ifPresent } from '../failure.js';
import type { Mount, Mounts } from './mounts.js';

/** Whether a disk that is carried away gives a file's content: `memory` is on no disk, `dm-crypt` is closed without its key. */
export type StorageProtection = 'dm-crypt' | 'memory' | 'none';

/**
 * What protects a file at rest, as the kernel knows it. Encryption that is not dm-crypt's (a filesystem's own,
 * a drive's) is not seen and counts as none.
 *
 * @throws ENOENT where the file is not there.
 */
export async function readStorageProtection({
  path,
  mounts,
  blockDevices,
}: {
  readonly path: string;
  readonly mounts: Pick<Mounts, 'readMountUnder'>;
  readonly blockDevices: Pick<BlockDevices, 'isOnDmCrypt'>;
}): Promise<StorageProtection> {
  const mount = await mounts.readMountUnder({ path: await realpath(path) });
  if (mount.type === 'tmpfs' || mount.type === 'ramfs') return 'memory';
  return (await blockDevices.isOnDmCrypt({ deviceNumber: await deviceOf(mount) })) ? 'dm-crypt' : 'none';
}

/** A btrfs shows a number of its own, behind which there is no device; what was mounted is one. */
async function deviceOf({ source, deviceNumber }: Mount): Promise<string> {
  const device = source.startsWith('/dev/') ? await ifPresent(stat(source, { bigint: true })) : undefined;
  return device?.isBlockDevice() === true ? toDeviceNumber(device.rdev) : deviceNumber;
}
