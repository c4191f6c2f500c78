import type { Attempt } from './activity.js';
import { keepFact, readFact } from './run/runFacts.js';

/** What people are told who do not watch the run. */
export interface Alert {
  /** `critical`: users are offline, or soon will be. */
  readonly severity: 'info' | 'warning' | 'critical';
  /** One line. */
  readonly subject: string;
  /** What happened, with its values, and what to do. */
  readonly text: string;
}

/**
 * Tells people what cannot wait until somebody looks: as an event in the audit log.
 *
 * @param key - Said once in a run, however often it comes to be; without it once for each opening of the node.
 */
export async function tellPeople(attempt: Pick<Attempt, 'audit' | 'directory' | 'now'>, { severity, subject, text }: Alert, key?: string): Promise<void> {
  const fact = `told-${key ?? ''}`;
  if (key !== undefined && (await readFact(attempt, fact)) !== undefined) return;
  await attempt.audit('ALERT', { severity, subject, text });
  if (key !== undefined) await keepFact(attempt, fact, { at: attempt.now().toISOString() });
}
