import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { RollbackTrigger } from '../../../../src/contract/errors.js';
import { keepFact } from '../../../../src/activities/run/runFacts.js';
import { watchActivities } from '../../../../src/activities/watch/watch.js';
import { withDirectory } from '../../needsRoot.js';
import { createAttempt } from '../attempt.js';

const start = Date.parse('2026-11-01T20:00:00Z');
const hour = 3_600_000;

/** A healthy service, on a host whose clock tells what the test wants. */
async function watched(directory: string, now: () => number) {
  const since: Date[] = [];
  const attempt = createAttempt({
    directory,
    config: { watch: { intervalSeconds: 1 } },
    tools: {
      request: () => Promise.resolve({ status: 200 }),
      postgres: { checksumFailures: () => Promise.resolve(0) },
      kernelLog: { read: () => Promise.resolve({ ioErrors: [], memoryKills: [] }) },
      docker: {
        readContainer: () => Promise.resolve({ id: 'container', restartCount: 0, isRunning: true }),
        readLogs: (wanted: { since: Date }) => {
          since.push(wanted.since);
          return Promise.resolve([]);
        },
      },
    },
  });
  await keepFact(attempt, 'errors-before', { errors: 0, seconds: 2 });
  await keepFact(attempt, 'source', { container: 'database', applicationContainer: 'application' });
  const began = performance.now();
  const watch = watchActivities.watch.perform({ ...attempt, now: () => new Date(now()) }, { seconds: 2, span: 'first-hour' });
  const figures = await watch;
  return { since: new Set(since.map((each) => each.toISOString())), figures, seconds: (performance.now() - began) / 1000 };
}

test.each([
  ['forward', 5 * hour],
  ['back', -5 * hour],
])('a clock that is set %s by hours neither ends a watch nor keeps it up', (_, jump) =>
  withDirectory(async (directory) => {
    let looks = 0;
    const { seconds, figures } = await watched(directory, () => start + (looks++ < 2 ? 0 : jump));
    expect(seconds).toBeGreaterThan(1.9);
    expect(seconds).toBeLessThan(10);
    expect(figures.checks).toBeGreaterThan(1);
  }));

test('where the clock was set back the whole log is read: its times would hide lines', () =>
  withDirectory(async (directory) => {
    let looks = 0;
    const { since } = await watched(directory, () => start + (looks++ < 2 ? 0 : -5 * hour));
    expect(since).toEqual(new Set([new Date(0).toISOString()]));
  }));

test('else it is read since the watch began', () =>
  withDirectory(async (directory) => {
    const { since } = await watched(directory, () => start);
    expect(since).toEqual(new Set([new Date(start).toISOString()]));
  }));

/** A service whose logs, restarts and health the test sets. */
async function service(directory: string) {
  const state = { lines: [] as string[], restarts: 1, status: 200 };
  const attempt = (opening: number) => {
    const made = createAttempt({
      directory,
      config: { watch: { intervalSeconds: 1, unhealthySeconds: 1 } },
      tools: {
        request: () => Promise.resolve({ status: state.status }),
        postgres: { checksumFailures: () => Promise.resolve(0) },
        kernelLog: { read: () => Promise.resolve({ ioErrors: [], memoryKills: [] }) },
        docker: {
          readContainer: (name: string) => Promise.resolve({ id: name, restartCount: state.restarts, isRunning: true }),
          readLogs: ({ wanted, container }: { wanted: (text: string) => boolean; container: string }) =>
            Promise.resolve(container === 'database' ? state.lines.filter(wanted).map((text) => ({ at: '', text })) : []),
        },
      },
    });
    return { ...made, call: { ...made.call, opening } };
  };
  await keepFact(attempt(1), 'source', { container: 'database', applicationContainer: 'application' });
  await keepFact(attempt(1), 'errors-before', { errors: 1, seconds: 3600 });
  return { state, watch: (opening = 1, seconds = 0.01) => watchActivities.watch.perform(attempt(opening), { seconds, span: 'first-hour' }) };
}

test('a watch that nothing speaks against passes, and errors as many as before are no reason to go back', () =>
  withDirectory(async (directory) => {
    const { state, watch } = await service(directory);
    state.lines.push('ERROR:  duplicate key value', 'LOG:  checkpoint complete', 'FATAL:  the database system is starting up');
    expect(await watch()).toMatchObject({ errors: 1, restarts: 0, errorsFile: `${directory}/errors-first-hour.log` });
  }));

test('more errors than before are one, with the figures and no line of the log; the lines stay on the host', () =>
  withDirectory(async (directory) => {
    const { state, watch } = await service(directory);
    state.lines.push('ERROR:  duplicate key value (ann@example.org)', 'ERROR:  deadlock detected');
    const failure = await watch().then(() => expect.unreachable('it passed'), (error: unknown) => error);
    expect(failure).toBeInstanceOf(RollbackTrigger);
    expect(failure).toMatchObject({
      evidence: [
        ['error lines', '2, against 1 in as long a time on the old volume'],
        ['error lines are kept in', `${directory}/errors-first-hour.log`],
      ],
    });
    expect((failure as Error).message).not.toContain('ann@example.org');
    expect(await readFile(`${directory}/errors-first-hour.log`, 'utf8')).toBe(state.lines.map((line) => `${line}\n`).join(''));
  }));

test('after a reason to go back the same attempt finds it again, and a retry watches anew from then on', () =>
  withDirectory(async (directory) => {
    const { state, watch } = await service(directory);
    // Restarts of before the watch do not count.
    await watch(1);
    state.restarts = 2;
    await expect(watch(1)).rejects.toMatchObject({ evidence: [['containers restarted by Docker', '2']] });
    await expect(watch(1)).rejects.toBeInstanceOf(RollbackTrigger);
    expect(await watch(2)).toMatchObject({ restarts: 0 });
  }));

test('a health check that goes on failing ends the watch before its time', () =>
  withDirectory(async (directory) => {
    const { state, watch } = await service(directory);
    state.status = 503;
    await expect(watch(1, 600)).rejects.toMatchObject({ message: expect.stringMatching(/it saw a health check that fails; judge whether/) as string, evidence: [['a health check that fails', expect.stringMatching(/\(limit 1\.0 s\)/) as string]] });
  }));
