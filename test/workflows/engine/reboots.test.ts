import { ApplicationFailure } from '@temporalio/common';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { failureTypes } from '../../../src/contract/errors.js';
import { signalNames } from '../../../src/contract/names.js';
import { createDriver, type DrivenRun, type Driver } from './driver.js';
import { held, inTurn, succeeds, type Behaviour } from './fakeHost.js';

let driver: Driver;

beforeAll(async () => {
  driver = await createDriver('real');
});
afterAll(() => driver.stop());

const fails: Behaviour = () => Promise.reject(ApplicationFailure.nonRetryable('the volume does not open', failureTypes.permanent));
const isLocked: Behaviour = () => Promise.reject(ApplicationFailure.nonRetryable('the volume is locked', failureTypes.secretNeeded, 'operationalPassphrase', false));
const reboot = (run: DrivenRun, bootId: string) => run.handle.signal(signalNames.resumed, { bootId });
const ensured = (run: DrivenRun) => run.calls.filter(({ what }) => what === 'ensureConditions').map(({ call }) => call.requires);
const open = async (run: DrivenRun) => (await run.status()).questions.map(({ id }) => id);

test('after a reboot an open gate gets its conditions back, once for each boot', async () => {
  const run = await driver.start('gated');
  await run.asked('ready');
  await reboot(run, 'boot-1');
  await reboot(run, 'boot-2');
  await run.began('ensureConditions');
  expect(ensured(run)).toEqual([['volume open', 'database up']]);
  await reboot(run, 'boot-2');
  await reboot(run, 'boot-3');
  await run.began('ensureConditions', 2);
  expect(ensured(run)).toHaveLength(2);
  expect(await run.node('ready')).toMatchObject({ state: 'open' });
  await run.decide('ready', 'go');
  await expect(run.result()).resolves.toMatchObject({ state: 'succeeded' });
});

test('a worker that starts again on the same boot changes nothing', async () => {
  const run = await driver.start('gated');
  await run.asked('ready');
  await reboot(run, 'boot-1');
  await run.decide('ready', 'go');
  await expect(run.result()).resolves.toMatchObject({ state: 'succeeded' });
  expect(ensured(run)).toEqual([]);
});

test('of several open questions each gets the conditions that it names', async () => {
  const run = await driver.start('together');
  await run.asked('ready');
  await reboot(run, 'boot-2');
  await run.began('ensureConditions');
  expect(ensured(run)).toEqual([['database up']]);
  await run.handle.terminate();
});

test('a reboot while a question about a cancel lies over a gate is not forgotten', async () => {
  const run = await driver.start('gated');
  await run.asked('ready');
  await run.handle.cancel();
  await run.asked('cancelled');
  await reboot(run, 'boot-2');
  await run.decide('cancelled', 'continue');
  await run.began('ensureConditions');
  expect(ensured(run)).toEqual([['volume open', 'database up']]);
  await run.handle.terminate();
});

test('conditions that cannot be put right park the gate, which stays open', async () => {
  const run = await driver.start('gated', { ensureConditions: inTurn(fails, succeeds) });
  await run.asked('ready');
  await reboot(run, 'boot-2');
  await run.asked('ready.failed.1');
  await run.decide('ready.failed.1', 'retry');
  await run.began('ensureConditions', 2);
  await expect.poll(() => open(run)).toEqual(['ready']);
  expect(await run.node('ready')).toMatchObject({ state: 'open' });
  await run.decide('ready', 'go');
  await expect(run.result()).resolves.toMatchObject({ state: 'succeeded' });
});

test('a step that is parked has its conditions put right after a reboot, so that the service does not stay down until somebody answers', async () => {
  const run = await driver.start('steps', { copy: inTurn(fails, succeeds) });
  await run.asked('copy.failed.1');
  await reboot(run, 'boot-2');
  await run.began('ensureConditions');
  expect(ensured(run)).toEqual([['volume open']]);
  expect(await open(run)).toEqual(['copy.failed.1']);
  // Under the step's own name its journal would say that it had ended well, and whoever goes on with the run would pass it over.
  expect(run.calls.filter(({ what }) => what === 'ensureConditions').map(({ call }) => call.node)).toEqual(['copy.conditions']);
  await run.decide('copy.failed.1', 'retry');
  await expect(run.result()).resolves.toMatchObject({ state: 'succeeded' });
});

test.each([
  [{}, [['application up']]],
  [{ carryOverBegun: true }, []],
  [{ undoBegun: true }, []],
] as const)('past the point of no return a reboot makes the service run again while somebody decides, unless a way back has stopped it: %o', async (begun, expected) => {
  const run = await driver.start('steps', { finish: fails, beginWayBack: () => Promise.resolve({ toUndo: ['prepare'], usersMayWriteSince: '2026-10-01T21:00:00.000Z', ...begun }) });
  await run.asked('finish.failed.1');
  await run.decide('finish.failed.1', 'rollback', 'ann', 'too slow');
  await run.asked('past-the-point-of-no-return');
  await reboot(run, 'boot-2');
  if (expected.length > 0) await run.began('ensureConditions');
  await run.decide('past-the-point-of-no-return', 'stop', 'ann', 'seen');
  await expect(run.result()).resolves.toMatchObject({ state: 'stopped' });
  expect(ensured(run)).toEqual(expected);
});

test('a gate answered while its conditions are put right waits for them', async () => {
  const { behaviour, release } = held();
  const run = await driver.start('gated', { ensureConditions: behaviour });
  await run.asked('ready');
  await reboot(run, 'boot-2');
  await run.began('ensureConditions');
  await run.decide('ready', 'go');
  await expect.poll(async () => await run.outcomes()).toEqual(['counted']);
  expect(run.done()).not.toContain('finish');
  release();
  await expect(run.result()).resolves.toMatchObject({ state: 'succeeded' });
});

test('a gate answered with go waits for the passphrase that its conditions ask for', async () => {
  const run = await driver.start('gated', { ensureConditions: inTurn(isLocked, succeeds) });
  await run.asked('ready');
  await reboot(run, 'boot-2');
  await run.asked('ready.secret.1');
  await run.decide('ready', 'go');
  await expect.poll(() => open(run)).toEqual(['ready.secret.1']);
  expect(run.done()).not.toContain('finish');
  await run.decide('ready.secret.1', 'provided');
  await expect(run.result()).resolves.toMatchObject({ state: 'succeeded' });
});

test.each([
  ['the passphrase is asked for', isLocked, 'ready.secret.1'],
  ['they cannot be put right', fails, 'ready.failed.1'],
] as const)('a no-go at a gate needs no more of its conditions, where %s', async (_, behaviour, question) => {
  const run = await driver.start('gated', { ensureConditions: behaviour });
  await run.asked('ready');
  await reboot(run, 'boot-2');
  await run.asked(question);
  await run.decide('ready', 'no-go', 'ann', 'not tonight');
  await expect(run.result()).resolves.toMatchObject({ state: 'rolled back', outcome: expect.stringMatching(/no-go at .*not tonight/) as string });
  expect(ensured(run)).toHaveLength(1);
});

test('a way back chosen at a parked step does not wait for the passphrase that its conditions ask for', async () => {
  const run = await driver.start('steps', { copy: fails, ensureConditions: isLocked });
  await run.asked('copy.failed.1');
  await reboot(run, 'boot-2');
  await run.asked('copy.secret.1');
  await run.decide('copy.failed.1', 'rollback', 'ann', 'the safe is locked');
  await expect(run.result()).resolves.toMatchObject({ state: 'rolled back', outcome: expect.stringMatching(/the safe is locked/) as string });
  expect(await run.node('copy')).toMatchObject({ state: 'undone' });
});

test('conditions that are at work when the way back is chosen are waited for, and their failure asks nobody', async () => {
  const { behaviour, release } = held();
  const run = await driver.start('gated', { ensureConditions: (...call) => behaviour(...call).then(() => fails(...call)) });
  await run.asked('ready');
  await reboot(run, 'boot-2');
  await run.began('ensureConditions');
  await run.decide('ready', 'no-go', 'ann', 'not tonight');
  await expect.poll(() => run.outcomes()).toEqual(['counted']);
  expect(run.calls.map(({ what }) => what)).not.toContain('beginWayBack');
  release();
  await expect(run.result()).resolves.toMatchObject({ state: 'rolled back' });
  expect(await run.node('ready')).toMatchObject({ state: 'failed', note: 'no-go, ann: not tonight' });
});

test('a step tried again after a reboot asks for the passphrase once', async () => {
  const run = await driver.start('steps', { copy: inTurn(fails, succeeds), ensureConditions: inTurn(isLocked, succeeds) });
  await run.asked('copy.failed.1');
  await reboot(run, 'boot-2');
  await run.asked('copy.secret.1');
  await run.decide('copy.failed.1', 'retry');
  await expect.poll(() => open(run)).toEqual(['copy.secret.1']);
  await run.decide('copy.secret.1', 'provided');
  await expect(run.result()).resolves.toMatchObject({ state: 'succeeded' });
});

test('conditions at work are ended where the way back is chosen: what cannot come true is not tried out to its end', async () => {
  const run = await driver.start('gated', { ensureConditions: () => Promise.reject(new Error('the daemon does not answer')) });
  await run.asked('ready');
  await reboot(run, 'boot-2');
  await run.began('ensureConditions', 2);
  await run.decide('ready', 'no-go', 'ann', 'not tonight');
  await expect(run.result()).resolves.toMatchObject({ state: 'rolled back' });
  expect(ensured(run).length).toBeLessThan(6);
});

test('where users may have written, whoever turns back before a reboot is put right is asked what becomes of that, and the service is put right meanwhile', async () => {
  const mark = () => Promise.resolve({ toUndo: ['prepare'], usersMayWriteSince: '2026-10-01T21:00:00.000Z' });
  const run = await driver.start('steps', { copy: inTurn(fails, succeeds), beginWayBack: mark, ensureConditions: inTurn(isLocked, isLocked, succeeds) });
  await run.asked('copy.failed.1');
  await reboot(run, 'boot-2');
  await run.asked('copy.secret.1');
  await run.decide('copy.failed.1', 'rollback', 'ann', 'too slow');
  await run.asked('past-the-point-of-no-return');
  await run.asked('begin-way-back.secret.1');
  expect(ensured(run)).toEqual([['volume open'], ['application up']]);
  await run.decide('past-the-point-of-no-return', 'continue');
  await expect.poll(() => open(run)).toEqual(['begin-way-back.secret.1']);
  await run.decide('begin-way-back.secret.1', 'provided');
  await expect(run.result()).resolves.toMatchObject({ state: 'succeeded' });
  expect(ensured(run)).toHaveLength(3);
});

test('a gate that was answered keeps who said so, whatever its conditions come to', async () => {
  const { behaviour, release } = held();
  const run = await driver.start('gated', { ensureConditions: inTurn((...call) => behaviour(...call).then(() => fails(...call)), succeeds) });
  await run.asked('ready');
  await reboot(run, 'boot-2');
  await run.began('ensureConditions');
  await run.decide('ready', 'go');
  await expect.poll(() => run.outcomes()).toEqual(['counted']);
  release();
  await run.asked('ready.failed.1');
  expect(await run.node('ready')).toMatchObject({ state: 'done', note: 'go, ann' });
  await run.decide('ready.failed.1', 'retry');
  await expect(run.result()).resolves.toMatchObject({ state: 'succeeded' });
  expect(await run.node('ready')).toMatchObject({ state: 'done', note: 'go, ann' });
});

test('a run that cannot end as it wants to leaves its host put right after a reboot', async () => {
  const run = await driver.start('steps', { closeRun: inTurn(fails, succeeds) });
  await run.asked('close-run.failed.1');
  await reboot(run, 'boot-2');
  await run.began('ensureConditions');
  expect(ensured(run)).toEqual([['application up']]);
  await run.decide('close-run.failed.1', 'retry');
  await expect(run.result()).resolves.toMatchObject({ state: 'succeeded' });
});
