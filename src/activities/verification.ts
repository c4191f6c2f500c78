import { setTimeout as sleep } from 'node:timers/promises';
import { changes, reads, type Attempt } from './activity.js';
import { logIn } from './applicationClient.js';
import { PermanentFailure } from '../contract/errors.js';
import { keepProof } from './proofs.js';
import { keepFact, needFact, readFact } from './runFacts.js';
import { readHealth, type StartedFact } from './services.js';
import { needSource } from './source.js';

/** Lines of PostgreSQL and of applications that tell of trouble, and not of a query that a client got wrong. */
const errorLine = /\b(PANIC|FATAL|ERROR)\b/;

/** What PostgreSQL says at FATAL to clients that come before it is ready: expected right after a start. */
const expectedLine = /the database system is (starting up|shutting down|not yet accepting connections)/;

interface WatchFact {
  readonly since: string;
}

/** The plan's step 9 and 10: what works, and whether it goes on working. */
export const verificationActivities = {
  /** Login, an operation up and down, snapshot and restore point as the test account; its operation is removed. */
  verifyService: changes('SERVICE_VERIFIED', async (attempt) => {
    const client = await logIn(attempt);
    const id = `lockstep-check-${attempt.call.runId}`;
    const passed = ['login'];
    const expectOk = (what: string, status: number): void => {
      if (status >= 200 && status < 300) passed.push(what);
      else throw new PermanentFailure(`${what} failed with status ${status}`, "look at the application's logs, then retry or roll back");
    };
    expectOk('operation up', (await client.upload(id)).status);
    try {
      const down = await client.download(0);
      expectOk('operation down', down.text.includes(id) ? down.status : 404);
      expectOk('snapshot', (await client.snapshot()).status);
      expectOk('restore point', (await client.restorePoint()).status);
    } finally {
      await client.remove(id);
    }
    await keepProof(attempt, 'syncOperations');
    return { passed };
  }),

  /** Errors in both logs since the database started on the new volume. */
  assertLogs: reads(async (attempt) => {
    const { since } = await needFact<StartedFact>(attempt, 'started-on-volume');
    const lines = await readErrorLines(attempt, since);
    if (lines.length > 0) {
      throw new PermanentFailure(`${lines.length} error lines in the logs since ${since} (first: ${lines[0] ?? ''})`, 'judge them; retry once they are explained, or roll back');
    }
    return { errors: 0, since };
  }),

  /**
   * Watches health, error lines, restarts and I/O errors for a time that survives the worker: the
   * beginning is kept on the host.
   */
  watch: changes('WATCHED', async (attempt, { seconds, span }: { readonly seconds: number; readonly span: string }) => {
    const { config } = attempt;
    const fact = `watch-${attempt.call.node}`;
    const since = (await readFact<WatchFact>(attempt, fact))?.since ?? attempt.now().toISOString();
    await keepFact(attempt, fact, { since } satisfies WatchFact);
    const end = Date.parse(since) + seconds * 1000;
    let checks = 0;
    let failedChecks = 0;
    for (;;) {
      attempt.signal.throwIfAborted();
      checks += 1;
      if ((await readHealth(attempt)) !== 200) failedChecks += 1;
      const left = end - attempt.now().getTime();
      const passed = Math.max(0, seconds - left / 1000);
      attempt.report({ phase: `watching the ${span}`, done: Math.min(seconds, Math.round(passed)), total: seconds, unit: 'seconds' });
      if (left <= 0) break;
      await sleep(Math.min(left, config.watch.intervalSeconds * 1000), undefined, { signal: attempt.signal });
    }
    const lines = await readErrorLines(attempt, since);
    const restarts = await readRestarts(attempt);
    if (lines.length > config.watch.maximumErrors || failedChecks > 0 || restarts > config.preflight.maximumRestarts) {
      throw new PermanentFailure(
        `during the ${span}: ${lines.length} error lines (limit ${config.watch.maximumErrors}), ${failedChecks} of ${checks} health checks failed, ${restarts} restarts${lines[0] === undefined ? '' : ` (first line: ${lines[0]})`}`,
        'look at the logs; retry once it is explained',
      );
    }
    return { checks, failedChecks, errors: lines.length, restarts, since };
  }),
};

async function readErrorLines(attempt: Attempt, since: string): Promise<readonly string[]> {
  const { container, applicationContainer } = await needSource(attempt);
  const lines = await Promise.all(
    [container, applicationContainer].map((name) => attempt.tools.docker.readLogs({ container: name, since: new Date(since) })),
  );
  return lines.flatMap((ofOne) => ofOne.map(({ text }) => text)).filter((text) => errorLine.test(text) && !expectedLine.test(text));
}

async function readRestarts(attempt: Attempt): Promise<number> {
  const { container, applicationContainer } = await needSource(attempt);
  const counts = await Promise.all([container, applicationContainer].map((name) => attempt.tools.docker.readContainer(name)));
  return counts.reduce((sum, container) => sum + (container?.restartCount ?? 0), 0);
}
