import { setTimeout as sleep } from 'node:timers/promises';
import type { SecretName } from '../../config/schema.js';
import { passphraseDelayPhase } from '../../contract/names.js';
import type { Attempt } from '../activity.js';
import { tellPeople } from '../alerting.js';
import { dropFact, keepFact, readFact } from '../run/runFacts.js';

/** Wrong passphrases of the volume since one was right last: of the host, so that neither a new worker nor a new run begins at none. */
interface WrongPassphrases {
  readonly count: number;
  /** ISO time. */
  readonly lastAt: string;
}

const fact = 'wrong-passphrases';
const longestDelaySeconds = 60;

/** How long after so many wrong passphrases the next one is tried: 1 s, 2 s, 4 s, and so on up to a minute. */
export function delaySecondsAfter(count: number): number {
  return count === 0 ? 0 : Math.min(longestDelaySeconds, 2 ** (count - 1));
}

/**
 * Counts one more that opens nothing, and has the audit log and people told of it.
 *
 * @param tried - The event of the audit log, whose passphrase it was said to be, and what it was tried on.
 * @returns What whoever gave it is told: how many, and how long the next one waits.
 */
export async function tellWrongPassphrase(attempt: Attempt, { event, secret, details }: WrongTry): Promise<string> {
  const { host, volume } = attempt.config;
  const giver = attempt.giverOf(secret);
  const count = ((await readWrong(attempt))?.count ?? 0) + 1;
  await keepFact(placeOf(attempt), fact, { count, lastAt: attempt.now().toISOString() } satisfies WrongPassphrases);
  await attempt.audit(event, { ...details, count }, giver, attempt.occurrence);
  await tellPeople(attempt, {
    severity: 'warning',
    subject: `wrong passphrase for ${volume.name} on ${host}`,
    text: `given by ${giver?.by ?? 'the file that lockstep.yaml names'}${giver?.from === undefined ? '' : ` from ${giver.from}`}; ${count} in a row since one was right last`,
  });
  return `${count} wrong in a row; the next one is tried ${delaySecondsAfter(count)} s later`;
}

/** A passphrase that opened nothing. */
export interface WrongTry {
  readonly event: 'VOLUME_UNLOCK_FAILED' | 'PASSPHRASE_WRONG';
  readonly secret: SecretName;
  readonly details: Readonly<Record<string, string | number>>;
}

/** Waits until the next passphrase may be tried. The clock of the host may have been set: it never waits longer than it would from now. */
export async function waitAfterWrongPassphrases(attempt: Attempt): Promise<void> {
  const wrong = await readWrong(attempt);
  if (wrong === undefined) return;
  const delay = delaySecondsAfter(wrong.count);
  const passedSeconds = Math.max(0, (attempt.now().getTime() - Date.parse(wrong.lastAt)) / 1000);
  const seconds = Math.max(0, delay - passedSeconds);
  if (seconds === 0) return;
  attempt.report({ phase: passphraseDelayPhase, done: 0, total: Math.ceil(seconds), unit: 'seconds' });
  await sleep(seconds * 1000, undefined, { signal: attempt.signal });
  attempt.report({ phase: 'trying the passphrase' });
}

/** One was right: the next wrong one is the first again. */
export async function forgetWrongPassphrases(attempt: Attempt): Promise<void> {
  if ((await readWrong(attempt)) !== undefined) await dropFact(placeOf(attempt), fact);
}

function readWrong(attempt: Attempt): Promise<WrongPassphrases | undefined> {
  return readFact<WrongPassphrases>(placeOf(attempt), fact);
}

function placeOf({ config }: Attempt): { readonly directory: string } {
  return { directory: config.stateDirectory };
}
