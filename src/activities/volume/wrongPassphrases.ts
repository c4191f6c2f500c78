import { setTimeout as sleep } from 'node:timers/promises';
import { passphraseDelayPhase } from '../../contract/names.js';
import type { Attempt } from '../activity.js';
import { dropFact, keepFact, readFact } from '../run/runFacts.js';

/** Wrong passphrases since the volume was opened last: of the host, so that neither a new worker nor a new run begins at none. */
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

/** Counts one more. */
export async function countWrongPassphrase(attempt: Attempt): Promise<{ readonly count: number; readonly delaySeconds: number }> {
  const count = ((await readWrong(attempt))?.count ?? 0) + 1;
  await keepFact(placeOf(attempt), fact, { count, lastAt: attempt.now().toISOString() } satisfies WrongPassphrases);
  return { count, delaySeconds: delaySecondsAfter(count) };
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

/** The volume was opened: the next wrong one is the first again. */
export async function forgetWrongPassphrases(attempt: Attempt): Promise<void> {
  if ((await readWrong(attempt)) !== undefined) await dropFact(placeOf(attempt), fact);
}

function readWrong(attempt: Attempt): Promise<WrongPassphrases | undefined> {
  return readFact<WrongPassphrases>(placeOf(attempt), fact);
}

function placeOf({ config }: Attempt): { readonly directory: string } {
  return { directory: config.stateDirectory };
}
