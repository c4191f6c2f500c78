import { ApplicationFailure } from '@temporalio/common';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { failureTypes } from '../../../src/contract/errors.js';
import { createDriver, type Driver } from './driver.js';
import { fails, inTurn, succeeds, type Behaviour } from './fakeHost.js';

let driver: Driver;

beforeAll(async () => {
  driver = await createDriver('real');
});
afterAll(() => driver.stop());

const stumbles: Behaviour = () => Promise.reject(new Error('connection reset'));
const needsSecret =
  (reason: string, isNew = false): Behaviour =>
  () => Promise.reject(ApplicationFailure.nonRetryable(reason, failureTypes.secretNeeded, 'operationalPassphrase', isNew));

test('a transient failure is tried again without asking anyone', async () => {
  const run = await driver.start('steps', { measure: inTurn(stumbles, succeeds) });
  await expect(run.result()).resolves.toMatchObject({ state: 'succeeded' });
  expect(run.done().slice(0, 4)).toEqual(['openRun', 'prepare', 'measure', 'measure']);
  // The same opening: the host sees a further attempt, not a new start.
  expect(run.calls.filter(({ what }) => what === 'measure').map(({ call }) => call.opening)).toEqual([1, 1]);
});

test('a permanent failure parks the run at once; retry starts the step anew', async () => {
  const run = await driver.start('steps', { measure: inTurn(fails, fails, succeeds) });
  await expect(run.asked('measure.failed.1')).resolves.toMatchObject({
    kind: 'parked',
    node: 'measure',
    title: 'Measure failed: the disk is full',
    choices: ['retry', 'rollback'],
  });
  expect((await run.status()).state).toBe('parked');
  expect(await run.node('measure')).toMatchObject({ state: 'failed', note: 'the disk is full' });
  await run.decide('measure.failed.1', 'skip', 'ann', 'no need');
  await run.decide('measure.failed.1', 'retry');
  await run.asked('measure.failed.2');
  await run.decide('measure.failed.1', 'retry');
  await run.decide('measure.failed.2', 'retry');
  await expect(run.result()).resolves.toMatchObject({ state: 'succeeded' });
  expect(run.calls.filter(({ what }) => what === 'measure').map(({ call }) => call.opening)).toEqual([1, 2, 3]);
  expect(await run.outcomes()).toEqual(['not a choice', 'counted', 'not open any more', 'counted']);
  expect(await run.node('measure')).toMatchObject({ state: 'done' });
});

test('a skippable step is skipped with a reason, and is not counted as done', async () => {
  const run = await driver.start('steps', { compare: fails });
  await expect(run.asked('compare.failed.1')).resolves.toMatchObject({ choices: ['retry', 'skip', 'rollback'] });
  await run.decide('compare.failed.1', 'skip');
  await run.decide('compare.failed.1', 'skip', 'ann', 'known noise');
  await expect(run.result()).resolves.toMatchObject({ state: 'succeeded' });
  expect(await run.outcomes()).toEqual(['reason missing', 'counted']);
  expect(await run.node('compare')).toMatchObject({ state: 'skipped', note: 'skipped by ann: known noise' });
  expect(run.calls.at(-1)?.args).toMatchObject({ summary: [['copied', '7']] });
});

test('a run that has its host again from one that came first does not go on asking for what that may have opened', async () => {
  const run = await driver.start('steps', { measure: inTurn(needsSecret('to open the volume'), succeeds) });
  await run.asked('measure.secret.1');
  await run.handle.signal('resumed', { bootId: 'boot-1' });
  await run.asked('measure.secret.1');
  await run.handle.signal('resumed', { bootId: 'boot-1', hasHostAgain: true });
  await expect(run.result()).resolves.toMatchObject({ state: 'succeeded' });
});

test('a secret that is not at hand is asked for, and the step runs again when it is there', async () => {
  const run = await driver.start('steps', {
    prepare: inTurn(needsSecret('the NEW passphrase', true), needsSecret('wrong: once more'), succeeds),
  });
  const first = await run.asked('prepare.secret.1');
  expect(first).toMatchObject({ kind: 'secret', node: 'prepare', title: 'the NEW passphrase', choices: ['provided', 'unavailable'], secret: 'operationalPassphrase', isNewSecret: true });
  expect((await run.status()).state).toBe('waiting');
  await run.decide('prepare.secret.1', 'provided');
  const second = await run.asked('prepare.secret.2');
  expect(second).toMatchObject({ title: 'wrong: once more' });
  expect(second.isNewSecret).toBeUndefined();
  await run.decide('prepare.secret.2', 'provided');
  await expect(run.result()).resolves.toMatchObject({ state: 'succeeded' });
  expect(run.calls.filter(({ what }) => what === 'prepare').map(({ call }) => call.opening)).toEqual([1, 2, 3]);
});

test('a secret that nobody has parks the step that needs it, and never ends the run', async () => {
  const run = await driver.start('steps', { copy: inTurn(needsSecret('the passphrase of the volume'), succeeds) });
  expect(await run.asked('copy.secret.1')).toMatchObject({ reasonFor: ['unavailable'] });
  await run.decide('copy.secret.1', 'unavailable');
  await run.decide('copy.secret.1', 'unavailable', 'ann', 'the safe is empty');
  const parked = await run.asked('copy.failed.1');
  expect(parked.title).toMatch(/the passphrase of the volume: nobody has it, says ann \(the safe is empty\)/);
  expect(parked.choices).toEqual(['retry', 'rollback']);
  await run.decide('copy.failed.1', 'retry');
  await expect(run.result()).resolves.toMatchObject({ state: 'succeeded' });
  expect(await run.outcomes()).toEqual(['reason missing', 'counted', 'counted']);
});

test('a refusal to open the run ends it with the words of the refusal, and the memo says so', async () => {
  const run = await driver.start('steps', {
    openRun: () => Promise.reject(ApplicationFailure.nonRetryable('this host is held by host/rollback', failureTypes.permanent)),
  });
  await expect(run.result()).rejects.toMatchObject({ cause: { cause: { message: 'this host is held by host/rollback' } } });
  expect((await run.handle.describe()).memo).toMatchObject({ lockstep: { state: 'failed' } });
  expect(run.done()).toEqual(['openRun']);
});

test('a record that cannot be written is no reason to lose the run: it parks and is tried again', async () => {
  const run = await driver.start('steps', { closeRun: inTurn(fails, succeeds) });
  await run.asked('close-run.failed.1');
  await run.decide('close-run.failed.1', 'retry');
  await expect(run.result()).resolves.toMatchObject({ state: 'succeeded' });
});

test('a run whose host cannot be made as it wants to leave it ends as the host stands, or goes back, where a person says so', async () => {
  const cannotLeave: Behaviour = (_, args) => ((args as { leaves: readonly string[] }).leaves.length > 0 ? fails(_, args) : Promise.resolve(undefined));
  const left = await driver.start('steps', { closeRun: cannotLeave });
  await expect(left.asked('close-run.failed.1')).resolves.toMatchObject({ choices: ['retry', 'rollback', 'as-it-stands'], title: expect.stringContaining('end the run without what it leaves else (application up)') as unknown });
  await left.decide('close-run.failed.1', 'as-it-stands');
  await left.decide('close-run.failed.1', 'as-it-stands', 'ann', 'the disk is dead');
  await expect(left.result()).resolves.toMatchObject({ state: 'succeeded', outcome: expect.stringMatching(/may lack: application up \(as-it-stands, ann: the disk is dead\)/) as unknown });
  expect(left.calls.at(-1)?.args).toMatchObject({ leaves: [], outcome: expect.stringContaining('may lack') as unknown });

  const back = await driver.start('steps', { closeRun: cannotLeave });
  await back.asked('close-run.failed.1');
  await back.decide('close-run.failed.1', 'rollback', 'ann', 'the disk is dead');
  await expect(back.result()).resolves.toMatchObject({ state: 'rolled back' });
  expect(back.done()).toContain('undo prepare');
});
