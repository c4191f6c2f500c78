import { volumeDevice } from '../../config/volumeDevice.js';
import { PermanentFailure } from '../../contract/errors.js';
import type { LuksRole } from '../../host/luks/cryptsetup.js';
import { changes, reads, type Attempt } from '../activity.js';
import { dropFact, keepFact, readFact } from '../run/runFacts.js';
import { dropHeaderBackup, takeHeaderBackup } from '../volume/headerBackup.js';
import { fitArgon2id } from '../volume/argon2id.js';
import { assertUnlikeBackups } from '../volume/volume.js';
import { findOwnSlot, needOwnSlot, newSecret, presentSecret, proveRole, readKeySlots, removeIdleTokens, removeSlot, roles, runNameOf, storedIn } from './keySlots.js';
import { keepProven } from './provenSlots.js';

/** Kept before the slot is filled: killed between that and its token, the run still knows its own. */
interface AddingFact {
  readonly slot: number;
}

/** The header backup that is made while old and new keys are there. */
const newKeysBackup = 'new-keys';

const addingFact = (role: LuksRole) => `adding-${role}`;

/** What a new key is added with: which of the present keys, and whether there is no time to compare it with the backups'. */
export interface Adding {
  readonly role: LuksRole;
  /** The key that authorises it. */
  readonly by: LuksRole;
  readonly atOnce?: boolean;
}

/** New keys beside the present ones: added, proven by their slot, and taken away again on the way back. */
export const newKeyActivities = {
  /** Adds a passphrase in a free slot, proves that it opens that slot, and names its role in the header. */
  addNewKey: changes('KEY_ADD', async (attempt, { role, by, atOnce = false }: Adding) => {
    const device = volumeDevice(attempt.config.volume);
    const { cryptsetup } = attempt.tools;
    const existing = await attempt.secret(presentSecret[by], `the ${by} passphrase as it is now, to add the new ${role} one`);
    await proveRole(attempt, by, presentSecret[by], existing);
    const added = await attempt.secret(newSecret[role], `the NEW ${role} passphrase (it takes the place of the one before)`, { isNew: true });
    if (!atOnce) await assertUnlikeBackups(attempt, newSecret[role], added);
    const own = (await findOwnSlot(attempt, role)) ?? (await findUntoldSlot(attempt, role, added));
    const slot = own ?? (await fillFreeSlot(attempt, role, existing, added));
    if (own !== undefined && !(await cryptsetup.testPassphrase({ device, passphrase: added, slot })).matches) {
      return attempt.refuseSecret(newSecret[role], `the new ${role} passphrase is in slot ${slot} already, and that is another one: the one that was typed first, please`);
    }
    await cryptsetup.addRoleToken({ device, slot, role, runName: runNameOf(attempt) });
    await dropFact(attempt, addingFact(role));
    await keepProven(attempt, slot);
    return { role, slot };
  }),

  /** The way back: what this run added goes, and nothing else. */
  removeNewKey: changes('KEY_REMOVE', async (attempt, { role }: { readonly role: LuksRole }) => {
    const adding = await readFact<AddingFact>(attempt, addingFact(role));
    const filled = (await readKeySlots(attempt)).filter((each) => (each.role === undefined ? each.slot === adding?.slot : each.role === role && each.setBy === runNameOf(attempt)));
    for (const { slot } of filled) await removeSlot(attempt, slot);
    await removeIdleTokens(attempt);
    // With it what was added would open the volume for ever.
    await dropHeaderBackup(attempt, newKeysBackup);
    return { removed: filled.map(({ slot }) => slot) };
  }),

  /** Typed anew from where it is stored, it opens its slot: a password manager that was not saved shows here, and costs nothing. */
  confirmNewKey: reads(async (attempt, { role }: { readonly role: LuksRole }) => {
    const name = newSecret[role];
    const slot = await needOwnSlot(attempt, role);
    const asked = `the NEW ${role} passphrase once more, read from ${storedIn[role]}`;
    const passphrase = await attempt.secret(name, asked, { fresh: true });
    const answer = await attempt.tools.cryptsetup.testPassphrase({ device: volumeDevice(attempt.config.volume), passphrase, slot });
    if (!answer.matches) {
      await attempt.audit('PASSPHRASE_WRONG', { slot }, attempt.giverOf(name));
      return attempt.refuseSecret(name, `that does not open slot ${slot}: ${asked}`);
    }
    await keepProven(attempt, slot);
    return { slot, typed: attempt.giverOf(name) !== undefined };
  }),

  /** Saves the header as it is now, with its digest, and proves that each new key opens the backup. */
  backupNewHeader: changes('HEADER_BACKUP', async (attempt, { which }: { readonly which: string }) => {
    const device = volumeDevice(attempt.config.volume);
    const backup = await takeHeaderBackup(attempt, which);
    const opened: number[] = [];
    for (const role of roles) {
      if ((await findOwnSlot(attempt, role)) === undefined) continue;
      const passphrase = await attempt.secret(newSecret[role], `the NEW ${role} passphrase, to prove the header backup`);
      const answer = await attempt.tools.cryptsetup.testHeaderBackup({ device, file: backup.file, passphrase });
      if (!answer.matches) throw new PermanentFailure(`the header backup ${backup.file} does not open with the new ${role} passphrase`, 'check the disk under it, then retry');
      opened.push(answer.slot);
    }
    return { ...backup, opened };
  }),
};

/** @returns The slot that a killed attempt of this run filled without naming it, where the passphrase opens it; what it does not open is taken away. */
async function findUntoldSlot(attempt: Attempt, role: LuksRole, added: Buffer): Promise<number | undefined> {
  const adding = await readFact<AddingFact>(attempt, addingFact(role));
  const untold = (await readKeySlots(attempt)).find((each) => each.role === undefined && each.slot === adding?.slot);
  if (untold === undefined) return undefined;
  const { slot } = untold;
  if ((await attempt.tools.cryptsetup.testPassphrase({ device: volumeDevice(attempt.config.volume), passphrase: added, slot })).matches) return slot;
  await removeSlot(attempt, slot);
  return undefined;
}

async function fillFreeSlot(attempt: Attempt, role: LuksRole, existing: Buffer, added: Buffer): Promise<number> {
  const device = volumeDevice(attempt.config.volume);
  const { cryptsetup } = attempt.tools;
  const present = await cryptsetup.testPassphrase({ device, passphrase: added });
  if (present.matches) {
    return attempt.refuseSecret(newSecret[role], `that passphrase opens slot ${present.slot} already: type another NEW ${role} passphrase`, true);
  }
  const filled = new Set((await readKeySlots(attempt)).map(({ slot }) => slot));
  const slot = Array.from({ length: slotsOfLuks2 }, (_, index) => index).find((index) => !filled.has(index));
  if (slot === undefined) throw new PermanentFailure(`all ${slotsOfLuks2} key slots of ${device} are filled`, 'remove those of no use (cryptsetup luksKillSlot), then retry');
  await keepFact(attempt, addingFact(role), { slot } satisfies AddingFact);
  await cryptsetup.addKey({ device, existing, added, slot, argon2id: await fitArgon2id(attempt) });
  return slot;
}

/** cryptsetup(8), luksAddKey: LUKS2 has slots 0 to 31. */
const slotsOfLuks2 = 32;
