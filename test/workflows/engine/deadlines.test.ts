import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { queryNames, signalNames } from '../../../src/contract/names.js';
import type { RunStatus } from '../../../src/contract/status.js';
import { createDriver, type DrivenRun, type Driver } from './driver.js';
import { opened, plainSettings } from './fakeHost.js';

let driver: Driver;

beforeAll(async () => {
  driver = await createDriver('skipping');
});
afterAll(() => driver.stop());

const hour = 3_600_000;

/** When people were told, in hours from the start of the run, and what. */
async function toldAt(run: DrivenRun): Promise<readonly (readonly [number, string])[]> {
  const start = Date.parse((await run.status()).startedAt);
  return run.told.filter(({ key }) => key.startsWith('due-')).map(({ key, subject }) => [Math.round(((Date.parse(key.slice('due-'.length)) - start) / hour) * 100) / 100, subject]);
}

/** The run that an incident has begun, once it asks. */
async function askedRotation(): Promise<WorkflowHandle> {
  const { workflow } = driver.environment.client;
  let runId = '';
  await expect
    .poll(async () => {
      const run = await workflow.getHandle('host/rotation-emergency').describe().catch(() => undefined);
      runId = run?.runId ?? '';
      return run?.status.name;
    })
    .toBe('RUNNING');
  // By its own id: one of before that has ended answers under the same name.
  const rotation = workflow.getHandle('host/rotation-emergency', runId);
  await expect.poll(async () => (await rotation.query<RunStatus>(queryNames.status).catch(() => undefined))?.questions.map(({ id }) => id)).toEqual(['rotate']);
  return rotation;
}

/** While its result is awaited the server skips time, and may come to the end of those ten years that a run may take: also that of a run which goes on. */
async function ended(run: DrivenRun): Promise<RunStatus> {
  await expect.poll(async () => (await run.handle.describe()).status.name).toBe('COMPLETED');
  return run.status();
}

async function rotate(): Promise<void> {
  const rotation = await askedRotation();
  await rotation.signal(signalNames.decide, { question: 'rotate', answer: 'go', by: 'ben' });
}

const until = async (run: DrivenRun, hours: number) => {
  const start = Date.parse((await run.status()).startedAt);
  await driver.environment.temporal.sleep(start + hours * hour - (await driver.environment.temporal.currentTimeMs()));
};

test('people are told before a deadline, at it, and again and again after it, of all that is due at once', async () => {
  driver.prepare('host/rotation-emergency');
  const run = await driver.start('incident');
  const start = Date.parse((await run.status()).startedAt);
  expect(await run.asked('assessed')).toMatchObject({ choices: ['acknowledged'], reasonFor: ['acknowledged'], dueAt: new Date(start + hour).toISOString() });
  await expect.poll(async () => (await run.node('rotated'))?.dueAt).toBe(new Date(start + hour).toISOString());
  await until(run, 7);
  expect(await toldAt(run)).toEqual([
    [0.75, 'host/incident-1 has 2 items soon due'],
    [1, 'host/incident-1 has 2 items OVERDUE'],
    [2, 'host/incident-1 has 2 items OVERDUE'],
    [6, 'host/incident-1 has 2 items OVERDUE'],
  ]);
  const at = (time: number) => `${new Date(time).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
  expect(run.told[0]).toMatchObject({ severity: 'warning', text: expect.stringContaining(`due ${at(start + hour)}: It is assessed`) as string });
  // Several runs may be open: the one that is meant is named.
  expect(run.told[0]?.text.split('\n').at(-1)).toBe("Look at it, and answer: lockstep watch host/incident-1, or the run's page in the Temporal UI");
  expect(run.told[1]).toMatchObject({ severity: 'critical', text: expect.stringContaining(`OVERDUE since ${at(start + hour)}: Keys rotated`) as string });

  await run.decide('assessed', 'acknowledged', 'ann', 'two people had access');
  await until(run, 9);
  await rotate();
  await expect.poll(async () => (await run.node('rotated'))?.state).toBe('done');
  // What is done is not told of any more, and the next one is another.
  await until(run, 25.5);
  expect((await toldAt(run)).slice(4)).toEqual([
    [18, 'host/incident-1 has 1 item soon due'],
    [24, 'host/incident-1 has 1 item OVERDUE'],
    [25, 'host/incident-1 has 1 item OVERDUE'],
  ]);
  await run.decide('harmless', 'no', 'ann', 'somebody has read it');
  expect(await run.asked('notified')).toMatchObject({ dueAt: new Date(start + 72 * hour).toISOString() });
  await run.decide('notified', 'acknowledged');
  await expect(run.result()).resolves.toMatchObject({ state: 'succeeded' });
});

test('who answers in time is not told of it, and what an answer makes needless is left out', async () => {
  driver.prepare('host/rotation-emergency');
  const run = await driver.start('incident');
  await run.asked('harmless');
  await run.decide('assessed', 'acknowledged', 'ann', 'nobody had access');
  await run.decide('harmless', 'yes', 'ann', 'it was a rehearsal');
  await expect.poll(async () => (await run.node('notified'))?.state).toBe('not needed');
  await rotate();
  await expect(run.result()).resolves.toMatchObject({ state: 'succeeded' });
  expect(run.told).toEqual([]);
  expect(await run.node('notified')).toMatchObject({ note: 'it is harmless' });
  // Deadlines travel to the host, which writes the report.
  const told = run.calls.flatMap(({ call }) => call.news.nodes).filter(({ dueAt }) => dueAt !== undefined);
  expect(told.map(({ id, state }) => [id, state])).toEqual([['assessed', 'done'], ['harmless', 'done'], ['rotated', 'done']]);
  expect(run.calls.every(({ call }) => call.holdsHost === false)).toBe(true);
});

test('a run that goes on with a lost one has the deadlines of that one', async () => {
  const startedAt = new Date((await driver.environment.temporal.currentTimeMs()) - 30 * hour).toISOString();
  const adopted = { runbook: 'incident', runId: 'lost', startedAt, state: 'left without an end', nodes: [], toUndo: [], reached: { found: [{ id: 'measure', result: { figure: 7 } }], begun: ['measure'], settings: plainSettings } };
  driver.prepare('host/rotation-emergency');
  const run = await driver.start('incident', { openRun: (_, args) => Promise.resolve(opened({ nodes: (args as { nodes: string[] }).nodes, adopted })) });
  expect(await run.asked('harmless')).toMatchObject({ dueAt: new Date(Date.parse(startedAt) + 24 * hour).toISOString() });
  // What is overdue from the beginning is told of at once, and once.
  await expect.poll(() => run.told.map(({ subject }) => subject.replace(/^\S+ /, ''))).toEqual(['has 3 items OVERDUE']);
  const rotation = await askedRotation();
  await run.handle.signal(signalNames.rollback, { by: 'ann', reason: 'it was a drill' });
  await ended(run);
  await rotation.terminate();
});

test('deadlines count from when it became known, and a time that has not come is refused at once', async () => {
  const now = await driver.environment.temporal.currentTimeMs();
  const startWith = (awareSince: string) => driver.start('incident', {}, { host: 'host', startedBy: 'starter', awareSince });
  await expect((await startWith(new Date(now + hour).toISOString())).result()).rejects.toMatchObject({ cause: { message: expect.stringContaining('has not come yet') as string } });
  await expect((await startWith('yesterday')).result()).rejects.toMatchObject({ cause: { message: expect.stringContaining('awareSince') as string } });

  driver.prepare('host/rotation-emergency');
  const run = await startWith(new Date(now - 30 * hour).toISOString());
  expect(await run.asked('harmless')).toMatchObject({ dueAt: new Date(now - 6 * hour).toISOString() });
  await expect.poll(() => run.told.map(({ subject }) => subject.replace(/^\S+ /, ''))).toEqual(['has 3 items OVERDUE']);
  const rotation = await askedRotation();
  await run.handle.signal(signalNames.rollback, { by: 'ann', reason: 'it was a drill' });
  await ended(run);
  await rotation.terminate();
});

test('an alert that gets to nobody stops nothing, and takes no news with it', async () => {
  driver.prepare('host/rotation-emergency');
  const run = await driver.start('incident', { alertPeople: () => Promise.reject(new Error('the mail server is away')) });
  await run.asked('assessed');
  await run.decide('assessed', 'perhaps');
  await until(run, 3);
  expect(run.told.length).toBeGreaterThan(3);
  await run.handle.signal(signalNames.rollback, { by: 'ann', reason: 'it was a rehearsal' });
  const { state, outcome } = await ended(run);
  expect({ state, outcome }).toEqual({
    state: 'stopped',
    outcome: 'rollback asked for by ann: it was a rehearsal. NOT done: It is assessed; Is it harmless?; The authority is notified; Finish. Goes on by itself: lockstep watch host/rotation-emergency',
  });
  expect(await run.node('rotated')).toMatchObject({ state: 'skipped', note: 'left to itself: it goes on (lockstep watch host/rotation-emergency)' });
  expect(run.done()).toEqual(['openRun', 'measure', 'report', 'closeRun']);
  expect(run.calls.flatMap(({ call }) => call.news.decisions).map(({ answer }) => answer)).toEqual(['perhaps', 'rollback']);
  const rotation = driver.environment.client.workflow.getHandle('host/rotation-emergency');
  expect((await rotation.describe()).status.name).toBe('RUNNING');
  await rotation.terminate();
});
