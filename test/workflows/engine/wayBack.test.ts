import { CancelledFailure, Context } from '@temporalio/activity';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { signalNames } from '../../../src/contract/names.js';
import type { Adopted } from '../../../src/contract/settings.js';
import { createDriver, type DrivenRun, type Driver } from './driver.js';
import { fails, inTurn, opened, succeeds, type Behaviour } from './fakeHost.js';

let driver: Driver;

beforeAll(async () => {
  driver = await createDriver('real');
});
afterAll(() => driver.stop());

const past: Behaviour = () => Promise.resolve({ toUndo: ['prepare'], usersMayWriteSince: '2026-11-01T20:00:00.000Z' });

/** Works until it is cancelled, as an activity in the wrapper does. */
const worksUntilCancelled =
  (onCancel: () => void): Behaviour =>
  async () => {
    const context = Context.current();
    const timer = setInterval(() => context.heartbeat(), 100);
    try {
      return await context.cancelled;
    } catch (error) {
      if (error instanceof CancelledFailure) onCancel();
      throw error;
    } finally {
      clearInterval(timer);
    }
  };

/** Works until the test says so, and does not hear a cancel. */
function worksUntilReleased(): { behaviour: Behaviour; release: () => void } {
  let release: () => void = () => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  return { behaviour: () => released.then(() => ({ figure: 7 })), release: () => release() };
}

const rollBack = (run: DrivenRun, reason = 'users complain') => run.handle.signal(signalNames.rollback, { by: 'ann', reason });

test('rollback undoes what was begun in reverse, the step that failed half-way first, and proves the way back', async () => {
  const run = await driver.start('steps', { compare: fails });
  await run.asked('compare.failed.1');
  await run.decide('compare.failed.1', 'rollback');
  await run.decide('compare.failed.1', 'rollback', 'ann', 'another day');
  await expect(run.result()).resolves.toEqual({ state: 'rolled back', outcome: 'Compare failed (the disk is full); ann: another day' });
  expect(run.done()).toEqual([
    'openRun', 'prepare', 'measure', 'copy', 'compare',
    'beginWayBack', 'undo compare', 'undo copy', 'undo prepare', 'prove', 'closeRun',
  ]);
  expect(run.calls.find(({ what }) => what === 'undo copy')?.call).toMatchObject({ phase: 'undo', title: 'Remove the copy', requires: [] });
  expect((await run.status()).nodes.map(({ id, state }) => [id, state])).toEqual([
    ['prepare', 'undone'],
    ['measure', 'done'],
    ['copy', 'undone'],
    ['extra', 'not needed'],
    ['compare', 'undone'],
    ['finish', 'pending'],
    ['prove', 'done'],
  ]);
});

test('what the journal on the host says was begun is undone too, in the order of the list', async () => {
  const run = await driver.start('gated', { beginWayBack: () => Promise.resolve({ toUndo: ['compare', 'prepare'] }) });
  await run.asked('ready');
  await run.decide('ready', 'no-go', 'ann', 'not yet');
  await run.result();
  expect(run.done().filter((what) => what.startsWith('undo'))).toEqual(['undo prepare']);

  // The history of this run is behind its host: a restored server knows only of the first step.
  const behind = await driver.start('steps', { measure: fails, beginWayBack: () => Promise.resolve({ toUndo: ['prepare', 'copy', 'compare'] }) });
  await behind.asked('measure.failed.1');
  await behind.decide('measure.failed.1', 'rollback', 'ann', 'server was restored');
  await behind.result();
  expect(behind.done().filter((what) => what.startsWith('undo'))).toEqual(['undo compare', 'undo copy', 'undo prepare']);
});

test('an undo that fails parks; retry tries again, and skip goes on with the next', async () => {
  const run = await driver.start('steps', { finish: fails, 'undo compare': fails, 'undo copy': inTurn(fails, succeeds) });
  await run.asked('finish.failed.1');
  await run.decide('finish.failed.1', 'rollback', 'ann', 'stop');
  await expect(run.asked('compare.failed.1')).resolves.toMatchObject({ title: 'Forget the comparison failed: the disk is full', choices: ['retry', 'skip'] });
  await run.decide('compare.failed.1', 'skip', 'ann', 'nothing was kept');
  await run.asked('copy.failed.1');
  await run.decide('copy.failed.1', 'retry');
  await expect(run.result()).resolves.toMatchObject({ state: 'rolled back' });
  expect(run.done().slice(run.done().indexOf('beginWayBack'))).toEqual([
    'beginWayBack', 'undo compare', 'undo copy', 'undo copy', 'undo prepare', 'prove', 'closeRun',
  ]);
  expect(await run.node('compare')).toMatchObject({ note: 'undo skipped by ann: nothing was kept' });
});

test('a step that is being undone again shows as such', async () => {
  const held = worksUntilReleased();
  const run = await driver.start('steps', { finish: fails, 'undo compare': inTurn(fails, held.behaviour) });
  await run.asked('finish.failed.1');
  await run.decide('finish.failed.1', 'rollback', 'ann', 'stop');
  await run.asked('compare.failed.1');
  await run.decide('compare.failed.1', 'retry');
  await run.began('undo compare', 2);
  expect(await run.status()).toMatchObject({ state: 'rolling back' });
  expect(await run.node('compare')).toMatchObject({ state: 'undoing' });
  held.release();
  await run.result();
});

test('the signal rollback ends a step that runs, waits for its end, and undoes it', async () => {
  let cancelled = 0;
  const run = await driver.start('steps', { copy: worksUntilCancelled(() => (cancelled += 1)) });
  await run.began('copy');
  await rollBack(run);
  await expect(run.result()).resolves.toEqual({ state: 'rolled back', outcome: 'rollback asked for by ann: users complain' });
  expect(cancelled).toBe(1);
  expect(run.done()).toEqual(['openRun', 'prepare', 'measure', 'copy', 'beginWayBack', 'undo copy', 'undo prepare', 'prove', 'closeRun']);
});

test.each([
  ['a gate', 'gated', {}, 'ready'],
  ['a parked step', 'steps', { measure: fails }, 'measure.failed.1'],
])('the signal rollback leaves %s', async (_, runbook, script, question) => {
  const run = await driver.start(runbook, script);
  await run.asked(question);
  await rollBack(run);
  await expect(run.result()).resolves.toMatchObject({ state: 'rolled back', outcome: 'rollback asked for by ann: users complain' });
  expect((await run.status()).questions).toEqual([]);
});

test('a rollback that arrives while the last step ends is followed', async () => {
  const held = worksUntilReleased();
  const run = await driver.start('steps', { finish: held.behaviour });
  await run.began('finish');
  await rollBack(run);
  held.release();
  await expect(run.result()).resolves.toMatchObject({ state: 'rolled back' });
});

test('a second rollback changes nothing: not the undo that runs, nor one that is parked, nor the end', async () => {
  const held = worksUntilReleased();
  const run = await driver.start('steps', { finish: fails, 'undo compare': held.behaviour, 'undo copy': inTurn(fails, succeeds), closeRun: inTurn(fails, succeeds) });
  await run.asked('finish.failed.1');
  await rollBack(run);
  await run.began('undo compare');
  await rollBack(run, 'hurry up');
  held.release();
  await run.asked('copy.failed.1');
  await rollBack(run, 'hurry up');
  await run.asked('copy.failed.1');
  await run.decide('copy.failed.1', 'retry');
  await run.asked('close-run.failed.1');
  await rollBack(run, 'hurry up');
  await run.decide('close-run.failed.1', 'retry');
  await expect(run.result()).resolves.toEqual({ state: 'rolled back', outcome: 'rollback asked for by ann: users complain' });
  expect(run.done().filter((what) => what === 'undo compare')).toHaveLength(1);
});

test('past the point of no return a no-go asks; continue opens the gate again under a new id', async () => {
  const run = await driver.start('gated', { beginWayBack: past });
  await run.asked('ready');
  await run.decide('ready', 'no-go', 'ann', 'too slow');
  const question = await run.asked('past-the-point-of-no-return');
  expect(question).toMatchObject({ kind: 'parked', choices: ['carry-over', 'discard-writes', 'continue', 'stop'], reasonFor: ['discard-writes', 'stop'] });
  expect(question.title).toContain('since 2026-11-01T20:00:00.000Z');
  await run.decide('past-the-point-of-no-return', 'continue');
  await run.asked('ready.2');
  await run.decide('ready', 'go');
  await run.decide('ready.2', 'go');
  await expect(run.result()).resolves.toMatchObject({ state: 'succeeded' });
  expect(run.done()).not.toContain('undo prepare');
  expect((await run.outcomes()).slice(-2)).toEqual(['not open any more', 'counted']);
});

test('past the point of no return stop ends the run and undoes nothing', async () => {
  const run = await driver.start('gated', { beginWayBack: past });
  await run.asked('ready');
  await run.decide('ready', 'no-go', 'ann', 'too slow');
  await run.asked('past-the-point-of-no-return');
  await run.decide('past-the-point-of-no-return', 'stop');
  await run.decide('past-the-point-of-no-return', 'stop', 'ann', 'we look into it');
  await expect(run.result()).resolves.toMatchObject({ state: 'stopped' });
  expect(run.done()).toEqual(['openRun', 'measure', 'prepare', 'beginWayBack', 'closeRun']);
});

test('what is skipped where a run is stopped past the point of no return is named in its outcome', async () => {
  const run = await driver.start('twoWaysBack', { beginWayBack: past, 'let-in': fails });
  await run.asked('ready');
  await run.decide('ready', 'no-go', 'ann', 'too slow');
  await run.asked('past-the-point-of-no-return');
  await run.decide('past-the-point-of-no-return', 'stop', 'ann', 'we look into it');
  await run.asked('let-in.failed.1');
  await run.decide('let-in.failed.1', 'skip', 'ann', 'the application is rebuilt');
  await expect(run.result()).resolves.toMatchObject({
    state: 'stopped',
    outcome: expect.stringContaining('NOT done, and left to be done by hand: Let users in (skipped by ann: the application is rebuilt)') as string,
  });
});

test('past the point of no return what users wrote is carried over before anything is undone', async () => {
  const run = await driver.start('gated', { beginWayBack: past, exchange: inTurn(fails, succeeds) });
  await run.asked('ready');
  await run.decide('ready', 'no-go', 'ann', 'too slow');
  await run.asked('past-the-point-of-no-return');
  await run.decide('past-the-point-of-no-return', 'carry-over');
  await run.asked('exchange.failed.1');
  await run.decide('exchange.failed.1', 'retry');
  await expect(run.result()).resolves.toMatchObject({ state: 'rolled back' });
  expect(run.done()).toEqual(['openRun', 'measure', 'prepare', 'beginWayBack', 'save', 'exchange', 'exchange', 'undo prepare', 'prove', 'closeRun']);
  expect(run.calls.find(({ what }) => what === 'save')?.call).toMatchObject({ requires: ['volume open'], undoable: false });
  expect((await run.status()).nodes.slice(-3).map(({ id, section, state }) => [id, section, state])).toEqual([
    ['save', 'Carry over what users wrote', 'done'],
    ['exchange', 'Carry over what users wrote', 'done'],
    ['prove', 'After the way back', 'done'],
  ]);
});

test('what users wrote is given up only by name and with a reason, also where it cannot be carried over', async () => {
  const run = await driver.start('gated', { beginWayBack: past, save: fails });
  await run.asked('ready');
  await run.decide('ready', 'no-go', 'ann', 'too slow');
  await run.asked('past-the-point-of-no-return');
  await run.decide('past-the-point-of-no-return', 'discard-writes');
  await run.decide('past-the-point-of-no-return', 'carry-over');
  expect(await run.asked('save.failed.1')).toMatchObject({ choices: ['retry', 'discard-writes', 'choose-again'], reasonFor: expect.arrayContaining(['discard-writes']) as unknown });
  await run.decide('save.failed.1', 'rollback', 'ann', 'hurry up');
  await run.decide('save.failed.1', 'discard-writes');
  await run.decide('save.failed.1', 'discard-writes', 'ann', 'the disk is broken');
  await expect(run.result()).resolves.toMatchObject({ state: 'rolled back' });
  expect(run.done()).toEqual(['openRun', 'measure', 'prepare', 'beginWayBack', 'save', 'undo prepare', 'prove', 'closeRun']);
  expect(await run.outcomes()).toEqual(['counted', 'reason missing', 'counted', 'not a choice', 'reason missing', 'counted']);
});

test('whoever cannot carry over may choose anew, and stop where the users are; going on would leave them kept out', async () => {
  const begun: Behaviour = async (call, args) => ({ ...((await past(call, args)) as object), carryOverBegun: true });
  const run = await driver.start('gated', { beginWayBack: inTurn(past, begun), save: fails });
  await run.asked('ready');
  await run.decide('ready', 'no-go', 'ann', 'too slow');
  expect(await run.asked('past-the-point-of-no-return')).toMatchObject({ choices: ['carry-over', 'discard-writes', 'continue', 'stop'] });
  await run.decide('past-the-point-of-no-return', 'carry-over');
  await run.asked('save.failed.1');
  await run.decide('save.failed.1', 'choose-again', 'ann', 'there is no room');
  expect(await run.asked('past-the-point-of-no-return.2')).toMatchObject({ choices: ['carry-over', 'discard-writes', 'stop'] });
  await run.decide('past-the-point-of-no-return.2', 'stop', 'ann', 'later');
  await expect(run.result()).resolves.toMatchObject({ state: 'stopped' });
});

test('a runbook without a carry-over offers none past the point of no return', async () => {
  const run = await driver.start('together', { beginWayBack: past });
  await run.asked('ready');
  await run.decide('reviewed', 'no-go', 'ann', 'not reviewed');
  expect(await run.asked('past-the-point-of-no-return')).toMatchObject({ choices: ['continue', 'stop'] });
  await run.decide('past-the-point-of-no-return', 'stop', 'ann', 'enough');
  await expect(run.result()).resolves.toMatchObject({ state: 'stopped' });
});

const adopts = (more: Partial<Adopted> = {}): Behaviour => (_, args) => {
  const adopted = { runbook: 'gated', runId: 'run-0', startedAt: '2026-10-01T20:00:00.000Z', state: 'succeeded', nodes: ['measure', 'prepare', 'ready', 'finish'], toUndo: ['prepare'], ...more };
  return Promise.resolve(opened({ nodes: (args as { nodes: string[] }).nodes, adopted }));
};

test('a runbook that undoes another one walks its own list, and then goes back from what that one did', async () => {
  const run = await driver.start('back', { openRun: adopts(), beginWayBack: past });
  await run.asked('sure');
  await run.decide('sure', 'go');
  await run.decide('sure', 'go', 'ann', 'users complain');
  expect(await run.asked('past-the-point-of-no-return')).toMatchObject({ choices: ['carry-over', 'discard-writes', 'stop'] });
  await run.decide('past-the-point-of-no-return', 'carry-over');
  await expect(run.result()).resolves.toEqual({ state: 'rolled back', outcome: 'gated undone' });
  expect(run.calls[0]?.args).toMatchObject({ undoes: 'gated' });
  expect(run.done()).toEqual(['openRun', 'beginWayBack', 'save', 'exchange', 'undo prepare', 'prove', 'closeRun']);
  expect((await run.status()).nodes.map(({ id, state }) => [id, state])).toEqual([
    ['sure', 'done'], ['save', 'done'], ['exchange', 'done'], ['prepare', 'undone'], ['prove', 'done'],
  ]);
});

test('a no-go to going back leaves the host as it is', async () => {
  const run = await driver.start('back', { openRun: adopts() });
  await run.asked('sure');
  await run.decide('sure', 'no-go', 'ann', 'it is fine after all');
  await expect(run.result()).resolves.toMatchObject({ state: 'stopped', outcome: expect.stringContaining('Nothing was changed') as unknown });
  expect(run.done()).toEqual(['openRun', 'closeRun']);
});

test.each([
  [{ takenFrom: { workflowId: 'host/gated', runId: 'run-0', runbook: 'gated' } }, {}, /Nothing was changed: host\/gated \(run run-0\) has the host again.*"lockstep start gated --resume".*"lockstep start back --take-over" goes back/],
  [{ takenFrom: { workflowId: 'host/back', runId: 'run-0', runbook: 'back' } }, {}, /users may be offline\. "lockstep start back --take-over" goes back/],
  [{ takenFrom: { workflowId: 'host/back', runId: 'run-0', runbook: 'back' } }, { wayBackBegun: true }, /The way back that was begun before stays where it stood.*"lockstep start back --take-over" goes on with it/],
] as const)('what a lost run has left is not over where a person decides against going back: %o', async (more, adoptedMore, outcome) => {
  const opens: Behaviour = async (call, args) => ({ ...((await adopts(adoptedMore)(call, args)) as object), ...more });
  const run = await driver.start('back', { openRun: opens });
  await run.asked('sure');
  await run.decide('sure', 'no-go', 'ann', 'not now');
  await expect(run.result()).resolves.toMatchObject({ state: 'stopped', outcome: expect.stringMatching(outcome) as unknown });
  expect(run.calls.at(-1)?.args).toMatchObject({ handsBack: true });
});

test('a rollback signal at the question past the point of no return leaves the question open', async () => {
  const run = await driver.start('gated', { beginWayBack: past });
  await run.asked('ready');
  await run.decide('ready', 'no-go', 'ann', 'too slow');
  await run.asked('past-the-point-of-no-return');
  await rollBack(run);
  await run.asked('past-the-point-of-no-return');
  await run.decide('past-the-point-of-no-return', 'continue');
  await run.asked('ready.2');
  await run.decide('ready.2', 'go');
  await expect(run.result()).resolves.toMatchObject({ state: 'succeeded' });
});

test('after a no-go to one of several questions a rollback still reaches the run', async () => {
  const run = await driver.start('together', { beginWayBack: inTurn(past, () => Promise.resolve({ toUndo: [] })) });
  await run.asked('ready');
  await run.decide('reviewed', 'no-go', 'ann', 'not reviewed');
  await run.asked('past-the-point-of-no-return');
  await run.decide('past-the-point-of-no-return', 'continue');
  await run.asked('ready.2');
  await rollBack(run);
  await expect(run.result()).resolves.toMatchObject({ state: 'rolled back', outcome: 'rollback asked for by ann: users complain' });
});
