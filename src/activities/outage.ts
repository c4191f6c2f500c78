import type { Attempt } from './activity.js';
import { keepFact, readFact } from './runFacts.js';

/** When users went offline, and how that was done. */
export interface Outage {
  /** ISO time. */
  readonly since: string;
  /** In words, for the record. */
  readonly how: string;
  /** The application ran on and refused writes; otherwise it was stopped, and its start ends the outage. */
  readonly refusesWrites: boolean;
}

/** Keeps since when users are offline; an earlier attempt's time stays. */
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
  const ended = (await readFact<{ at: string }>(attempt, 'maintenance-end'))?.at ?? attempt.now().toISOString();
  await keepFact(attempt, 'maintenance-end', { at: ended });
  const begun = await readOutage(attempt);
  return { offlineSeconds: begun === undefined ? 0 : (Date.parse(ended) - Date.parse(begun.since)) / 1000 };
}
