import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDriver, type Driver } from './driver.js';
import { opened, openedWith } from './fakeHost.js';

let driver: Driver;

beforeAll(async () => {
  driver = await createDriver('real');
});
afterAll(() => driver.stop());

test('steps run in the order of the list, and a later one gets what an earlier one found', async () => {
  const run = await driver.start('steps', { measure: () => Promise.resolve({ figure: 42 }) });
  await expect(run.result()).resolves.toEqual({ state: 'succeeded', outcome: 'Steps: done' });
  expect(run.done()).toEqual(['openRun', 'prepare', 'measure', 'copy', 'compare', 'finish', 'closeRun']);
  expect(run.calls.find(({ what }) => what === 'copy')?.args).toEqual({ given: 42 });
  expect(run.calls.at(-1)?.args).toEqual({
    state: 'succeeded',
    outcome: 'Steps: done',
    summary: [
      ['copied', '7'],
      ['compared', 'yes'],
    ],
    leaves: ['application up'],
  });
  const status = await run.status();
  expect(status.nodes.map(({ id, state }) => [id, state])).toEqual([
    ['prepare', 'done'],
    ['measure', 'done'],
    ['copy', 'done'],
    ['extra', 'not needed'],
    ['compare', 'done'],
    ['finish', 'done'],
  ]);
  expect(status.nodes.find(({ id }) => id === 'measure')?.facts).toEqual([['figure', '42']]);
  expect(status.nodes.find(({ id }) => id === 'extra')?.note).toBe('no extra copy is configured');
});

test('what a run leaves is made again before it ends, and by none that goes back', async () => {
  const run = await driver.start('steps');
  await run.result();
  expect(run.calls.at(-1)).toMatchObject({ what: 'closeRun', args: { leaves: ['application up'] } });
  const back = await driver.start('steps', { finish: () => new Promise(() => undefined) });
  await expect.poll(() => back.done()).toContain('finish');
  await back.handle.signal('rollback', { by: 'a person', reason: 'changed their mind' });
  await expect(back.result()).resolves.toMatchObject({ state: 'rolled back' });
  expect(back.calls.at(-1)).toMatchObject({ what: 'closeRun', args: { leaves: [] } });
});

test('the envelope tells the host who calls, for which node and under which terms', async () => {
  const run = await driver.start('steps');
  await run.result();
  const { workflowId } = run.handle;
  expect(run.calls.find(({ what }) => what === 'copy')?.call).toMatchObject({
    workflowId,
    runbook: 'steps',
    node: 'copy',
    title: 'Copy',
    plan: '2',
    opening: 1,
    phase: 'do',
    undoable: true,
    requires: ['volume open'],
    startedBy: 'starter',
  });
  expect(run.calls.find(({ what }) => what === 'measure')?.call).toMatchObject({ undoable: false, requires: [] });
});

test('a step whose condition holds runs', async () => {
  const run = await driver.start('steps', { openRun: openedWith({ filesystemCopy: true }) });
  await run.result();
  expect(run.done()).toContain('extra');
});

test('a run walks the list that was recorded at its start, in that order, and nothing else', async () => {
  const run = await driver.start('steps', { openRun: () => Promise.resolve(opened({ nodes: ['measure', 'finish'] })) });
  await expect(run.result()).resolves.toMatchObject({ state: 'succeeded' });
  expect(run.done()).toEqual(['openRun', 'measure', 'finish', 'closeRun']);
  expect((await run.status()).nodes.map(({ id }) => id)).toEqual(['measure', 'finish']);
});

test('openRun is told every node of the runbook, and whether to take the host over', async () => {
  const run = await driver.start('together', {}, { host: 'host', takeOver: true });
  await run.asked('ready');
  expect(run.calls[0]?.args).toEqual({ nodes: ['prepare', 'all-three', 'finish'], takeOver: true });
  expect(run.calls[0]?.call.startedBy).toBe('unknown');
  await run.handle.terminate();
});

test.each([
  ['no object', 'host', /expected object/],
  ['nothing', null, /expected object/],
  ['no host', {}, /host/],
  ['a path as host', { host: '../etc' }, /host name/],
  ['a key too many', { host: 'host', command: 'rm' }, /command/],
  ['a shell sign in the name', { host: 'host', startedBy: '$(id)' }, /startedBy/],
  ['a takeOver that is no boolean', { host: 'host', takeOver: 'yes' }, /takeOver/],
])('a run whose input is %s fails at once, in words', async (_, input, words) => {
  const run = await driver.start('steps', {}, input);
  await expect(run.result()).rejects.toMatchObject({ cause: { type: 'InvalidInput', nonRetryable: true, message: expect.stringMatching(words) as string } });
  expect(run.done()).toEqual([]);
});

test('a runbook as long as a real one stays under 500 events', async () => {
  const run = await driver.start('long');
  for (let index = 0; index < 10; index += 1) {
    await run.asked(`question-${index}`);
    await run.decide(`question-${index}`, 'go');
  }
  await run.result();
  const history = await run.handle.fetchHistory();
  expect(run.done()).toHaveLength(42);
  expect(history.events?.length).toBeLessThan(500);
});

test('a step costs six events, however much there is to tell about it', async () => {
  const run = await driver.start('long');
  await run.asked('question-0');
  const { events } = await run.handle.fetchHistory();
  const scheduled = (events ?? []).flatMap(({ activityTaskScheduledEventAttributes: attributes }, at) => (attributes ? [at] : []));
  // The first is openRun, and the section of the second one is shown after it.
  const steps = scheduled.slice(2);
  expect(steps.slice(1).map((at, index) => at - (steps[index] ?? 0))).toEqual([6, 6]);
  await run.handle.terminate();
});

test('a run that goes on with a lost one begins after its last step, with what that found, and can undo all of it', async () => {
  const settings = { filesystemCopy: false, testAccount: false, firstHourSeconds: 1, daySeconds: 1 };
  const reached = { found: [{ id: 'measure', result: { figure: 42 } }, { id: 'prepare' }], begun: ['prepare', 'measure', 'copy'], settings };
  const adopted = { runbook: 'steps', runId: 'lost', startedAt: '2026-10-01T20:00:00Z', state: 'left without an end', nodes: [], toUndo: [], reached };
  const run = await driver.start('steps', {
    openRun: (_, args) => Promise.resolve(opened({ nodes: (args as { nodes: string[] }).nodes, adopted })),
  });
  await expect(run.result()).resolves.toMatchObject({ state: 'succeeded' });
  expect(run.done()).toEqual(['openRun', 'copy', 'compare', 'finish', 'closeRun']);
  expect(run.calls.find(({ what }) => what === 'copy')?.args).toEqual({ given: 42 });
  const status = await run.status();
  expect(status.nodes.find(({ id }) => id === 'prepare')).toMatchObject({ state: 'done', note: 'by the run that this one goes on with' });
});
