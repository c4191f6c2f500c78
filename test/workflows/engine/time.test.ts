import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDriver, type DrivenRun, type Driver } from './driver.js';
import { openedWith } from './fakeHost.js';

let driver: Driver;

beforeAll(async () => {
  driver = await createDriver('skipping');
});
afterAll(() => driver.stop());

const inThreeDays = async () => new Date((await driver.environment.temporal.currentTimeMs()) + 3 * 86_400_000).toISOString();

/** By the workflow's own clock: the server's goes on to the next timer of any run. */
async function daysAt(run: DrivenRun, id: string): Promise<number> {
  const node = await run.node(id);
  return (Date.parse(node?.endedAt ?? '') - Date.parse(node?.startedAt ?? '')) / 86_400_000;
}

const windowAt = async () => ({ openRun: openedWith({ windowOpensAt: await inThreeDays() }) });

test('a wait opens by itself when its time comes', async () => {
  const run = await driver.start('waiting', await windowAt());
  expect(await run.asked('window')).toMatchObject({ kind: 'wait', choices: ['now', 'no-go'], until: { answer: 'opened' } });
  await driver.environment.temporal.sleep('2 days');
  expect(run.done()).toEqual(['openRun', 'prepare']);
  await expect(run.result()).resolves.toMatchObject({ state: 'succeeded' });
  expect(await daysAt(run, 'window')).toBeGreaterThan(2.9);
  expect(await run.node('window')).toMatchObject({ state: 'done', note: 'opened, time' });
});

test('a wait is brought forward by a person', async () => {
  const run = await driver.start('waiting', await windowAt());
  await run.asked('window');
  await run.decide('window', 'now', 'ben');
  await expect(run.result()).resolves.toMatchObject({ state: 'succeeded' });
  expect(await daysAt(run, 'window')).toBeLessThan(1);
  expect(await run.node('window')).toMatchObject({ state: 'done', note: 'now, ben' });
});

test('a no-go while waiting leads back', async () => {
  const run = await driver.start('waiting', await windowAt());
  await run.asked('window');
  await run.decide('window', 'no-go', 'ben');
  await run.decide('window', 'no-go', 'ben', 'moved to June');
  await expect(run.result()).resolves.toMatchObject({ state: 'rolled back', outcome: expect.stringContaining('moved to June') as string });
  expect(await run.outcomes()).toEqual(['reason missing', 'counted']);
  expect(run.done()).toEqual(['openRun', 'prepare', 'beginWayBack', 'undo prepare', 'prove', 'closeRun']);
});

test('without a time there is no wait', async () => {
  const run = await driver.start('waiting');
  await expect(run.result()).resolves.toMatchObject({ state: 'succeeded' });
  expect(await run.node('window')).toMatchObject({ state: 'not needed', note: 'no time is set' });
});

test('a gate with a limit answers no-go by itself', async () => {
  const run = await driver.start('people');
  await run.asked('two');
  await run.decide('two', 'go', 'ann');
  await run.decide('two', 'go', 'ben');
  await run.asked('why');
  await run.decide('why', 'go', 'ann', 'the figures are right');
  expect(await run.asked('soon')).toMatchObject({ until: { answer: 'no-go' } });
  await driver.environment.temporal.sleep('59 minutes');
  await run.asked('soon');
  await expect(run.result()).resolves.toMatchObject({ state: 'rolled back', outcome: expect.stringContaining('no-go at "Go on within the hour?" by time') as string });
});

test('the limit of a question that was withdrawn passes without a trace', async () => {
  let mayUndo: () => void = () => undefined;
  const undone = new Promise<void>((resolve) => (mayUndo = resolve));
  const run = await driver.start('together', {
    beginWayBack: () => Promise.resolve({ toUndo: [], usersMayWriteSince: '2026-11-01T00:00:00Z' }),
    finish: () => undone,
  });
  await run.asked('reviewed');
  await run.decide('ready', 'no-go', 'ann', 'wait');
  await run.asked('past-the-point-of-no-return');
  await driver.environment.temporal.sleep('3 hours');
  expect(await run.node('reviewed')).toMatchObject({ state: 'not needed' });
  await run.decide('past-the-point-of-no-return', 'continue');
  await run.asked('ready.2');
  await run.decide('announced.2', 'acknowledged');
  await run.decide('reviewed.2', 'acknowledged');
  await run.decide('ready.2', 'go');
  await run.began('finish');
  expect(await run.node('reviewed')).toMatchObject({ state: 'done', note: 'acknowledged, ann' });
  mayUndo();
  await expect(run.result()).resolves.toMatchObject({ state: 'succeeded' });
});

test('a failure that stays is tried twenty times, then a person is asked', async () => {
  const run = await driver.start('steps', { copy: () => Promise.reject(new Error('the disk is slow today')) });
  await run.began('copy');
  await driver.environment.temporal.sleep('10 minutes');
  await expect(run.asked('copy.failed.1')).resolves.toMatchObject({ title: 'Copy failed: the disk is slow today' });
  expect(run.done().filter((what) => what === 'copy')).toHaveLength(20);
  await run.handle.terminate();
});
