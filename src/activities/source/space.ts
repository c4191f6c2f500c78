import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Config } from '../../config/schema.js';
import { PermanentFailure } from '../../contract/errors.js';
import { formatBytes } from '../../contract/facts.js';
import { readTreeSize } from '../../host/files/directoryTree.js';
import { ifPresent } from '../../host/failure.js';
import { reads } from '../activity.js';
import { readPrepared } from '../volume/preparedVolume.js';
import { assertDeviceSize } from '../volume/takePlace.js';
import { needSource } from './source.js';

const mebibyte = 1024 * 1024;
/** What the LUKS2 header and ext4's own structures take, journal included, on a small volume. */
const overheadBytes = 96 * mebibyte;

/** How large the volume's file is made: the database plus growth, never less than the configured minimum. */
export function volumeSizeBytes({ growthPercent, minimumSizeMiB }: Config['volume'], databaseBytes: number): number {
  const wanted = Math.max(databaseBytes * (1 + growthPercent / 100) + overheadBytes, minimumSizeMiB * mebibyte);
  return Math.ceil(wanted / mebibyte) * mebibyte;
}

/** What a throw-away server takes that a backup is restored into: its files, and the log of writing them. */
export function restoreSizeBytes(databaseBytes: number): number {
  return databaseBytes * 2 + 128 * mebibyte;
}

/** Whether a test restore may lie in memory, so that nothing in the clear reaches a disk. */
export function restoreFitsMemory(databaseBytes: number, availableMemoryBytes: number): boolean {
  return restoreSizeBytes(databaseBytes) < availableMemoryBytes / 2;
}

/** Something that a run writes, and how much room it takes. */
interface Need {
  readonly what: string;
  readonly directory: string;
  readonly sizeBytes: number;
}

/** Room for everything that a run writes: the plan's 3.2, step 1. */
export const spaceActivities = {
  /** The plan's twice the space where the volume's file goes, and room for all else where that goes. */
  assertSpace: reads(async ({ config, tools }, { databaseBytes }: { readonly databaseBytes: number }) => {
    const { availableBytes: memoryBytes } = await tools.system.readMemory();
    const { device, file } = config.volume;
    const sizeBytes = volumeSizeBytes(config.volume, databaseBytes);
    // One that is prepared is opened later, and then shows its room.
    const isPrepared = (await readPrepared({ config, tools })) !== undefined;
    if (device !== undefined && !isPrepared) await assertDeviceSize({ config, tools }, device, sizeBytes);
    const needs: readonly Need[] = [
      ...(device === undefined && !isPrepared ? [{ what: 'the volume', directory: dirname(file), sizeBytes }] : []),
      // Compressed, the two dumps stay below one database; the files of the cluster below another.
      { what: 'the backups', directory: config.backup.directory, sizeBytes: databaseBytes * (config.backup.filesystemCopy === 'none' ? 1 : 2) },
      ...(restoreFitsMemory(databaseBytes, memoryBytes)
        ? []
        : [{ what: 'the test restore', directory: config.stateDirectory, sizeBytes: restoreSizeBytes(databaseBytes) }]),
    ];
    const rooms = [];
    for (const { directory, needs: together } of await groupByFilesystem(needs)) {
      const { availableBytes } = await tools.filesystem.readSpace({ path: directory });
      const sum = together.reduce((bytes, { sizeBytes }) => bytes + sizeBytes, 0);
      const least = together.some(({ what }) => what === 'the volume') ? databaseBytes * config.preflight.spaceFactor : 0;
      const neededBytes = Math.ceil(Math.max(sum, least));
      if (availableBytes < neededBytes) {
        const parts = together.map(({ what, sizeBytes }) => `${what} ${formatBytes(sizeBytes)}`).join(', ');
        throw new PermanentFailure(
          `${directory} has ${formatBytes(availableBytes)} free; ${formatBytes(neededBytes)} are needed (${parts}; preflight.spaceFactor asks for ${config.preflight.spaceFactor} times the database)`,
          'free space there, or put volume.file, backup.directory or stateDirectory elsewhere',
        );
      }
      rooms.push({ directory, neededBytes, availableBytes });
    }
    return { rooms };
  }),

  /** The volume was made days before the window, perhaps, and users went on writing. */
  assertFitsVolume: reads(async (attempt) => {
    const { config, tools } = attempt;
    const { sizeBytes } = await readTreeSize({ directory: (await needSource(attempt)).root });
    const { availableBytes } = await tools.filesystem.readSpace({ path: config.volume.mountPoint });
    if (sizeBytes < availableBytes) return { sizeBytes, availableBytes };
    throw new PermanentFailure(
      `the database has grown to ${formatBytes(sizeBytes)}, and the volume has room for ${formatBytes(availableBytes)}`,
      'roll back and start again: the volume is then made for the size of that day; raise volume.growthPercent if it grows fast',
    );
  }),
};

/** Needs that share a filesystem are one need. */
async function groupByFilesystem(needs: readonly Need[]): Promise<readonly { readonly directory: string; readonly needs: readonly Need[] }[]> {
  const groups = new Map<number, { directory: string; needs: Need[] }>();
  for (const need of needs) {
    const { path, device } = await nearestDirectory(need.directory);
    const group = groups.get(device) ?? { directory: path, needs: [] };
    group.needs.push(need);
    groups.set(device, group);
  }
  return [...groups.values()];
}

/** A directory that is made later has the room of the one it is made in. */
async function nearestDirectory(path: string): Promise<{ readonly path: string; readonly device: number }> {
  const found = await ifPresent(stat(path));
  return found === undefined ? nearestDirectory(dirname(path)) : { path, device: found.dev };
}
