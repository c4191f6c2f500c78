import { PermanentFailure } from '../../contract/errors.js';
import type { SecretName } from '../../config/schema.js';
import { volumeDevice } from '../../config/volumeDevice.js';
import { rolesOf, type LuksHeader, type LuksRole } from '../../host/luks/cryptsetup.js';
import type { Attempt } from '../activity.js';
import { keepFact, readFact } from '../run/runFacts.js';
import { forgetWrongPassphrases, tellWrongPassphrase, waitAfterWrongPassphrases } from '../volume/wrongPassphrases.js';
import { keepProven, readProvenSlots } from './provenSlots.js';

/** The two keys of a volume, in the order in which they are spoken of. */
export const roles = ['operational', 'recovery'] as const satisfies readonly LuksRole[];

/** The secret that opens a role's slot as it stood when the run began. */
export const presentSecret = { operational: 'operationalPassphrase', recovery: 'recoveryPassphrase' } as const satisfies Record<LuksRole, SecretName>;

/** The secret that takes its place. */
export const newSecret = { operational: 'newOperationalPassphrase', recovery: 'newRecoveryPassphrase' } as const satisfies Record<LuksRole, SecretName>;

/** Where a person reads each from. */
export const storedIn = { operational: 'the password manager', recovery: 'the printed sheet' } as const satisfies Record<LuksRole, string>;

/** A filled key slot, as far as its header tells. */
export interface KeySlot {
  readonly slot: number;
  /** Absent where no token of Lockstep's names it. */
  readonly role?: LuksRole;
  /** The run that set the role, as its token has it. */
  readonly setBy?: string;
}

/** How a run names itself in the header. */
export function runNameOf({ call }: Pick<Attempt, 'call'>): string {
  return `${call.workflowId} ${call.runId}`;
}

/** What a run has added, kept with its facts: whoever goes on with it when it is lost finds its keys as its own. */
interface AddedFact {
  /** How the runs name themselves in the header: this one, and those that it goes on with. */
  readonly runs: readonly string[];
  readonly roles: readonly LuksRole[];
}

const addedFact = 'added-keys';

/** Keeps, before the header says so, that this run sets a key of that role. */
export async function keepAdded(attempt: Attempt, role: LuksRole): Promise<void> {
  const before = await readAdded(attempt);
  await keepFact(attempt, addedFact, { runs: [...new Set([...before.runs, runNameOf(attempt)])], roles: [...new Set([...before.roles, role])] } satisfies AddedFact);
}

async function readAdded(attempt: Attempt): Promise<AddedFact> {
  return (await readFact<AddedFact>(attempt, addedFact)) ?? { runs: [], roles: [] };
}

/** Tells of a slot whether this run has filled it, or a lost one that it goes on with. */
export async function tellOwn(attempt: Attempt): Promise<(slot: KeySlot) => boolean> {
  const names = new Set([runNameOf(attempt), ...(await readAdded(attempt)).runs]);
  return ({ setBy }) => setBy !== undefined && names.has(setBy);
}

/** @throws {@link PermanentFailure} where a key that this run has added is not in the header any more. */
export async function assertAddedStand(attempt: Attempt): Promise<void> {
  for (const role of (await readAdded(attempt)).roles) await needOwnSlot(attempt, role);
}

/** The run whose keys have taken the place of those that this one has added; undefined where its own stand. */
export async function readOvertaker(attempt: Attempt): Promise<string | undefined> {
  const isOwn = await tellOwn(attempt);
  const slots = await readKeySlots(attempt);
  for (const added of (await readAdded(attempt)).roles) {
    const ofRole = slots.filter(({ role }) => role === added);
    if (!ofRole.some(isOwn)) return ofRole[0]?.setBy?.split(' ')[0] ?? 'nobody';
  }
  return undefined;
}

/** The filled slots of the volume's header, with the roles that it gives them. */
export async function readKeySlots(attempt: Attempt): Promise<readonly KeySlot[]> {
  return keySlotsOf(await attempt.tools.cryptsetup.readHeader({ device: volumeDevice(attempt.config.volume) }));
}

/** The same of a header that was read. */
export function keySlotsOf(header: LuksHeader): readonly KeySlot[] {
  const tokens = rolesOf(header);
  return header.slots.map(({ slot }) => {
    const token = tokens.find(({ slots }) => slots.includes(slot));
    return { slot, ...(token === undefined ? {} : { role: token.role, setBy: token.run }) };
  });
}

/** The slot that this run has filled for a role; undefined where it has not, or another run has removed it. */
export async function findOwnSlot(attempt: Attempt, role: LuksRole): Promise<number | undefined> {
  const isOwn = await tellOwn(attempt);
  return (await readKeySlots(attempt)).find((each) => each.role === role && isOwn(each))?.slot;
}

const leaveIt = 'roll back: nothing of this rotation is left to go on with';

/** @throws {@link PermanentFailure} where the slot that this run has filled is not there any more. */
export async function needOwnSlot(attempt: Attempt, role: LuksRole, nextMove = leaveIt): Promise<number> {
  const slot = await findOwnSlot(attempt, role);
  if (slot !== undefined) return slot;
  const now = (await readKeySlots(attempt)).filter((each) => each.role === role).map((each) => `slot ${each.slot} of ${each.setBy ?? 'nobody'}`);
  throw new PermanentFailure(
    `the new ${role} key of this run is in the header no more (there ${now.length === 1 ? 'is' : 'are'} ${now.join(', ') || 'none'}): another rotation came first`,
    nextMove,
  );
}

/**
 * Proves a passphrase on the slots of a role, and keeps that.
 *
 * @throws SecretNeeded where it opens no slot of that role, saying what it opens instead.
 */
export async function proveRole(attempt: Attempt, role: LuksRole, name: SecretName, passphrase: Buffer): Promise<number> {
  const device = volumeDevice(attempt.config.volume);
  await waitAfterWrongPassphrases(attempt);
  const answer = await attempt.tools.cryptsetup.testPassphrase({ device, passphrase });
  const opened = answer.matches ? (await readKeySlots(attempt)).find(({ slot }) => slot === answer.slot) : undefined;
  if (opened?.role === role) {
    await keepProven(attempt, opened.slot);
    await forgetWrongPassphrases(attempt);
    return opened.slot;
  }
  const wanted = `the ${role} passphrase, from ${storedIn[role]}`;
  if (opened === undefined) {
    const told = await tellWrongPassphrase(attempt, { event: 'PASSPHRASE_WRONG', secret: name, details: { role } });
    return attempt.refuseSecret(name, `that opens no slot (${told}): ${wanted}`);
  }
  await attempt.audit('PASSPHRASE_WRONG', { role }, attempt.giverOf(name), attempt.occurrence);
  return attempt.refuseSecret(name, `that opens slot ${opened.slot}, which is ${opened.role === undefined ? 'of no role' : `the ${opened.role} one`}: ${wanted}`);
}

/**
 * Proves a new passphrase on the slot that this run has filled, and keeps that.
 *
 * @param asked - What is asked for, for whoever typed another one.
 * @throws SecretNeeded where it does not open it.
 */
export async function proveNew(attempt: Attempt, role: LuksRole, slot: number, passphrase: Buffer, asked: string): Promise<void> {
  const name = newSecret[role];
  if (!(await attempt.tools.cryptsetup.testPassphrase({ device: volumeDevice(attempt.config.volume), passphrase, slot })).matches) {
    await attempt.audit('PASSPHRASE_WRONG', { slot }, attempt.giverOf(name));
    return attempt.refuseSecret(name, `that does not open slot ${slot}: ${asked}`);
  }
  await keepProven(attempt, slot);
}

/** Removes a slot by its number, where two others are proven to open the volume, with the tokens that name it alone. */
export async function removeSlot(attempt: Attempt, slot: number): Promise<void> {
  const device = volumeDevice(attempt.config.volume);
  const { cryptsetup } = attempt.tools;
  const proven = await readProvenSlots(attempt);
  await cryptsetup.killSlot({ device, slot, provenSlots: proven.map((each) => each.slot) });
  await removeIdleTokens(attempt);
}

/** Roles of slots that are gone. */
export async function removeIdleTokens(attempt: Attempt): Promise<void> {
  const device = volumeDevice(attempt.config.volume);
  const { cryptsetup } = attempt.tools;
  for (const { tokenId, slots } of rolesOf(await cryptsetup.readHeader({ device }))) {
    if (slots.length === 0) await cryptsetup.removeRoleToken({ device, tokenId });
  }
}
