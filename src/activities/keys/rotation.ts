import { join } from 'node:path';
import { volumeDevice } from '../../config/volumeDevice.js';
import { PermanentFailure } from '../../contract/errors.js';
import type { RunOptions } from '../../contract/inputs.js';
import { renderRotationNotice } from '../../contract/rotationNotice.js';
import { ensureTextFile } from '../../host/files/textFile.js';
import { changes, reads, type Attempt } from '../activity.js';
import { backupActivities } from '../backup/backup.js';
import { keepFact, readFact } from '../run/runFacts.js';
import { ensureApplicationStopped, ensureApplicationUp, ensureDatabaseStopped, ensureDatabaseUp } from '../services/ensureServices.js';
import { assertOpenFilesOnVolume } from '../volume/openFilesOnVolume.js';
import { openAndMount } from '../volume/openVolume.js';
import { keepUnlockingSecret } from '../volume/unlockingSecret.js';
import { fitArgon2id } from '../volume/argon2id.js';
import { assertAddedStand, keySlotsOf, newSecret, readOvertaker, removeSlot, roles } from './keySlots.js';
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
      const asked = header.reencrypting ? (['operational'] as const) : keySlotsOf(header).toSorted((one, other) => one.slot - other.slot).map(({ slot, role }) => role ?? refuseSlot(device, slot));
      for (const role of asked) passphrases.push(await attempt.secret(newSecret[role], `the NEW ${role} passphrase, to write the new volume key into its slot`));
      await tools.cryptsetup.reencrypt({
        device,
        passphrases,
        argon2id: await fitArgon2id(attempt),
        name: config.volume.name,
        resumeOnly: header.reencrypting,
        onProgress: ({ percent }) => report({ phase: 're-encrypting with a new volume key (per cent)', done: Math.floor(percent), total: 100 }),
      });
    }
    const after = await tools.cryptsetup.readHeader({ device });
    if (after.reencrypting) throw new Error(`${device} is still being re-encrypted after cryptsetup ended`);
    for (const role of roles) {
      const slot = keySlotsOf(after).find((each) => each.role === role)?.slot;
      const passphrase = await attempt.secret(newSecret[role], `the NEW ${role} passphrase, to prove its slot of the new volume key`);
      const answer = await tools.cryptsetup.testPassphrase({ device, passphrase, ...(slot === undefined ? {} : { slot }) });
      if (!answer.matches) throw new PermanentFailure(`the new ${role} passphrase does not open its slot after the re-encryption`, 'the volume is open: take a backup now, then look at cryptsetup luksDump');
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

function refuseSlot(device: string, slot: number): never {
  throw new PermanentFailure(`slot ${slot} of ${device} has no role`, 'remove it, then retry: its passphrase would be needed');
}
