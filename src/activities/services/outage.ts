import type { Attempt } from '../activity.js';
import { dropFact, keepFact, readFact } from '../run/runFacts.js';

const endFact = 'maintenance-end';

/** When users went offline, and how that was done. */
export interface Outage {
  /** ISO time. */
  readonly since: string;
  /** In words, for the record. */
  readonly how: string;
  /** The application ran on and refused writes; otherwise it was stopped, and its start ends the outage. */
  readonly refusesWrites: boolean;
}

/** Since when users are offline: an outage that goes on keeps its beginning, one that is over is followed by a new one. */
export async function beginOutage(attempt: Pick<Attempt, 'directory' | 'now'>): Promise<string> {
  const begun = await readOutage(attempt);
  const isOver = (await readFact(attempt, endFact)) !== undefined;
  const since = begun === undefined || isOver ? attempt.now().toISOString() : begun.since;
  await keepOutage(attempt, { since, how: 'beginning', refusesWrites: false });
  await dropFact(attempt, endFact);
  return since;
}

/** Keeps since when users are offline, and how. */
export async function keepOutage(attempt: Pick<Attempt, 'directory'>, outage: Outage): Promise<void> {
  await keepFact(attempt, 'maintenance', outage);
}

/** The outage of this run, where one has begun. */
export function readOutage(attempt: Pick<Attempt, 'directory'>): Promise<Outage | undefined> {
  return readFact<Outage>(attempt, 'maintenance');
}

/** Keeps that users can work again where the application's start was all that was missing. */
export async function keepEndOfOutage(attempt: Pick<Attempt, 'directory' | 'now'>): Promise<void> {
  if ((await readOutage(attempt))?.refusesWrites === false) await endOutage(attempt);
}

/** Keeps the moment in which users could work again, once, and tells how long they could not. */
export async function endOutage(attempt: Pick<Attempt, 'directory' | 'now'>): Promise<{ readonly offlineSeconds: number }> {
  const ended = (await readFact<{ at: string }>(attempt, endFact))?.at ?? attempt.now().toISOString();
  await keepFact(attempt, endFact, { at: ended });
  const begun = await readOutage(attempt);
  // Both are times of the host's clock, which may have been set back meanwhile.
  return { offlineSeconds: begun === undefined ? 0 : Math.max(0, (Date.parse(ended) - Date.parse(begun.since)) / 1000) };
}
