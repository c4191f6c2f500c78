import { expect, test } from 'vitest';
import { keepFact } from '../../../src/activities/runFacts.js';
import { verificationActivities } from '../../../src/activities/verification.js';
import { withDirectory } from '../needsRoot.js';
import { createAttempt } from './attempt.js';

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
      docker: {
        readContainer: () => Promise.resolve({ restartCount: 0 }),
        readLogs: (wanted: { since: Date }) => {
          since.push(wanted.since);
          return Promise.resolve([]);
        },
      },
    },
  });
  await keepFact(attempt, 'source', { container: 'database', applicationContainer: 'application' });
  const began = performance.now();
  const watch = verificationActivities.watch.perform({ ...attempt, now: () => new Date(now()) }, { seconds: 2, span: 'first-hour' });
  return { since, figures: await watch, seconds: (performance.now() - began) / 1000 };
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
    expect(since).toEqual([new Date(0), new Date(0)]);
  }));

test('else it is read since the watch began', () =>
  withDirectory(async (directory) => {
    const { since } = await watched(directory, () => start);
    expect(since).toEqual([new Date(start), new Date(start)]);
  }));
