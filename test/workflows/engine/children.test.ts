import { afterAll, beforeAll, expect, test } from 'vitest';
import { queryNames, signalNames, workflowTaskQueue } from '../../../src/contract/names.js';
import type { RunStatus } from '../../../src/contract/status.js';
import { createDriver, type DrivenRun, type Driver } from './driver.js';
import { fails } from './fakeHost.js';

let driver: Driver;

beforeAll(async () => {
  driver = await createDriver('real');
});
afterAll(() => driver.stop());

const childId = 'host/rotation-emergency';
const rotation = () => driver.environment.client.workflow.getHandle(childId);
const say = (answer: string) => rotation().signal(signalNames.decide, { question: 'rotate', answer, by: 'ben', reason: 'because' });

const questions = async () => (await rotation().query<RunStatus>(queryNames.status).catch(() => undefined))?.questions.map(({ id }) => id);

async function begun(run: DrivenRun): Promise<void> {
  await expect.poll(async () => (await run.node('rotated'))?.state, { timeout: 15_000 }).toBe('running');
  await expect.poll(questions, { timeout: 15_000 }).toEqual(['rotate']);
}

test('a run of its own gets the host and its options, is shown, and is waited for', async () => {
  const calls = driver.prepare(childId);
  const run = await driver.start('withChild');
  await begun(run);
  expect(await run.node('rotated')).toMatchObject({ kind: 'child', note: `lockstep watch ${childId}` });
  expect((await run.status()).state).toBe('running');
  await expect.poll(() => calls.map(({ what }) => what)).toEqual(['openRun', 'prepare']);
  expect(calls[0]).toMatchObject({ args: { comesFirst: true }, call: { startedBy: 'starter' } });
  expect(run.done()).toEqual(['openRun', 'prepare']);
  await say('go');
  await expect(run.result()).resolves.toMatchObject({ state: 'succeeded' });
  expect(await run.node('rotated')).toMatchObject({ state: 'done', note: `${childId}: Rotation: done` });
  expect(run.calls.at(-1)?.args).toMatchObject({ summary: [['rotation', 'succeeded']] });
});

test('one that does not succeed is begun anew, or left out with a reason', async () => {
  driver.prepare(childId);
  const run = await driver.start('withChild');
  await begun(run);
  await say('no-go');
  expect(await run.asked('rotated.failed.1')).toMatchObject({ kind: 'parked', choices: ['retry', 'skip'], reasonFor: ['skip'], title: expect.stringContaining(`${childId} ended as rolled back`) as string });
  expect((await run.status()).state).toBe('parked');
  await expect.poll(() => run.told).toMatchObject([{ severity: 'warning', subject: expect.stringContaining('is parked: Keys rotated') as string, text: expect.stringContaining(`Answers: retry, skip. Look at it, and answer: lockstep watch ${run.handle.workflowId}`) as string, key: 'rotated.failed.1' }]);
  driver.prepare(childId, { openRun: fails });
  await run.decide('rotated.failed.1', 'retry');
  expect(await run.asked('rotated.failed.2')).toMatchObject({ title: expect.stringContaining(`${childId} failed: the disk is full`) as string });
  await run.decide('rotated.failed.2', 'skip', 'ann', 'done by hand');
  await expect(run.result()).resolves.toMatchObject({ state: 'succeeded' });
  expect(await run.node('rotated')).toMatchObject({ state: 'skipped', note: expect.stringContaining('skipped by ann: done by hand') as string });
});

test('one that is open already is told of, and not waited for', async () => {
  driver.prepare(childId);
  await driver.environment.client.workflow.start('rotation', { taskQueue: workflowTaskQueue, workflowId: childId, args: [{ host: 'host', emergency: true }] });
  const run = await driver.start('withChild');
  expect(await run.asked('rotated.failed.1')).toMatchObject({ title: expect.stringContaining(`${childId} is open already`) as string });
  await expect.poll(questions).toEqual(['rotate']);
  await say('go');
  await rotation().result();
  driver.prepare(childId);
  await run.decide('rotated.failed.1', 'retry');
  await begun(run);
  await say('go');
  await expect(run.result()).resolves.toMatchObject({ state: 'succeeded' });
});

test('a way back ends no run of its own, undoes nothing of it, and says that it goes on', async () => {
  driver.prepare(childId);
  const run = await driver.start('withChild');
  await begun(run);
  await run.handle.cancel();
  await run.asked('cancelled');
  await run.decide('cancelled', 'rollback', 'ann', 'not today');
  await expect(run.result()).resolves.toEqual({ state: 'rolled back', outcome: `cancelled by ann: not today. Goes on by itself: lockstep watch ${childId}` });
  expect(run.done()).toEqual(['openRun', 'prepare', 'beginWayBack', 'undo prepare', 'prove', 'closeRun']);
  expect((await rotation().describe()).status.name).toBe('RUNNING');
  await say('go');
  await expect(rotation().result()).resolves.toMatchObject({ state: 'succeeded' });
});

test('while one is asked about, what else is open goes on, and the run is parked until that is answered', async () => {
  driver.prepare(childId, { openRun: fails });
  const run = await driver.start('incident');
  await run.asked('rotated.failed.1');
  await run.decide('harmless', 'no', 'ann', 'because');
  await run.asked('notified');
  expect((await run.status()).state).toBe('parked');
  await run.decide('rotated.failed.1', 'skip', 'ann', 'by hand');
  await expect.poll(async () => (await run.status()).state).toBe('waiting');
  await run.decide('notified', 'acknowledged');
  await run.decide('assessed', 'acknowledged', 'ann', 'because');
  await expect(run.result()).resolves.toMatchObject({ state: 'succeeded' });
});

test('a worker that is lost meanwhile loses neither the run nor its child', async () => {
  driver.prepare(childId);
  const run = await driver.start('incident');
  await begun(run);
  await run.decide('assessed', 'acknowledged', 'ann', 'because');
  await driver.workers.stop();
  await say('go');
  await run.send({ question: 'harmless', answer: 'yes', by: 'ann', reason: 'because' });
  await driver.workers.start();
  await expect(run.result()).resolves.toMatchObject({ state: 'succeeded' });
});
