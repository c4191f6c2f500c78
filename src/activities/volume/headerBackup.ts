import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { volumeDevice } from '../../config/volumeDevice.js';
import { PermanentFailure } from '../../contract/errors.js';
import { ifPresent } from '../../host/failure.js';
import type { HeaderBackup } from '../../host/luks/cryptsetup.js';
import type { Attempt } from '../activity.js';
import { keepFact, readFact } from '../run/runFacts.js';

/** What header backups are called in the runs' directories. */
const headerBackupName = /^luks-header.*\.img$/;

/**
 * Saves the header into the run's directory, once for each name; again where another run has retired that file.
 *
 * @param which - Tells several of one run apart; default there is one.
 */
export async function takeHeaderBackup(attempt: Attempt, which?: string): Promise<HeaderBackup> {
  const { file, fact } = placeOf(attempt, which);
  const kept = await readFact<HeaderBackup>(attempt, fact);
  if (kept !== undefined && existsSync(kept.file)) return kept;
  // A backup without its digest kept is one that a killed attempt made: it is made again.
  await rm(file, { force: true });
  const backup = await attempt.tools.cryptsetup.headerBackup({ device: volumeDevice(attempt.config.volume), file });
  await keepFact(attempt, fact, backup);
  return backup;
}

/**
 * The header backups on this host, told apart by whether they have the keys as they are now and no others. Where none has, one is taken.
 *
 * @param names.preferred - The name of this run's own that is kept where it will do.
 * @param names.otherwise - The name of one that is taken.
 * @returns The one to rely on, and those with other keys.
 */
export async function sortHeaderBackups(
  attempt: Attempt,
  names: { readonly preferred?: string; readonly otherwise: string },
): Promise<{ readonly kept: string; readonly outdated: readonly string[] }> {
  const present: string[] = [];
  const outdated: string[] = [];
  for (const file of await findHeaderBackups(attempt.config.stateDirectory)) ((await hasPresentKeys(attempt, file)) ? present : outdated).push(file);
  const { file: preferred } = placeOf(attempt, names.preferred);
  const kept = present.includes(preferred) ? preferred : present[0];
  if (kept !== undefined) return { kept, outdated };
  const { file } = placeOf(attempt, names.otherwise);
  // Under that name it has other keys, or it would be there.
  await rm(file, { force: true });
  await takeHeaderBackup(attempt, names.otherwise);
  if (!(await hasPresentKeys(attempt, file))) throw new PermanentFailure(`the header backup ${file} has not the key slots of the volume, of which it was just taken`, 'check the disk under it, then retry');
  return { kept: file, outdated: outdated.filter((each) => each !== file) };
}

function placeOf({ directory }: Pick<Attempt, 'directory'>, which?: string): { readonly file: string; readonly fact: string } {
  const suffix = which === undefined ? '' : `-${which}`;
  return { file: join(directory, `luks-header${suffix}.img`), fact: `header-backup${suffix}` };
}

/** Those that runs have left on this host. */
async function findHeaderBackups(stateDirectory: string): Promise<readonly string[]> {
  const runs = join(stateDirectory, 'runs');
  const names = (await ifPresent(readdir(runs))) ?? [];
  const found = await Promise.all(names.map(async (run) => ((await ifPresent(readdir(join(runs, run)))) ?? []).map((name) => join(runs, run, name))));
  return found.flat().filter((file) => headerBackupName.test(basename(file)));
}

/** Whether the same passphrases open it as open the volume, each to the volume's key. */
async function hasPresentKeys(attempt: Attempt, file: string): Promise<boolean> {
  const { cryptsetup } = attempt.tools;
  const device = volumeDevice(attempt.config.volume);
  if (!(await cryptsetup.isLuks({ device: file })).isLuks) return false;
  const [volume, backup] = [await cryptsetup.readHeader({ device }), await cryptsetup.readHeader({ device: file })];
  if (volume.uuid !== backup.uuid || backup.slots.length !== volume.slots.length) return false;
  for (const { slot } of volume.slots) {
    if ((await cryptsetup.readSlotFingerprint({ device, slot })) !== (await cryptsetup.readSlotFingerprint({ device: file, slot }))) return false;
  }
  return true;
}
