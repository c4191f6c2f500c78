import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { PermanentFailure } from '../../contract/errors.js';
import { toDeviceNumber, type DeviceNumber } from './deviceNumber.js';
import { ifPresent } from '../failure.js';

/** A block device, looked at by its path. */
export interface BlockDevice {
  readonly deviceNumber: DeviceNumber;
  readonly sizeBytes: number;
  readonly isReadOnly: boolean;
  /** What the kernel has put on top of it: device-mapper, software RAID, LVM. */
  readonly holders: readonly string[];
  readonly partitions: readonly string[];
}

/** What sysfs counts a device's size in, whatever its own sectors are. */
const sectorBytes = 512;

/** Block devices as the kernel names them in its log: `dm-0`, `loop0`, `sda`. */
export function createBlockDevices({ sysDirectory = '/sys' }: { readonly sysDirectory?: string } = {}) {
  /** A device with all that it stands on: what device-mapper maps, the file behind a loop device, the disk of a partition. */
  async function readNamesBelow({ deviceNumber }: { readonly deviceNumber: DeviceNumber }): Promise<readonly string[]> {
    const directory = await directoryOf(deviceNumber);
    // A filesystem without a device of its own, such as a network's.
    if (directory === undefined) return [];
    const names = await Promise.all((await readBelow(directory)).map((number) => readNamesBelow({ deviceNumber: number })));
    return [...new Set([basename(directory), ...names.flat()])];
  }

  /** Whether nothing of a device can be read without the key of a dm-crypt device: itself, or each that it stands on. */
  async function isOnDmCrypt({ deviceNumber }: { readonly deviceNumber: DeviceNumber }): Promise<boolean> {
    const directory = await directoryOf(deviceNumber);
    if (directory === undefined) return false;
    if ((await ifPresent(readFile(join(directory, 'dm/uuid'), 'utf8')))?.startsWith('CRYPT-') === true) return true;
    const below = await Promise.all((await readBelow(directory)).map((number) => isOnDmCrypt({ deviceNumber: number })));
    return below.length > 0 && below.every((isEncrypted) => isEncrypted);
  }

  function directoryOf(deviceNumber: DeviceNumber): Promise<string | undefined> {
    return ifPresent(realpath(join(sysDirectory, 'dev/block', deviceNumber)));
  }

  /** What a device stands on, one level down. */
  async function readBelow(directory: string): Promise<readonly DeviceNumber[]> {
    const isPartition = (await ifPresent(stat(join(directory, 'partition')))) !== undefined;
    const slaves = (await ifPresent(readdir(join(directory, 'slaves')))) ?? [];
    const backing = (await ifPresent(readFile(join(directory, 'loop/backing_file'), 'utf8')))?.trim();
    const below = [
      ...(await Promise.all(slaves.map((slave) => numberOf(join(directory, 'slaves', slave))))),
      ...(isPartition ? [await numberOf(dirname(directory))] : []),
      ...(backing === undefined ? [] : [await numberOfFilesystem(backing)]),
    ];
    return below.filter((number) => number !== undefined);
  }

  async function numberOf(directory: string): Promise<DeviceNumber | undefined> {
    return (await ifPresent(readFile(join(directory, 'dev'), 'utf8')))?.trim();
  }

  /** The file may be deleted already, and the loop device lives on. */
  async function numberOfFilesystem(path: string): Promise<DeviceNumber | undefined> {
    const stats = await ifPresent(stat(path, { bigint: true }));
    return stats && toDeviceNumber(stats.dev);
  }

  return {
    readNamesBelow,
    isOnDmCrypt,

    /**
     * A device with its size and what stands on it; undefined where there is nothing at that path.
     *
     * @throws {@link PermanentFailure} where something else is there, such as a file.
     */
    async readDevice({ device }: { readonly device: string }): Promise<BlockDevice | undefined> {
      const stats = await ifPresent(stat(device, { bigint: true }));
      if (stats === undefined) return undefined;
      if (!stats.isBlockDevice()) throw new PermanentFailure(`${device} is not a block device`, 'name a disk, a partition or a logical volume, such as /dev/vg0/pg-data; or a file, as volume.file');
      const deviceNumber = toDeviceNumber(stats.rdev);
      const directory = await realpath(join(sysDirectory, 'dev/block', deviceNumber));
      const names = await readdir(directory, { withFileTypes: true });
      const below = await Promise.all(names.filter((name) => name.isDirectory()).map(async ({ name }) => ((await ifPresent(stat(join(directory, name, 'partition')))) === undefined ? [] : [name])));
      return {
        deviceNumber,
        sizeBytes: Number((await readFile(join(directory, 'size'), 'utf8')).trim()) * sectorBytes,
        isReadOnly: (await readFile(join(directory, 'ro'), 'utf8')).trim() !== '0',
        holders: (await ifPresent(readdir(join(directory, 'holders')))) ?? [],
        partitions: below.flat(),
      };
    },

    /** All that the kernel has, partitions left out. */
    readNames: async (): Promise<readonly string[]> => (await ifPresent(readdir(join(sysDirectory, 'block')))) ?? [],
  };
}

/** What {@link createBlockDevices} makes. */
export type BlockDevices = ReturnType<typeof createBlockDevices>;
