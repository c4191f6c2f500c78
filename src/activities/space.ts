import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Config } from '../config/schema.js';
import { PermanentFailure } from '../contract/errors.js';
import { formatBytes } from '../contract/facts.js';
import { ifPresent } from '../host/failure.js';
import { reads } from './activity.js';

const mebibyte = 1024 * 1024;
/** What the LUKS2 header and ext4's own structures take, journal included, on a small volume. */
const overheadBytes = 96 * mebibyte;

/** How large the volume's file is made: the database plus growth, never less than the configured minimum. */
export function volumeSizeBytes({ growthPercent, minimumSizeMiB }: Config['volume'], databaseBytes: number): number {
  const wanted = Math.max(databaseBytes * (1 + growthPercent / 100) + overheadBytes, minimumSizeMiB * mebibyte);
  return Math.ceil(wanted / mebibyte) * mebibyte;
}

/** Room for everything that a run writes: the plan's 3.2, step 1. */
export const spaceActivities = {
  /** The plan's twice the space where the volume's file goes, and room for the backups where they go. */
  assertSpace: reads(async ({ config, tools }, { databaseBytes }: { readonly databaseBytes: number }) => {
    const { spaceFactor } = config.preflight;
    const volumeBytes = volumeSizeBytes(config.volume, databaseBytes);
    // Compressed, the two dumps stay below one database; the files of the cluster below another.
    const backupBytes = databaseBytes * (config.backup.filesystemCopy === 'none' ? 1 : 2);
    const ofVolume = await nearestDirectory(dirname(config.volume.file));
    const ofBackups = await nearestDirectory(config.backup.directory);
    const together = ofVolume.device === ofBackups.device;
    const needs = [
      { directory: ofVolume.path, neededBytes: Math.max(Math.ceil(databaseBytes * spaceFactor), volumeBytes + (together ? backupBytes : 0)) },
      ...(together ? [] : [{ directory: ofBackups.path, neededBytes: backupBytes }]),
    ];
    const rooms = await Promise.all(
      needs.map(async (need) => ({ ...need, availableBytes: (await tools.filesystem.readSpace({ path: need.directory })).availableBytes })),
    );
    for (const { directory, neededBytes, availableBytes } of rooms) {
      if (availableBytes >= neededBytes) continue;
      const parts = directory === ofVolume.path ? `the volume takes ${formatBytes(volumeBytes)}, preflight.spaceFactor asks for ${spaceFactor} times the database` : 'the backups lie there';
      throw new PermanentFailure(
        `${directory} has ${formatBytes(availableBytes)} free; ${formatBytes(neededBytes)} are needed (${parts})`,
        `free space there, or put ${directory === ofVolume.path ? 'volume.file' : 'backup.directory'} elsewhere`,
      );
    }
    return { rooms };
  }),
};

/** A directory that is made later has the room of the one it is made in. */
async function nearestDirectory(path: string): Promise<{ readonly path: string; readonly device: number }> {
  const found = await ifPresent(stat(path));
  return found === undefined ? nearestDirectory(dirname(path)) : { path, device: found.dev };
}
