import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { toDeviceNumber, type DeviceNumber } from './deviceNumber.js';
import { ifPresent } from '../failure.js';

/** Block devices as the kernel names them in its log: `dm-0`, `loop0`, `sda`. */
export function createBlockDevices({ sysDirectory = '/sys' }: { readonly sysDirectory?: string } = {}) {
  /** A device with all that it stands on: what device-mapper maps, the file behind a loop device, the disk of a partition. */
  async function readNamesBelow({ deviceNumber }: { readonly deviceNumber: DeviceNumber }): Promise<readonly string[]> {
    const directory = await ifPresent(realpath(join(sysDirectory, 'dev/block', deviceNumber)));
    // A filesystem without a device of its own, such as a network's.
    if (directory === undefined) return [];
    const isPartition = (await ifPresent(stat(join(directory, 'partition')))) !== undefined;
    const slaves = (await ifPresent(readdir(join(directory, 'slaves')))) ?? [];
    const backing = (await ifPresent(readFile(join(directory, 'loop/backing_file'), 'utf8')))?.trim();
    const below = [
      ...(await Promise.all(slaves.map((slave) => numberOf(join(directory, 'slaves', slave))))),
      ...(isPartition ? [await numberOf(dirname(directory))] : []),
      ...(backing === undefined ? [] : [await numberOfFilesystem(backing)]),
    ];
    const names = await Promise.all(below.map(async (number) => (number === undefined ? [] : readNamesBelow({ deviceNumber: number }))));
    return [...new Set([basename(directory), ...names.flat()])];
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

    /** All that the kernel has, partitions left out. */
    readNames: async (): Promise<readonly string[]> => (await ifPresent(readdir(join(sysDirectory, 'block')))) ?? [],
  };
}

/** What {@link createBlockDevices} makes. */
export type BlockDevices = ReturnType<typeof createBlockDevices>;
