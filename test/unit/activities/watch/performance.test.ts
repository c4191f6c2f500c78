import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { performanceActivities } from '../../../../src/activities/watch/performance.js';
import { keepFact } from '../../../../src/activities/run/runFacts.js';
import { PermanentFailure, RollbackTrigger } from '../../../../src/contract/errors.js';
import { withDirectory } from '../../needsRoot.js';
import { createAttempt } from '../attempt.js';

/** An operation up, a download, a snapshot, the operation removed. */
const requestsInTurn = 4;

/** Compares a service whose requests take so many milliseconds, every other turn more by a spread, with one that took ten. */
async function compared(
  directory: string,
  { milliseconds, waits = () => 0, spread = 0, performancePercent = 15 }: { readonly milliseconds: number; readonly waits?: () => number; readonly spread?: number; readonly performancePercent?: number },
) {
  let asked = 0;
  let waited = 0;
  let at = 0;
  const attempt = createAttempt({
    directory,
    config: {
      volume: { mountPoint: directory },
      rollback: { performancePercent },
      verification: { testAccount: { email: 'check@localhost', password: 'ask:' }, baselineRequests: 24 },
    },
    tools: {
      request: () => {
        asked += 1;
        return Promise.resolve({ status: 200, text: '{"token":"t","operations":[],"serverSeq":1}', durationMilliseconds: milliseconds + (Math.floor(asked / requestsInTurn) % 2) * spread });
      },
      diskActivity: {
        readSample: () => {
          at += 1000;
          waited += waits();
          return Promise.resolve({ atMilliseconds: at, totalTicks: at / 10, ioWaitTicks: waited, idleTicks: 0 });
        },
      },
    },
  });
  await mkdir(join(directory, 'pgdata'), { recursive: true });
  await keepFact(attempt, 'source', { container: 'database', root: directory });
  const before = Array.from({ length: 24 }, (_, number) => 10 + (number % 2) * spread);
  await keepFact(attempt, 'performance-before', {
    endpoints: { operations: before, download: before, snapshot: before },
    activity: { seconds: 12, ioWaitPercent: 0, processorPercent: 0 },
    ioWaits: Array.from({ length: 12 }, () => 0),
  });
  const secret = () => Promise.resolve(Buffer.from('password'));
  return performanceActivities.comparePerformance.perform({ ...attempt, secret }, undefined);
}

const failureOf = (running: Promise<unknown>) => running.then(() => expect.unreachable('it passed'), (error: unknown) => error);

test('as fast as before passes', () =>
  withDirectory(async (directory) => {
    const { verdicts } = await compared(directory, { milliseconds: 10 });
    expect(verdicts.map(({ name, verdict }) => [name, verdict])).toEqual([
      ['operations', 'pass'],
      ['download', 'pass'],
      ['snapshot', 'pass'],
      ['I/O wait', 'pass'],
    ]);
  }));

test('between its own limit and the one of the plan it fails, and recommends nothing', () =>
  withDirectory(async (directory) => {
    const failure = await failureOf(compared(directory, { milliseconds: 11.3 }));
    expect(failure).toBeInstanceOf(PermanentFailure);
    expect(failure).not.toBeInstanceOf(RollbackTrigger);
    expect(String(failure)).toMatch(/operations \+13 % \(\+13 % to \+13 %\), limit 10 %/);
  }));

test('beyond the limit of the plan it is a reason to go back, with every verdict as evidence', () =>
  withDirectory(async (directory) => {
    const failure = await failureOf(compared(directory, { milliseconds: 12 }));
    expect(failure).toBeInstanceOf(RollbackTrigger);
    expect((failure as RollbackTrigger).evidence.map(([name]) => name)).toEqual(['operations', 'download', 'snapshot', 'I/O wait']);
  }));

test('what noise could explain is inconclusive, and no reason for anything', () =>
  withDirectory(async (directory) => {
    const { verdicts } = await compared(directory, { milliseconds: 12, spread: 10 });
    expect(verdicts.find(({ name }) => name === 'operations')?.verdict).toBe('inconclusive');
  }));

test('what noise could explain is no reason to go back beside something else that failed', () =>
  withDirectory(async (directory) => {
    const noisy = { milliseconds: 11, spread: 0.4, waits: () => 20 };
    const failure = await failureOf(compared(directory, { ...noisy, performancePercent: 5 }));
    expect(String(failure)).toMatch(/^PermanentFailure: slower than allowed: I\/O wait /);
    expect(failure).not.toBeInstanceOf(RollbackTrigger);
    const quiet = await compared(directory, { ...noisy, waits: () => 0 });
    expect(quiet.verdicts.map(({ name, verdict, words }) => [name, verdict, words])).toContainEqual(['operations', 'inconclusive', expect.stringMatching(/\(\+6 % to \+14 %\)/)]);
  }));

test('one moment in which the disk was awaited decides nothing', () =>
  withDirectory(async (directory) => {
    let part = 0;
    const { verdicts } = await compared(directory, { milliseconds: 10, waits: () => (part++ === 5 ? 90 : 0) });
    expect(verdicts.at(-1)).toMatchObject({ name: 'I/O wait', verdict: 'pass' });
  }));

test('a disk that is awaited throughout fails, which is not yet a reason to go back', () =>
  withDirectory(async (directory) => {
    const failure = await failureOf(compared(directory, { milliseconds: 10, waits: () => 20 }));
    expect(failure).not.toBeInstanceOf(RollbackTrigger);
    expect(String(failure)).toMatch(/I\/O wait 0\.0 % before, 20\.0 % after \(\+20\.0 to \+20\.0 points\), limit \+5 points/);
  }));
