import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { volumeDevice } from '../../config/volumeDevice.js';
import type { HeaderBackup } from '../../host/luks/cryptsetup.js';
import type { Attempt } from '../activity.js';
import { syncDirectoryOf } from '../../host/files/durable.js';
import { dropFact, keepFact, readFact } from '../run/runFacts.js';

/** What header backups are called in the runs' directories. */
export const headerBackupName = /^luks-header.*\.img$/;

/**
 * Saves the header into the run's directory, once for each name.
 *
 * @param which - Tells several of one run apart; default there is one.
 */
export async function takeHeaderBackup(attempt: Attempt, which?: string): Promise<HeaderBackup> {
  const { file, fact } = nameBackup(attempt, which);
  const kept = await readFact<HeaderBackup>(attempt, fact);
  if (kept !== undefined) return kept;
  // A backup without its digest kept is one that a killed attempt made: it is made again.
  await rm(file, { force: true });
  const backup = await attempt.tools.cryptsetup.headerBackup({ device: volumeDevice(attempt.config.volume), file });
  await keepFact(attempt, fact, backup);
  return backup;
}

/** Removes what {@link takeHeaderBackup} saved; done twice it is done once. */
export async function dropHeaderBackup(attempt: Attempt, which: string): Promise<void> {
  const { file, fact } = nameBackup(attempt, which);
  await rm(file, { force: true });
  await syncDirectoryOf(file);
  await dropFact(attempt, fact);
}

function nameBackup({ directory }: Pick<Attempt, 'directory'>, which: string | undefined): { readonly file: string; readonly fact: string } {
  const suffix = which === undefined ? '' : `-${which}`;
  return { file: join(directory, `luks-header${suffix}.img`), fact: `header-backup${suffix}` };
}
