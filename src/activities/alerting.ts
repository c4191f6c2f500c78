import type { AlertWords } from '../contract/alerts.js';
import type { Attempt } from './activity.js';
import { keepFact, readFact } from './run/runFacts.js';

/**
 * Tells people what cannot wait until somebody looks.
 *
 * @param key - Said once in a run, however often it comes to be; without it once for each opening of the node.
 */
export async function tellPeople(attempt: Pick<Attempt, 'alert' | 'directory' | 'now'>, alert: AlertWords, key?: string): Promise<void> {
  if (key === undefined) return attempt.alert(alert);
  const fact = `told-${key}`;
  if ((await readFact(attempt, fact)) !== undefined) return;
  await attempt.alert(alert, key);
  await keepFact(attempt, fact, { at: attempt.now().toISOString() });
}
