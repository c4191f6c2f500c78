import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ensureTextFile } from '../host/textFile.js';
import { changes, reads, type Attempt } from './activity.js';
import { latestSequence, logIn } from './applicationClient.js';
import { PermanentFailure } from '../contract/errors.js';
import { keepProof } from './proofs.js';
import { keepFact, needFact, readFact } from './runFacts.js';
import { readHealth, type StartedFact } from './services.js';
import { needSource } from './source.js';

/** What PostgreSQL and most applications call an error, down to a query that a client got wrong: people judge. */
const errorLine = /\b(PANIC|FATAL|ERROR)\b/;

/** What PostgreSQL says at FATAL to clients that come before it is ready: expected right after a start. */
const expectedLine = /the database system is (starting up|shutting down|not yet accepting connections)/;

function isError(text: string): boolean {
  return errorLine.test(text) && !expectedLine.test(text);
}

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
      else throw new PermanentFailure(`${what} failed with status ${status}`, "look at the application's logs, then retry, or skip with a reason");
    };
    const up = await client.upload(id);
    expectOk('operation up', up.status);
    try {
      // An account with a long past would not show its newest operation on the first page.
      const down = await client.download(Math.max(0, latestSequence(up) - 1));
      expectOk('operation down', down.text.includes(id) ? down.status : 404);
      expectOk('snapshot', (await client.snapshot()).status);
      expectOk('restore point', (await client.restorePoint()).status);
    } finally {
      expectOk('operation removed', (await client.remove(id)).status);
    }
    await keepProof(attempt, 'syncOperations');
    return { passed };
  }),

  /** Errors in both logs since the database started on the new volume. */
  assertLogs: reads(async (attempt) => {
    const { since } = await needFact<StartedFact>(attempt, 'started-on-volume');
    const lines = await readErrorLines(attempt, since);
    if (lines.length > 0) {
      const file = await keepErrorLines(attempt, 'start', lines);
      throw new PermanentFailure(`${lines.length} error lines in the logs since ${since}, kept in ${file}`, 'judge them, then skip this step with what explains them as the reason');
    }
    return { errors: 0, since };
  }),

  /**
   * Watches health, error lines, restarts and I/O errors for a time that survives the worker: the
   * beginning is kept on the host. It judges nothing: a person does, by its figures.
   */
  watch: changes('WATCHED', async (attempt, { seconds, span }: { readonly seconds: number; readonly span: string }) => {
    const { config } = attempt;
    const fact = `watch-${attempt.call.node}`;
    const since = (await readFact<WatchFact>(attempt, fact))?.since ?? attempt.now().toISOString();
    await keepFact(attempt, fact, { since } satisfies WatchFact);
    const passedBefore = Math.max(0, (attempt.now().getTime() - Date.parse(since)) / 1000);
    // The clock of the host may be set while it watches: what passes from here on is counted without it.
    const began = performance.now();
    let checks = 0;
    let failedChecks = 0;
    for (;;) {
      attempt.signal.throwIfAborted();
      checks += 1;
      if ((await readHealth(attempt)) !== 200) failedChecks += 1;
      const passed = passedBefore + (performance.now() - began) / 1000;
      attempt.report({ phase: `watching the ${span.replace('-', ' ')}`, done: Math.min(seconds, Math.round(passed)), total: seconds, unit: 'seconds' });
      if (passed >= seconds) break;
      await sleep(Math.min((seconds - passed) * 1000, config.watch.intervalSeconds * 1000), undefined, { signal: attempt.signal });
    }
    const lines = await readErrorLines(attempt, since);
    const restarts = await readRestarts(attempt);
    const errorsFile = lines.length === 0 ? null : await keepErrorLines(attempt, span, lines);
    return { checks, failedChecks, errors: lines.length, restarts, errorsFile, since };
  }),
};

/** They may quote what users wrote, which is not for Temporal's history: the host keeps them. */
async function keepErrorLines(attempt: Attempt, span: string, lines: readonly string[]): Promise<string> {
  const path = join(attempt.directory, `errors-${span}.log`);
  await ensureTextFile({ path, content: lines.map((line) => `${line}\n`).join(''), mode: 0o600 });
  return path;
}

async function readErrorLines(attempt: Attempt, since: string): Promise<readonly string[]> {
  // Where the host's clock was set back meanwhile, a time tells nothing: rather all lines than one too few.
  const from = Date.parse(since) > attempt.now().getTime() ? new Date(0) : new Date(since);
  const { container, applicationContainer } = await needSource(attempt);
  const lines = await Promise.all(
    [container, applicationContainer].map((name) => attempt.tools.docker.readLogs({ container: name, since: from, wanted: isError })),
  );
  return lines.flatMap((ofOne) => ofOne.map(({ text }) => text));
}

async function readRestarts(attempt: Attempt): Promise<number> {
  const { container, applicationContainer } = await needSource(attempt);
  const counts = await Promise.all([container, applicationContainer].map((name) => attempt.tools.docker.readContainer(name)));
  return counts.reduce((sum, container) => sum + (container?.restartCount ?? 0), 0);
}
