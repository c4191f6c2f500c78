import { realpath } from 'node:fs/promises';
import { PermanentFailure } from '../../contract/errors.js';
import type { BlockDevice } from '../../host/disks/blockDevices.js';
import { readTablesNaming } from '../../host/disks/deviceTables.js';
import { readSwapAreas } from '../../host/disks/swap.js';
import { ifPresent } from '../../host/failure.js';
import type { Attempt } from '../activity.js';

type OnHost = Pick<Attempt, 'config' | 'tools'>;

/** What a LUKS2 header with its key slots takes by default (cryptsetup-luksFormat(8)): the part that is written first. */
export const headerAreaBytes = 16 * 1024 * 1024;

/**
 * A block device that nobody uses and that holds nothing which could be recognised. Old bytes without any mark are no
 * reason to refuse, since a logical volume made from blocks that were used before has them: the gate asks about those.
 *
 * @param whose - Of a LUKS volume on it, in words.
 * @throws {@link PermanentFailure} that names every reason.
 */
export async function assertDeviceEmpty(attempt: OnHost, device: string, whose = ''): Promise<BlockDevice> {
  const found = await needDevice(attempt, device);
  const uses = await readUses(attempt, device, found);
  if (uses.length > 0) throw new PermanentFailure(`${device} ${uses.join('; it ')}${whose}`, 'nothing is written to it: name an empty device as volume.device; look at this one with lsblk --fs and wipefs --no-act');
  return found;
}

/** @throws {@link PermanentFailure} where the device is not there. */
export async function needDevice({ tools }: OnHost, device: string): Promise<BlockDevice> {
  const found = await tools.blockDevices.readDevice({ device });
  if (found === undefined) throw new PermanentFailure(`${device} does not exist`, 'make it, for example with lvcreate --size 50G --name pg-data vg0; or correct volume.device in lockstep.yaml');
  return found;
}

/** Why it is not free, each in words that follow on its name. */
async function readUses({ tools }: OnHost, device: string, { deviceNumber, isReadOnly, holders, partitions }: BlockDevice): Promise<readonly string[]> {
  const mounts = (await tools.mounts.readMounts()).filter((mount) => mount.deviceNumber === deviceNumber);
  const swaps = await Promise.all((await readSwapAreas()).map(async ({ path }) => ((await ifPresent(realpath(path))) === (await realpath(device)) ? path : undefined)));
  const signatures = await tools.deviceContents.readSignatures({ device });
  const uses = [
    ...(isReadOnly ? ['is read-only'] : []),
    ...mounts.map(({ mountPoint }) => `is mounted on ${mountPoint}`),
    ...(swaps.some((path) => path !== undefined) ? ['is swap in use'] : []),
    ...(holders.length > 0 ? [`is held by ${holders.join(', ')}`] : []),
    ...(partitions.length > 0 ? [`has partitions (${partitions.join(', ')})`] : []),
    ...signatures.map(({ type, offsetBytes }) => `bears the mark of ${type} at byte ${offsetBytes}`),
    ...(await readTablesNaming({ deviceNumber })).map((table) => `is named in ${table}`),
  ];
  if (uses.length === 0 && (await tools.deviceContents.isHeld({ device }))) return ['is held by something that does not show itself, such as a mount in a container'];
  return uses;
}
