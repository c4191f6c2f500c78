import { PermanentFailure, SecretNeeded } from '../../contract/errors.js';
import { volumeDevice } from '../../config/volumeDevice.js';
import { rolesOf, WrongPassphrase, type LuksHeader } from '../../host/luks/cryptsetup.js';
import type { Attempt, Who } from '../activity.js';
import { tellPeople } from '../alerting.js';
import { dropFact, keepFact, readFact } from '../run/runFacts.js';
import { isOnVolume } from '../services/overlaySelection.js';
import { unlockingSecret, type UnlockingSecret } from './unlockingSecret.js';
import { forgetWrongPassphrases, tellWrongPassphrase, waitAfterWrongPassphrases } from './wrongPassphrases.js';

/** Who unlocked the volume in this run, and when. */
export interface UnlockedFact {
  /** ISO time. */
  readonly at: string;
  /** Absent where the passphrase came from a file. */
  readonly giver?: Who;
}

/** The fact of a run under which an {@link UnlockedFact} is kept. */
export const unlockedFact = 'unlocked';

/** Who unlocks the volume at which node, kept until the audit log has it: a worker that is killed right after it forgets that. */
interface UnlockingFact {
  readonly node: string;
  /** The attempt that unlocks: a later one tells of it by this, and of a second unlock by its own. */
  readonly occurrence: string;
  readonly giver?: Who;
}

const unlockingFact = 'unlocking';

/**
 * Opens the volume where it is closed: with the operational passphrase, or with what the run says opens it now. The recovery passphrase would open it as well, and is
 * not taken: what it is for has two witnesses, and new keys at once.
 *
 * @returns Whether it was opened now.
 * @throws SecretNeeded where the passphrase is not at hand, or the one given is wrong or the recovery one.
 */
export async function ensureUnlocked(attempt: Attempt): Promise<{ opened: boolean }> {
  const { config, tools } = attempt;
  const { name } = config.volume;
  const opened = !(await tools.cryptsetup.status({ name })).active;
  if (opened) {
    const using = await unlockingSecret(attempt);
    const passphrase = await readPassphrase(attempt, using);
    await waitAfterWrongPassphrases(attempt);
    // Written before it opens: a crash between the two must not leave a try that nobody can see. What then has neither
    // an unlock nor a failed one behind it in the log is a try whose end nobody saw.
    const giver = attempt.giverOf(using.secret);
    const { occurrence } = attempt;
    await attempt.audit('VOLUME_UNLOCK_BEGIN', { volume: name }, giver, occurrence);
    await keepFact(attempt, unlockingFact, { node: attempt.call.node, occurrence, ...(giver === undefined ? {} : { giver }) } satisfies UnlockingFact);
    await open(attempt, using, passphrase);
  }
  await tellUnlocked(attempt);
  return { opened };
}

/** Nobody is at the host yet who knows that it waits: they are told, where users wait with it. */
async function readPassphrase(attempt: Attempt, { secret, words }: UnlockingSecret): Promise<Buffer> {
  const { name } = attempt.config.volume;
  try {
    return await attempt.secret(secret, `${words}, to open ${name}`);
  } catch (error) {
    if (error instanceof SecretNeeded && (await isOnVolume(attempt))) {
      const { host } = attempt.config;
      const text = `${name} is closed, and the database lies on it: users are offline until somebody types ${words} on ${host}: sudo lockstep unlock`;
      await tellPeople(attempt, { severity: 'critical', subject: `${host} waits for ${words}`, text }, 'waits-for-passphrase');
    }
    throw error;
  }
}

async function open(attempt: Attempt, using: UnlockingSecret, passphrase: Buffer): Promise<void> {
  const { config, tools } = attempt;
  const { name } = config.volume;
  const device = volumeDevice(config.volume);
  const header = await tools.cryptsetup.readHeader({ device });
  if (header.reencrypting) return openReencrypting(attempt, using, passphrase, header);
  const { daily, recovery } = using.secret === 'recoveryPassphrase' ? { daily: openingSlots(header), recovery: [] } : slotsOf(device, header);
  for (const slot of daily) {
    try {
      await tools.cryptsetup.open({ device, name, passphrase, slot });
      return;
    } catch (error) {
      if (!(error instanceof WrongPassphrase)) throw error;
    }
  }
  for (const slot of recovery) {
    if ((await tools.cryptsetup.testPassphrase({ device, passphrase, slot })).matches) return refuseRecoveryKey(attempt, using, slot);
  }
  await refuseWrong(attempt, using, device);
}

/**
 * While a re-encryption is cut off the data is under two keys, and each passphrase has a slot of both: cryptsetup has to find
 * them itself, and finishes the piece that it was at.
 */
async function openReencrypting(attempt: Attempt, using: UnlockingSecret, passphrase: Buffer, header: LuksHeader): Promise<void> {
  const { config, tools } = attempt;
  const device = volumeDevice(config.volume);
  if (using.secret !== 'recoveryPassphrase') {
    for (const slot of slotsOf(device, header).recovery) {
      if ((await tools.cryptsetup.testPassphrase({ device, passphrase, slot })).matches) return refuseRecoveryKey(attempt, using, slot);
    }
  }
  try {
    await tools.cryptsetup.open({ device, name: config.volume.name, passphrase });
  } catch (error) {
    if (!(error instanceof WrongPassphrase)) throw error;
    await refuseWrong(attempt, using, device);
  }
}

/** Of the slots that open the volume: those of the recovery key, by the roles in the header, and all others. */
function slotsOf(device: string, header: LuksHeader): { readonly daily: readonly number[]; readonly recovery: readonly number[] } {
  const opening = openingSlots(header);
  const held = rolesOf(header).flatMap(({ role, slots }) => (role === 'recovery' ? slots : []));
  const daily = opening.filter((slot) => !held.includes(slot));
  if (daily.length === 0) {
    throw new PermanentFailure(`${device} has no key slot for daily use (slots that open it: ${opening.join(', ') || 'none'}; recovery: ${held.join(', ') || 'none'})`, 'the recovery passphrase opens it: lockstep start emergencyAccess');
  }
  return { daily, recovery: opening.filter((slot) => held.includes(slot)) };
}

function openingSlots({ slots }: LuksHeader): readonly number[] {
  return slots.filter(({ opensVolume }) => opensVolume).map(({ slot }) => slot);
}

async function refuseRecoveryKey(attempt: Attempt, { secret, words }: UnlockingSecret, slot: number): Promise<never> {
  const { host, volume } = attempt.config;
  const giver = attempt.giverOf(secret);
  await attempt.audit('RECOVERY_KEY_TYPED', { volume: volume.name, slot }, giver, attempt.occurrence);
  await dropFact(attempt, unlockingFact);
  await tellPeople(attempt, {
    severity: 'warning',
    subject: `the recovery passphrase of ${host} was typed`,
    text: `${giver?.by ?? 'somebody'} typed it where ${words} was asked for; ${volume.name} was not opened by it. Where the operational passphrase is lost: lockstep start emergencyAccess`,
  });
  return attempt.refuseSecret(
    secret,
    `that is the recovery passphrase (slot ${slot}), and ${volume.name} stays closed: where the operational one is lost, "lockstep start emergencyAccess" is the way (two witnesses, then new keys); else type ${words}`,
  );
}

async function refuseWrong(attempt: Attempt, { secret, words }: UnlockingSecret, device: string): Promise<never> {
  // First: a worker that is killed in the telling must not leave this try to be taken for the one that opened the volume.
  await dropFact(attempt, unlockingFact);
  const told = await tellWrongPassphrase(attempt, { event: 'VOLUME_UNLOCK_FAILED', secret, details: { device } });
  return attempt.refuseSecret(secret, `no key slot of ${device} answers to that passphrase (${told}): ${words} once more, please`);
}

async function tellUnlocked(attempt: Attempt): Promise<void> {
  const unlocking = await readFact<UnlockingFact>(attempt, unlockingFact);
  if (unlocking?.node !== attempt.call.node) return;
  const { giver, occurrence } = unlocking;
  await attempt.audit('VOLUME_UNLOCK', { volume: attempt.config.volume.name }, giver, occurrence);
  await keepFact(attempt, unlockedFact, { at: attempt.now().toISOString(), ...(giver === undefined ? {} : { giver }) } satisfies UnlockedFact);
  await forgetWrongPassphrases(attempt);
  await dropFact(attempt, unlockingFact);
}
