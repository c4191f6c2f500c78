import { readdir, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { volumeDevice } from '../../config/volumeDevice.js';
import { ifPresent } from '../../host/failure.js';
import { syncDirectoryOf } from '../../host/files/durable.js';
import type { HeaderBackup } from '../../host/luks/cryptsetup.js';
import type { Attempt } from '../activity.js';
import { dropFact, keepFact, readFact } from '../run/runFacts.js';

/** What header backups are called in the runs' directories; one that was cut off holds the keys as well. */
const headerBackupName = /^luks-header.*\.img(\.partial)?$/;

/** What a rotation calls the one with the new keys beside the old ones. */
export const backupBeforeRemoval = 'new-keys';

/**
 * Saves the header into the run's directory, once for each name; again where another run has retired that file.
 *
 * @param which - Tells several of one run apart; default there is one.
 */
export async function takeHeaderBackup(attempt: Attempt, which?: string): Promise<HeaderBackup> {
  const { file, fact } = placeOf(attempt, which);
  const kept = await readHeaderBackup(attempt, which);
  if (kept !== undefined) return kept;
  // A backup without its digest kept is one that a killed attempt made: it is made again.
  await rm(file, { force: true });
  const backup = await attempt.tools.cryptsetup.headerBackup({ device: volumeDevice(attempt.config.volume), file });
  await keepFact(attempt, fact, backup);
  return backup;
}

/** The one of that name; undefined where this run has taken none, or a rotation that came first has retired it. */
export async function readHeaderBackup(attempt: Attempt, which?: string): Promise<HeaderBackup | undefined> {
  const kept = await readFact<HeaderBackup>(attempt, placeOf(attempt, which).fact);
  return kept === undefined || (await ifPresent(stat(kept.file))) === undefined ? undefined : kept;
}

/**
 * The same, of the slots as they are now: one that was taken while others were there opens with the passphrases of those for
 * ever. It needs no passphrase: a slot that is byte for byte the one on the device answers as that does.
 *
 * @throws where the one that was just taken differs from the device.
 */
export async function takeHeaderBackupOfNow(attempt: Attempt, which: string): Promise<HeaderBackup> {
  const now = await readIdentity(attempt, volumeDevice(attempt.config.volume));
  const present = await takeHeaderBackup(attempt, which);
  if ((await readBackupIdentity(attempt, present.file)) === now) return present;
  await dropFact(attempt, placeOf(attempt, which).fact);
  const anew = await takeHeaderBackup(attempt, which);
  if ((await readBackupIdentity(attempt, anew.file)) === now) return anew;
  throw new Error(`the header backup ${anew.file} differs from the header of ${volumeDevice(attempt.config.volume)} right after it was taken`);
}

/**
 * One of the slots as they are now: this run's own, else any on this host, else one that is taken.
 *
 * @param otherwise - The name of one that is taken.
 * @returns Its file.
 */
export async function ensureHeaderBackupOfNow(attempt: Attempt, otherwise: string): Promise<string> {
  const own = placeOf(attempt).file;
  const { ofNow } = await sortHeaderBackups(attempt);
  return ofNow.find((file) => file === own) ?? ofNow[0] ?? (await takeHeaderBackupOfNow(attempt, otherwise)).file;
}

/** Those on this host that have other slots than the volume has now, whoever took them. */
export async function findOutdatedHeaderBackups(attempt: Attempt): Promise<readonly string[]> {
  return (await sortHeaderBackups(attempt)).outdated;
}

async function sortHeaderBackups(attempt: Attempt): Promise<{ readonly ofNow: readonly string[]; readonly outdated: readonly string[] }> {
  const now = await readIdentity(attempt, volumeDevice(attempt.config.volume));
  const sorted: { ofNow: string[]; outdated: string[] } = { ofNow: [], outdated: [] };
  for (const file of await findHeaderBackups(attempt.config.stateDirectory)) sorted[(await readBackupIdentity(attempt, file)) === now ? 'ofNow' : 'outdated'].push(file);
  return sorted;
}

/** Removes those that this run has made. */
export async function removeOwnHeaderBackups(attempt: Pick<Attempt, 'directory'>): Promise<void> {
  for (const name of await readdir(attempt.directory)) {
    const file = join(attempt.directory, name);
    if (headerBackupName.test(name)) await rm(file);
    else if (headerBackupFact.test(name)) await dropFact(attempt, name.replace(/\.json$/, ''));
  }
  await syncDirectoryOf(join(attempt.directory, headerBackupFactName));
}

async function findHeaderBackups(stateDirectory: string): Promise<readonly string[]> {
  const runs = join(stateDirectory, 'runs');
  const names = (await ifPresent(readdir(runs))) ?? [];
  const found = await Promise.all(names.map(async (run) => ((await ifPresent(readdir(join(runs, run)))) ?? []).map((name) => join(runs, run, name))));
  return found.flat().filter((file) => headerBackupName.test(basename(file)));
}

/** The same passphrases open whatever has the same, each to the same volume key. */
async function readIdentity({ tools: { cryptsetup } }: Attempt, device: string): Promise<string> {
  const { uuid, slots } = await cryptsetup.readHeader({ device });
  return JSON.stringify([uuid, ...(await Promise.all(slots.map(async ({ slot }) => [slot, await cryptsetup.readSlotFingerprint({ device, slot })] as const)))]);
}

/** Of a file that may have been cut off, or be none: undefined. */
async function readBackupIdentity(attempt: Attempt, file: string): Promise<string | undefined> {
  if (file.endsWith('.partial') || !(await attempt.tools.cryptsetup.isLuks({ device: file })).isLuks) return undefined;
  return readIdentity(attempt, file);
}

const headerBackupFactName = 'header-backup';
const headerBackupFact = /^header-backup.*\.json$/;

function placeOf({ directory }: Pick<Attempt, 'directory'>, which?: string): { readonly file: string; readonly fact: string } {
  const suffix = which === undefined ? '' : `-${which}`;
  return { file: join(directory, `luks-header${suffix}.img`), fact: `${headerBackupFactName}${suffix}` };
}
