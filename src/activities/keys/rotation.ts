import { join } from 'node:path';
import { volumeDevice } from '../../config/volumeDevice.js';
import { PermanentFailure } from '../../contract/errors.js';
import type { RunOptions } from '../../contract/inputs.js';
import { renderRotationNotice } from '../../contract/rotationNotice.js';
import type { LuksHeader, LuksRole } from '../../host/luks/cryptsetup.js';
import { ensureTextFile } from '../../host/files/textFile.js';
import { changes, reads, type Attempt } from '../activity.js';
import { backupActivities } from '../backup/backup.js';
import { keepFact, readFact } from '../run/runFacts.js';
import { ensureApplicationStopped, ensureApplicationUp, ensureDatabaseStopped, ensureDatabaseUp } from '../services/ensureServices.js';
import { assertOpenFilesOnVolume } from '../volume/openFilesOnVolume.js';
import { asking, openAndMount } from '../volume/openVolume.js';
import { keepUnlockingSecret } from '../volume/unlockingSecret.js';
import { fitArgon2id } from '../volume/argon2id.js';
import { assertAddedStand, keySlotsOf, needOwnSlot, newSecret, presentSecret, proveNew, readOvertaker, removeSlot, roles } from './keySlots.js';
import { keepProven } from './provenSlots.js';

/** What a rotation does beside the slots: its check before, its test, a new volume key, its document. */
export const rotationActivities = {
  /** The plan's pre-rotation checklist: a backup, verified within the last 24 h. */
  assertRecentBackup: reads(async (attempt) => {
    const last = await backupActivities.readLastBackup.perform(attempt, undefined);
    if (last.counts && last.ageHours !== null) return { file: last.file, ageHours: last.ageHours };
    throw new PermanentFailure(
      last.ageHours === null ? 'there is no verified backup of this host' : `the last verified backup is ${last.ageHours.toFixed(1)} h old (backup.maximumAgeHours is ${last.maximumAgeHours})`,
      'take and verify one, then retry; or skip this with a reason: a damaged header is restored from its own backup, the data only from that one',
    );
  }),

  /** The first half of the tested restart: the service stops, and the key leaves the kernel's memory. */
  closeForTest: changes('VOLUME_LOCK', async (attempt) => {
    const { config, tools } = attempt;
    // Before users are offline for a key that is gone.
    await assertAddedStand(attempt);
    await ensureApplicationStopped(attempt);
    await ensureDatabaseStopped(attempt);
    await tools.mounts.unmount({ path: config.volume.mountPoint });
    await tools.cryptsetup.close({ name: config.volume.name });
    return { closed: config.volume.name };
  }),

  /** The second half: opened with the new passphrase, as after the next reboot. */
  reopenWithNewKey: changes('KEY_TEST', async (attempt) => {
    await keepUnlockingSecret(attempt, newSecret.operational);
    const { opened } = await openAndMount(attempt, { mounted: true });
    await ensureDatabaseUp(attempt);
    const { openFiles } = await assertOpenFilesOnVolume(attempt, 'find out why that file lies elsewhere; the volume is open and intact');
    const { status } = await ensureApplicationUp(attempt);
    return { opened, openFiles, status };
  }),

  /** The way back from the test: the service runs again, whichever key opened the volume. */
  bringServiceBack: changes('SERVICE_START', async (attempt) => {
    // The new one may be why nobody goes on; it is removed next.
    await keepUnlockingSecret(attempt, presentSecret.operational);
    await openAndMount(attempt, { mounted: true });
    await ensureDatabaseUp(attempt);
    return ensureApplicationUp(attempt);
  }),

  /**
   * A new volume key, online: who has an old header backup and its passphrase cannot read what is written or was
   * re-encrypted since. Cut off, it goes on where it stood.
   */
  reencryptVolume: changes('VOLUME_REENCRYPT', async (attempt) => {
    const { config, tools, report } = attempt;
    const device = volumeDevice(config.volume);
    const before = await keepVolumeKeyOnce(attempt);
    await removeSlotsWithoutUse(attempt);
    const header = await tools.cryptsetup.readHeader({ device });
    if (header.reencrypting || header.volumeKeyDigests.includes(before)) {
      const passphrases: Buffer[] = [];
      // In the order of the slots, as cryptsetup reads them; to go on one is enough.
      const asked = header.reencrypting ? [{ role: 'operational' } as const] : await ownSlotsAlone(attempt, header);
      for (const { role, slot } of asked) {
        const words = `the NEW ${role} passphrase, to write the new volume key into its slot`;
        const passphrase = await attempt.secret(newSecret[role], words);
        // cryptsetup does not tell which of several it could not use.
        if (slot !== undefined) await proveNew(attempt, role, slot, passphrase, words);
        passphrases.push(passphrase);
      }
      await asking(attempt, newSecret.operational, async () =>
        tools.cryptsetup.reencrypt({
          device,
          passphrases,
          argon2id: await fitArgon2id(attempt),
          name: config.volume.name,
          resumeOnly: header.reencrypting,
          onProgress: ({ percent }) => report({ phase: 're-encrypting with a new volume key (per cent)', done: Math.floor(percent), total: 100 }),
        }),
      );
    }
    const after = await tools.cryptsetup.readHeader({ device });
    if (after.reencrypting) throw new Error(`${device} is still being re-encrypted after cryptsetup ended`);
    for (const role of roles) {
      const slot = keySlotsOf(after).find((each) => each.role === role)?.slot;
      const passphrase = await attempt.secret(newSecret[role], `the NEW ${role} passphrase, to prove its slot of the new volume key`);
      const answer = await tools.cryptsetup.testPassphrase({ device, passphrase, ...(slot === undefined ? {} : { slot }) });
      if (!answer.matches) {
        await attempt.audit('PASSPHRASE_WRONG', { role }, attempt.giverOf(newSecret[role]));
        return attempt.refuseSecret(newSecret[role], `that does not open the ${role} slot after the re-encryption: the NEW ${role} passphrase (if it is surely that one: the volume is open, take a backup now, then look at cryptsetup luksDump)`);
      }
      await keepProven(attempt, answer.slot);
    }
    return { slots: keySlotsOf(after).map(({ slot, role = null }) => ({ slot, role })) };
  }),

  /** The plan's step 8: the event in the audit log, and the text for the key holders. */
  documentRotation: changes('ROTATION_DOCUMENT', async (attempt, { keys, reason, emergency }: Pick<RunOptions, 'keys' | 'reason' | 'emergency'>) => {
    const at = attempt.now().toISOString();
    const overtakenBy = await readOvertaker(attempt);
    const overtaken = overtakenBy === undefined ? {} : { overtakenBy };
    await attempt.audit('KEY_ROTATION', { reason: emergency ? `${reason}, emergency` : reason, keys, ...overtaken });
    const file = join(attempt.directory, 'rotation-notice.txt');
    await ensureTextFile({ path: file, content: renderRotationNotice({ host: attempt.config.host, at, keys, reason, emergency, ...overtaken }), mode: 0o600 });
    return { file, at };
  }),
};

/** Which volume key the data was encrypted with when the run began, by the digest that the header keeps of it; never the key. */
async function keepVolumeKeyOnce(attempt: Attempt): Promise<string> {
  const kept = await readFact<{ readonly digest: string }>(attempt, 'volume-key-before');
  if (kept !== undefined) return kept.digest;
  const [digest] = (await attempt.tools.cryptsetup.readHeader({ device: volumeDevice(attempt.config.volume) })).volumeKeyDigests;
  if (digest === undefined) throw new Error('the LUKS header has no digest of its volume key');
  await keepFact(attempt, 'volume-key-before', { digest });
  return digest;
}

/** Cut off before it began, a re-encryption leaves slots of a key that encrypts nothing. */
async function removeSlotsWithoutUse(attempt: Attempt): Promise<void> {
  const header = await attempt.tools.cryptsetup.readHeader({ device: volumeDevice(attempt.config.volume) });
  if (header.reencrypting) return;
  for (const { slot, opensVolume } of header.slots) if (!opensVolume) await removeSlot(attempt, slot);
}

/** @throws {@link PermanentFailure} where a slot is another's than this run's: cryptsetup takes a passphrase for every one. */
async function ownSlotsAlone(attempt: Attempt, header: LuksHeader): Promise<readonly { readonly role: LuksRole; readonly slot?: number }[]> {
  const device = volumeDevice(attempt.config.volume);
  const own = await Promise.all(roles.map(async (role) => ({ role, slot: await needOwnSlot(attempt, role, 'skip this step: what this run added opens nothing, and the check of the slots behind it proves both') })));
  const other = keySlotsOf(header).find(({ slot }) => !own.some((each) => each.slot === slot));
  if (other !== undefined) {
    throw new PermanentFailure(`slot ${other.slot} of ${device} (${other.role ?? 'no role'}) is none of this rotation's: its passphrase would be needed`, `remove it (cryptsetup luksKillSlot ${device} ${other.slot}), then retry`);
  }
  return own.toSorted((one, another) => one.slot - another.slot);
}
