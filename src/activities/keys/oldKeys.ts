import { rm } from 'node:fs/promises';
import { volumeDevice } from '../../config/volumeDevice.js';
import { PermanentFailure } from '../../contract/errors.js';
import { assertAes256Xts, weaknessOf, type LuksRole } from '../../host/luks/cryptsetup.js';
import { syncDirectoryOf } from '../../host/files/durable.js';
import type { SecretName } from '../../config/schema.js';
import { changes, reads, type Attempt } from '../activity.js';
import { keepFact, readFact } from '../run/runFacts.js';
import { backupBeforeRemoval, ensureHeaderBackupOfNow, findOutdatedHeaderBackups, readHeaderBackup, takeHeaderBackupOfNow } from '../volume/headerBackup.js';
import { keepUnlockingSecret } from '../volume/unlockingSecret.js';
import { keySlotsOf, needOwnSlot, newSecret, presentSecret, proveRole, readKeySlots, removeIdleTokens, removeSlot, roles, storedIn, tellOwn, type KeySlot } from './keySlots.js';
import { readProvenSlots } from './provenSlots.js';

/** What was removed, kept before it goes: a killed attempt would else not know what it was about. */
interface RemovedFact {
  readonly slots: readonly { readonly slot: number; readonly role: LuksRole | 'none' }[];
}

/** The keys that a rotation finds, and what becomes of those that it replaces. */
export const oldKeyActivities = {
  /**
   * The filled slots with their roles; refused where a slot is bound by somebody else's token, or a role that stays has several,
   * since exactly two are to remain.
   */
  readKeys: reads(async (attempt, { replaced }: { readonly replaced: readonly LuksRole[] }) => {
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
    for (const role of roles.filter((each) => !replaced.includes(each))) {
      const held = slots.filter((each) => each.role === role);
      if (held.length > 1) throw new PermanentFailure(`${device} has ${held.length} ${role} keys (${held.map(({ slot, setBy }) => `slot ${slot} of ${setBy ?? 'nobody'}`).join(', ')}), and this rotation removes none of them`, 'start one of both keys: it leaves one of each');
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
  proveKey: reads((attempt, { role }: { readonly role: LuksRole }) => proveKept(attempt, role)),

  /**
   * The keys that this run has added are where they were, and as they were proven; a rotation that came first takes them away.
   * One that stays is proven as well: in an emergency nobody has asked for it before, and without it no other can be removed.
   */
  assertNewKeysStand: reads(async (attempt, { replaced }: { readonly replaced: readonly LuksRole[] }) => {
    const proven = new Set((await readProvenSlots(attempt)).map(({ slot }) => slot));
    const slots = [];
    for (const role of replaced) {
      const slot = await needOwnSlot(attempt, role);
      if (!proven.has(slot)) throw new PermanentFailure(`slot ${slot} (${role}) has changed since its new passphrase was proven`, 'roll back, and find out who changed it');
      slots.push({ slot, role });
    }
    for (const role of roles) if (!replaced.includes(role)) slots.push({ slot: (await proveKept(attempt, role)).slot, role });
    return { slots };
  }),

  /**
   * Removes, by number, every slot of the roles that were replaced but this run's own, and slots without a role. From here on
   * the new operational passphrase opens the volume.
   */
  removeOldKeys: changes('KEY_REMOVE', async (attempt, { replaced }: { readonly replaced: readonly LuksRole[] }) => {
    for (const role of replaced) await needOwnSlot(attempt, role, 'skip this step: that one has removed the old keys, and what this run added opens nothing; the check of the slots behind it proves both');
    if (replaced.includes('operational')) await keepUnlockingSecret(attempt, newSecret.operational);
    const isOwn = await tellOwn(attempt);
    const isOld = (each: KeySlot) => each.role === undefined || (replaced.includes(each.role) && !isOwn(each));
    const old = (await readKeySlots(attempt)).filter(isOld).map(({ slot, role = 'none' as const }) => ({ slot, role }));
    const earlier = (await readFact<RemovedFact>(attempt, 'removed-keys'))?.slots ?? [];
    const removed = [...earlier, ...old.filter(({ slot }) => !earlier.some((each) => each.slot === slot))];
    await keepFact(attempt, 'removed-keys', { slots: removed } satisfies RemovedFact);
    for (const { slot } of old) await removeSlot(attempt, slot);
    await removeIdleTokens(attempt);
    return { removed };
  }),

  /** The passphrase that was replaced opens nothing any more; that it did is what the header backup of before shows. */
  proveOldKeyFails: reads(async (attempt, { role }: { readonly role: LuksRole }) => {
    const device = volumeDevice(attempt.config.volume);
    const name = presentSecret[role];
    const passphrase = await attempt.secret(name, `the OLD ${role} passphrase, to prove that it opens nothing any more`);
    const answer = await attempt.tools.cryptsetup.testPassphrase({ device, passphrase });
    if (!answer.matches) {
      await assertOpenedBefore(attempt, role, passphrase);
      return { opens: 'nothing' as const };
    }
    const typed = attempt.giverOf(name) !== undefined;
    if (typed) return attempt.refuseSecret(name, `that opens slot ${answer.slot}, so it is not the old one: the OLD ${role} passphrase`);
    throw new PermanentFailure(`what lockstep.yaml names for ${name} opens slot ${answer.slot}: it holds the new passphrase already, or the old one was never removed`, 'compare with "cryptsetup luksDump"; skip this step where it is the new one');
  }),

  /** The two keys as a rotation leaves them. */
  assertKeys: reads(async (attempt) => {
    const isOwn = await tellOwn(attempt);
    return assertTwoKeys(attempt, (slot, role) => (isOwn(slot) ? newSecret[role] : presentSecret[role]));
  }),

  /** Both keys, whoever set them, and a header backup that has them: an emergency may have come first since a run made its own. */
  proveKeysAtEnd: changes('KEYS_AT_END', async (attempt) => {
    const keys = await assertTwoKeys(attempt, (_, role) => presentSecret[role]);
    return { ...keys, headerBackup: await ensureHeaderBackupOfNow(attempt, 'at-end') };
  }),

  /**
   * Header backups of before open with the old passphrases for ever, also the one that this run took before it removed those:
   * they go from this host, and are named. One of the header as it is now stays, and those of other runs that are.
   */
  retireHeaderBackups: changes('HEADER_BACKUPS_RETIRE', async (attempt, { which }: { readonly which: string }) => {
    const { file: kept, sha256 } = await takeHeaderBackupOfNow(attempt, which);
    const found = await findOutdatedHeaderBackups(attempt);
    const earlier = (await readFact<{ readonly files: readonly string[] }>(attempt, 'retired-header-backups'))?.files ?? [];
    const files = [...new Set([...earlier, ...found])];
    // Before they go: a killed attempt would else not name them.
    await keepFact(attempt, 'retired-header-backups', { files });
    for (const file of found) {
      await rm(file);
      await syncDirectoryOf(file);
    }
    return { files, kept, sha256 };
  }),
};

/** Any passphrase that was mistyped opens nothing either. */
async function assertOpenedBefore(attempt: Attempt, role: LuksRole, passphrase: Buffer): Promise<void> {
  const before = await readHeaderBackup(attempt, backupBeforeRemoval);
  if (before === undefined) return;
  const device = volumeDevice(attempt.config.volume);
  if ((await attempt.tools.cryptsetup.testHeaderBackup({ device, file: before.file, passphrase })).matches) return;
  const name = presentSecret[role];
  if (attempt.giverOf(name) !== undefined) attempt.refuseSecret(name, `that opened nothing before either, by the header backup of before the removal: the OLD ${role} passphrase`);
  throw new PermanentFailure(`what lockstep.yaml names for ${name} opens nothing, and opened nothing before the removal either: it is not the old ${role} passphrase`, 'skip this step where the old one is not at hand');
}

async function proveKept(attempt: Attempt, role: LuksRole): Promise<{ readonly slot: number; readonly provenAt: string }> {
  const slots = (await readKeySlots(attempt)).filter((each) => each.role === role);
  const proof = (await readProvenSlots(attempt)).find(({ slot }) => slots.some((each) => each.slot === slot));
  if (proof !== undefined) return { slot: proof.slot, provenAt: proof.at };
  const name = presentSecret[role];
  const passphrase = await attempt.secret(name, `the ${role} passphrase, from ${storedIn[role]}: it stays, and nobody has proven yet that it opens the volume`);
  return { slot: await proveRole(attempt, role, name, passphrase), provenAt: attempt.now().toISOString() };
}

async function proveAgain(attempt: Attempt, role: LuksRole, slot: number, name: SecretName): Promise<void> {
  if ((await readProvenSlots(attempt)).some((proof) => proof.slot === slot)) return;
  const passphrase = await attempt.secret(name, `the ${role} passphrase as it is now, from ${storedIn[role]}: slot ${slot} has changed since it was proven`);
  await proveRole(attempt, role, name, passphrase);
}

/**
 * Exactly two slots, told apart by role, each proven; one that has changed since is asked for. Nothing here can make a slot
 * stronger: one that costs less than lockstep.yaml wants is told.
 *
 * @param secretOf - What opens a slot of that role.
 */
async function assertTwoKeys(attempt: Attempt, secretOf: (slot: KeySlot, role: LuksRole) => SecretName) {
  const device = volumeDevice(attempt.config.volume);
  const header = await attempt.tools.cryptsetup.readHeader({ device });
  assertAes256Xts({ device, header });
  const slots = keySlotsOf(header);
  const least = attempt.config.volume.argon2id.minimumMemoryKiB;
  for (const role of roles) {
    const [own, other] = slots.filter((each) => each.role === role);
    if (own === undefined) throw new PermanentFailure(`${device} has no ${role} key`, 'look at cryptsetup luksDump; retry when it is mended');
    if (other !== undefined) throw new PermanentFailure(`${device} has more than one ${role} key (slots ${own.slot}, ${other.slot}): a rotation was left half-way`, `"lockstep start rotateKey --emergency --keys ${role}" comes before this run and leaves one; then retry`);
  }
  if (slots.length !== roles.length) throw new PermanentFailure(`${device} has ${slots.length} filled key slots, and ${roles.length} are to remain`, 'find out who added the others; retry when they are gone');
  for (const each of slots) {
    const { slot, role = 'operational' } = each;
    await proveAgain(attempt, role, slot, secretOf(each, role));
  }
  const weak = header.slots.flatMap((each) => {
    const { slot, kdf } = each;
    const weakness = weaknessOf(each);
    return weakness === undefined && (kdf.memoryKiB ?? 0) >= least ? [] : [{ slot, memoryKiB: kdf.memoryKiB ?? 0, minimumMemoryKiB: least, ...(weakness === undefined ? {} : { weakness }) }];
  });
  return { volume: header.uuid, slots: slots.map(({ slot, role = 'operational' }) => ({ slot, role })), ...(weak.length === 0 ? {} : { weak }) };
}
