import { readdir, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { volumeDevice } from '../../config/volumeDevice.js';
import { PermanentFailure } from '../../contract/errors.js';
import { assertAes256Xts, type LuksRole } from '../../host/luks/cryptsetup.js';
import { ifPresent } from '../../host/failure.js';
import { syncDirectoryOf } from '../../host/files/durable.js';
import { changes, reads, type Attempt } from '../activity.js';
import { keepFact, readFact } from '../run/runFacts.js';
import { dropHeaderBackup, headerBackupName, takeHeaderBackup } from '../volume/headerBackup.js';
import { keepUnlockingSecret } from '../volume/unlockingSecret.js';
import { keySlotsOf, needOwnSlot, newSecret, presentSecret, proveRole, readKeySlots, removeIdleTokens, removeSlot, roles, runNameOf, storedIn } from './keySlots.js';
import { readProvenSlots } from './provenSlots.js';

/** What was removed, kept before it goes: a killed attempt would else not know what it was about. */
interface RemovedFact {
  readonly slots: readonly { readonly slot: number; readonly role: LuksRole | 'none' }[];
}

/** The keys that a rotation finds, and what becomes of those that it replaces. */
export const oldKeyActivities = {
  /** The filled slots with their roles; refused where a slot is bound by somebody else's token, since exactly two are to remain. */
  readKeys: reads(async (attempt) => {
    const device = volumeDevice(attempt.config.volume);
    const header = await attempt.tools.cryptsetup.readHeader({ device });
    assertAes256Xts({ device, header });
    const foreign = header.tokens.find(({ type, slots }) => type !== 'lockstep' && slots.length > 0);
    if (foreign !== undefined) {
      throw new PermanentFailure(`slot ${foreign.slots.join(', ')} of ${device} is bound by a token of type ${foreign.type}: a rotation leaves exactly the operational and the recovery key`, 'remove that binding first, with the tool that made it');
    }
    if (header.reencrypting) throw new PermanentFailure(`${device} is being re-encrypted`, 'let that end first: the run that began it goes on with "lockstep start rotateKey --resume"');
    const slots = keySlotsOf(header);
    for (const role of roles) {
      if (!slots.some((each) => each.role === role)) {
        throw new PermanentFailure(`no slot of ${device} has the role ${role}: ${slots.length === 0 ? 'it has none' : slots.map((each) => `slot ${each.slot} ${each.role ?? 'without a role'}`).join(', ')}`, 'it was not made by Lockstep, or its tokens were removed; give the slots their roles again (docs/key-management.md)');
      }
    }
    const proven = await readProvenSlots(attempt);
    return {
      volume: header.uuid,
      slots: header.slots.map(({ slot, kdf }) => {
        const { role, setBy } = slots.find((each) => each.slot === slot) ?? {};
        return { slot, role: role ?? null, setBy: setBy ?? null, kdf: kdf.type, memoryKiB: kdf.memoryKiB ?? 0, provenAt: proven.find((each) => each.slot === slot)?.at ?? null };
      }),
    };
  }),

  /** A key that stays has been proven, and its slot has not changed since; else its passphrase is asked for. */
  proveKey: reads(async (attempt, { role }: { readonly role: LuksRole }) => {
    const slots = (await readKeySlots(attempt)).filter((each) => each.role === role);
    const proof = (await readProvenSlots(attempt)).find(({ slot }) => slots.some((each) => each.slot === slot));
    if (proof !== undefined) return { slot: proof.slot, provenAt: proof.at };
    const name = presentSecret[role];
    const passphrase = await attempt.secret(name, `the ${role} passphrase, from ${storedIn[role]}: it stays, and nobody has proven yet that it opens the volume`);
    return { slot: await proveRole(attempt, role, name, passphrase), provenAt: attempt.now().toISOString() };
  }),

  /** The keys that this run has added are where they were, and as they were proven; a rotation that came first takes them away. */
  assertNewKeysStand: reads(async (attempt, { replaced }: { readonly replaced: readonly LuksRole[] }) => {
    const proven = new Set((await readProvenSlots(attempt)).map(({ slot }) => slot));
    const slots = [];
    for (const role of replaced) {
      const slot = await needOwnSlot(attempt, role);
      if (!proven.has(slot)) throw new PermanentFailure(`slot ${slot} (${role}) has changed since its new passphrase was proven`, 'roll back, and find out who changed it');
      slots.push({ slot, role });
    }
    return { slots };
  }),

  /**
   * Removes, by number, every slot of the roles that were replaced but this run's own, and slots without a role. From here on
   * the new operational passphrase opens the volume.
   */
  removeOldKeys: changes('KEY_REMOVE', async (attempt, { replaced }: { readonly replaced: readonly LuksRole[] }) => {
    for (const role of replaced) await needOwnSlot(attempt, role);
    if (replaced.includes('operational')) await keepUnlockingSecret(attempt, newSecret.operational);
    const isOld = ({ role, setBy }: { readonly role?: LuksRole; readonly setBy?: string }) => role === undefined || (replaced.includes(role) && setBy !== runNameOf(attempt));
    const old = (await readKeySlots(attempt)).filter(isOld).map(({ slot, role = 'none' as const }) => ({ slot, role }));
    const earlier = (await readFact<RemovedFact>(attempt, 'removed-keys'))?.slots ?? [];
    const removed = [...earlier, ...old.filter(({ slot }) => !earlier.some((each) => each.slot === slot))];
    await keepFact(attempt, 'removed-keys', { slots: removed } satisfies RemovedFact);
    for (const { slot } of old) await removeSlot(attempt, slot);
    await removeIdleTokens(attempt);
    return { removed };
  }),

  /** The passphrase that was replaced opens nothing any more. */
  proveOldKeyFails: reads(async (attempt, { role }: { readonly role: LuksRole }) => {
    const device = volumeDevice(attempt.config.volume);
    const name = presentSecret[role];
    const passphrase = await attempt.secret(name, `the OLD ${role} passphrase, to prove that it opens nothing any more`);
    const answer = await attempt.tools.cryptsetup.testPassphrase({ device, passphrase });
    if (!answer.matches) return { opens: 'nothing' as const };
    const typed = attempt.giverOf(name) !== undefined;
    if (typed) return attempt.refuseSecret(name, `that opens slot ${answer.slot}, so it is not the old one: the OLD ${role} passphrase`);
    throw new PermanentFailure(`what lockstep.yaml names for ${name} opens slot ${answer.slot}: it holds the new passphrase already, or the old one was never removed`, 'compare with "cryptsetup luksDump"; skip this step where it is the new one');
  }),

  /** Exactly two slots, told apart by role, each proven and as strong as lockstep.yaml wants it. */
  assertKeys: reads(async (attempt) => {
    const device = volumeDevice(attempt.config.volume);
    const header = await attempt.tools.cryptsetup.readHeader({ device });
    assertAes256Xts({ device, header });
    const slots = keySlotsOf(header);
    const proven = new Set((await readProvenSlots(attempt)).map(({ slot }) => slot));
    const least = attempt.config.volume.argon2id.minimumMemoryKiB;
    for (const role of roles) {
      const [own, other] = slots.filter((each) => each.role === role);
      if (own === undefined || other !== undefined) throw new PermanentFailure(`${device} has ${own === undefined ? 'no' : 'more than one'} ${role} key`, 'look at cryptsetup luksDump; retry when it is mended');
      if (!proven.has(own.slot)) throw new PermanentFailure(`slot ${own.slot} (${role}) has changed since its passphrase was proven`, 'prove it: cryptsetup open --test-passphrase; then start another rotation of that key');
    }
    if (slots.length !== roles.length) throw new PermanentFailure(`${device} has ${slots.length} filled key slots, and ${roles.length} are to remain`, 'find out who added the others; retry when they are gone');
    const weak = header.slots.find(({ kdf }) => (kdf.memoryKiB ?? 0) < least);
    if (weak !== undefined) throw new PermanentFailure(`slot ${weak.slot} derives its key with ${weak.kdf.memoryKiB ?? 0} KiB (volume.argon2id.minimumMemoryKiB is ${least})`, 'rotate that key on a host with more free memory');
    return { volume: header.uuid, slots: slots.map(({ slot, role = 'operational' }) => ({ slot, role })) };
  }),

  /**
   * Header backups of before open with the old passphrases for ever: those on this host go, and are named; also the one
   * that this run made while the old keys were still there.
   *
   * @param which - Names the one that stays, which holds the keys of now and no others.
   */
  retireHeaderBackups: changes('HEADER_BACKUPS_RETIRE', async (attempt, { which }: { readonly which: string }) => {
    const kept = await keepBackupOfNow(attempt, which);
    const found = (await findHeaderBackups(attempt.config.stateDirectory)).filter((file) => file !== kept);
    const earlier = (await readFact<{ readonly files: readonly string[] }>(attempt, 'retired-header-backups'))?.files ?? [];
    const files = [...new Set([...earlier, ...found])];
    // Before they go: a killed attempt would else not name them.
    await keepFact(attempt, 'retired-header-backups', { files });
    for (const file of found) {
      await rm(file);
      await syncDirectoryOf(file);
    }
    return { files, kept };
  }),
};

/** An emergency may have come first since it was taken: it is then taken anew. */
async function keepBackupOfNow(attempt: Attempt, which: string): Promise<string> {
  const { file } = await takeHeaderBackup(attempt, which);
  if (await holdsKeysOfNow(attempt, file)) return file;
  await dropHeaderBackup(attempt, which);
  await takeHeaderBackup(attempt, which);
  if (await holdsKeysOfNow(attempt, file)) return file;
  throw new PermanentFailure(`the header backup ${file} does not hold the key slots of the volume, and no others`, 'check the disk under it, then retry');
}

/** Slot by slot what a passphrase was proven to open is in it: whoever opens the one opens the other. */
async function holdsKeysOfNow(attempt: Attempt, file: string): Promise<boolean> {
  const { cryptsetup } = attempt.tools;
  if ((await ifPresent(stat(file))) === undefined) return false;
  const slots = (await readKeySlots(attempt)).map(({ slot }) => slot);
  const held = (await cryptsetup.readHeader({ device: file })).slots.map(({ slot }) => slot);
  if (held.toSorted().join() !== slots.toSorted().join()) return false;
  for (const { slot, fingerprint } of await readProvenSlots(attempt)) {
    if ((await cryptsetup.readSlotFingerprint({ device: file, slot })) !== fingerprint) return false;
  }
  return true;
}

/** Those that runs have left on this host. */
async function findHeaderBackups(stateDirectory: string): Promise<readonly string[]> {
  const runs = join(stateDirectory, 'runs');
  const names = (await ifPresent(readdir(runs))) ?? [];
  const found = await Promise.all(names.map(async (run) => ((await ifPresent(readdir(join(runs, run)))) ?? []).map((name) => join(runs, run, name))));
  return found.flat().filter((file) => headerBackupName.test(basename(file)));
}
