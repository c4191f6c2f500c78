import { setTimeout as sleep } from 'node:timers/promises';
import { RollbackTrigger } from '../../contract/errors.js';
import type { Facts } from '../../contract/facts.js';
import { changes, type Attempt } from '../activity.js';
import { keepFact, readFact } from '../run/runFacts.js';
import { keepErrorLines, readErrorsBefore } from './serviceLogs.js';
import { readHealth } from '../services/ensureServices.js';
import { readSigns, readSignsAtStart, triggersOf, type Signs, type SignsAtStart } from './signs.js';

/** A watch that goes on, whatever becomes of the worker. */
interface WatchFact extends SignsAtStart {
  /** Counts the watches of this node: one that a person lets go on after a trigger begins anew. */
  readonly number: number;
  /** The call in which it found a reason to go back. */
  readonly triggeredIn?: number;
}

/** Everything is looked at so many times in a watch; the health check comes more often. */
const looksPerWatch = 60;
const secondsToSettle = 3;

/** The plan's step 10: whether what works goes on working. */
export const watchActivities = {
  /**
   * Watches health, logs, restarts, memory, disks and checksums for a time that survives the worker:
   * the beginning is kept on the host.
   *
   * @throws {@link RollbackTrigger} as soon as something is a reason to go back; a retry watches anew, from then on.
   */
  watch: changes('WATCHED', async (attempt, { seconds, span }: { readonly seconds: number; readonly span: string }) => {
    const { config } = attempt;
    const watch = await beginOrGoOn(attempt);
    const allowed = { errors: await readErrorsBefore(attempt, seconds), unhealthySeconds: config.watch.unhealthySeconds };
    const passedBefore = Math.max(0, (attempt.now().getTime() - Date.parse(watch.since)) / 1000);
    // The clock of the host may be set while it watches: what passes from here on is counted without it.
    const began = performance.now();
    const everySeconds = Math.max(config.watch.intervalSeconds, seconds / looksPerWatch);
    let checks = 0;
    let failedChecks = 0;
    let unhealthySince: number | undefined;
    let lookedAt = -Infinity;
    for (;;) {
      attempt.signal.throwIfAborted();
      checks += 1;
      const isHealthy = (await readHealth(attempt)) === 200;
      const checkedAt = performance.now();
      unhealthySince = isHealthy ? undefined : (unhealthySince ?? checkedAt);
      if (!isHealthy) failedChecks += 1;
      const passed = passedBefore + (checkedAt - began) / 1000;
      attempt.report({ phase: `watching the ${span.replace('-', ' ')}`, done: Math.min(seconds, Math.round(passed)), total: seconds, unit: 'seconds' });
      const isOver = passed >= seconds;
      if (isOver || performance.now() - lookedAt >= everySeconds * 1000) {
        const judge = (signs: Signs) => triggersOf(signs, (checkedAt - (unhealthySince ?? checkedAt)) / 1000, allowed);
        let signs = await readSigns(attempt, watch);
        const isTriggered = judge(signs).length > 0;
        if (isTriggered) {
          // One sign seldom comes alone: a crash is in the log before Docker has restarted the container.
          await sleep(secondsToSettle * 1000, undefined, { signal: attempt.signal });
          signs = await readSigns(attempt, watch);
        }
        const errorsFile = await keepLines(attempt, watch, span, signs);
        if (isTriggered) await propose(attempt, watch, judge(signs), errorsFile);
        if (isOver) {
          const { errorLines, restarts, ioErrors, memoryKills, checksumFailures } = signs;
          return { checks, failedChecks, errors: errorLines.length, restarts, ioErrors, memoryKills, checksumFailures, errorsFile, since: watch.since };
        }
        lookedAt = performance.now();
      }
      await sleep(Math.min(Math.max(0, seconds - passed) * 1000, config.watch.intervalSeconds * 1000), undefined, { signal: attempt.signal });
    }
  }),
};

async function beginOrGoOn(attempt: Attempt): Promise<WatchFact> {
  const kept = await readFact<WatchFact>(attempt, factOf(attempt));
  if (kept !== undefined && (kept.triggeredIn ?? attempt.call.opening) === attempt.call.opening) return kept;
  const watch: WatchFact = { ...(await readSignsAtStart(attempt)), number: (kept?.number ?? 0) + 1 };
  await keepFact(attempt, factOf(attempt), watch);
  return watch;
}

async function keepLines(attempt: Attempt, { number }: WatchFact, span: string, { errorLines }: Signs): Promise<string | null> {
  if (errorLines.length === 0) return null;
  return keepErrorLines(attempt, number === 1 ? span : `${span}-${number}`, errorLines);
}

async function propose(attempt: Attempt, watch: WatchFact, triggers: Facts, errorsFile: string | null): Promise<never> {
  await keepFact(attempt, factOf(attempt), { ...watch, triggeredIn: attempt.call.opening } satisfies WatchFact);
  throw new RollbackTrigger(
    `since ${watch.since} it saw ${triggers.map(([label]) => label).join(', ')}`,
    'judge whether the encrypted volume is to blame: roll back, or retry, which watches anew from then on',
    [...triggers, ...(errorsFile === null ? [] : [['error lines are kept in', errorsFile] as const])],
  );
}

function factOf({ call }: Attempt): string {
  return `watch-${call.node}`;
}
