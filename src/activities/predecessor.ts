import type { Config } from '../config/schema.js';
import type { Attempt } from './activity.js';
import { keepFact, readFact } from './runFacts.js';
import { runDirectory } from './wrapper/wrap.js';

/** Keeps whose host this run has taken over: what that run changed is not how the host was. */
export async function keepPredecessor(attempt: Pick<Attempt, 'directory'> & { readonly config: Config }, run: { readonly runbook: string; readonly runId: string }): Promise<void> {
  await keepFact(attempt, 'taken-over', { directory: runDirectory(attempt.config, run) });
}

/** A fact of the run whose host this one has taken over; undefined where it took none over. */
export async function readFactOfPredecessor<Fact>(attempt: Pick<Attempt, 'directory'>, name: string): Promise<Fact | undefined> {
  const predecessor = await readFact<{ readonly directory: string }>(attempt, 'taken-over');
  return predecessor && readFact<Fact>(predecessor, name);
}
