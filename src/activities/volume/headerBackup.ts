import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { volumeDevice } from '../../config/volumeDevice.js';
import { ifPresent } from '../../host/failure.js';
import { syncDirectoryOf } from '../../host/files/durable.js';
import type { HeaderBackup } from '../../host/luks/cryptsetup.js';
import type { Attempt } from '../activity.js';
import { dropFact, keepFact, readFact } from '../run/runFacts.js';

/** What header backups are called in the runs' directories; one that was cut off holds the keys as well. */
export const headerBackupName = /^luks-header.*\.img(\.partial)?$/;

/** What a rotation calls the one with the new keys beside the old ones. */
export const backupBeforeRemoval = 'new-keys';

/**
 * Saves the header into the run's directory, once for each name.
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
  const present = await takeHeaderBackup(attempt, which);
  if (await isOfNow(attempt, present)) return present;
  await dropFact(attempt, placeOf(attempt, which).fact);
  const anew = await takeHeaderBackup(attempt, which);
  if (await isOfNow(attempt, anew)) return anew;
  throw new Error(`the header backup ${anew.file} differs from the header of ${volumeDevice(attempt.config.volume)} right after it was taken`);
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

async function isOfNow(attempt: Attempt, { file }: HeaderBackup): Promise<boolean> {
  const { cryptsetup } = attempt.tools;
  const device = volumeDevice(attempt.config.volume);
  const slotsIn = async (place: string) =>
    Promise.all((await cryptsetup.readHeader({ device: place })).slots.map(async ({ slot }) => [slot, await cryptsetup.readSlotFingerprint({ device: place, slot })] as const));
  return JSON.stringify(await slotsIn(file)) === JSON.stringify(await slotsIn(device));
}

const headerBackupFactName = 'header-backup';
const headerBackupFact = /^header-backup.*\.json$/;

function placeOf({ directory }: Attempt, which: string | undefined): { readonly file: string; readonly fact: string } {
  const suffix = which === undefined ? '' : `-${which}`;
  return { file: join(directory, `luks-header${suffix}.img`), fact: `${headerBackupFactName}${suffix}` };
}
