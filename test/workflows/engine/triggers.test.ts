import { ApplicationFailure } from '@temporalio/common';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { failureTypes } from '../../../src/contract/errors.js';
import { signalNames } from '../../../src/contract/names.js';
import { createDriver, type Driver } from './driver.js';
import { inTurn, openedWith, succeeds, type Behaviour } from './fakeHost.js';

let driver: Driver;

beforeAll(async () => {
  driver = await createDriver('real');
});
afterAll(() => driver.stop());

const evidence = [['figures that differ', '3 of 12']];
const triggers: Behaviour = () => Promise.reject(ApplicationFailure.nonRetryable('3 figures differ', failureTypes.rollbackTrigger, evidence));
const past: Behaviour = () => Promise.resolve({ toUndo: ['prepare'], usersMayWriteSince: '2026-11-01T20:00:00.000Z' });
const automatic = openedWith({ automaticRollback: true });

test('a reason to go back parks the run with that recommended and what was measured beside it', async () => {
  const run = await driver.start('steps', { compare: inTurn(triggers, succeeds) });
  expect(await run.asked('compare.failed.1')).toMatchObject({ kind: 'parked', choices: ['retry', 'skip', 'rollback'], recommended: 'rollback', evidence });
  expect(await run.node('compare')).toMatchObject({ state: 'failed', note: '3 figures differ', facts: evidence });
  await run.decide('compare.failed.1', 'retry');
  await expect(run.result()).resolves.toMatchObject({ state: 'succeeded' });
});

test('any other failure recommends nothing', async () => {
  const run = await driver.start('steps', { compare: () => Promise.reject(ApplicationFailure.nonRetryable('the disk is full', failureTypes.permanent)) });
  expect(await run.asked('compare.failed.1')).not.toHaveProperty('recommended');
  await run.decide('compare.failed.1', 'rollback', 'ann', 'enough');
  await run.result();
});

test('a setting makes it go back without asking, told as a decision of the settings', async () => {
  const run = await driver.start('steps', { openRun: automatic, compare: triggers });
  await expect(run.result()).resolves.toMatchObject({ state: 'rolled back', outcome: expect.stringMatching(/^Compare failed \(3 figures differ\); lockstep\.yaml: rollback\.automatic/) as string });
  expect((await run.status()).decisions).toMatchObject([{ question: 'compare.failed.1', answer: 'rollback', by: 'lockstep.yaml', outcome: 'counted' }]);
  expect(run.done().slice(-6)).toEqual(['beginWayBack', 'undo compare', 'undo copy', 'undo prepare', 'prove', 'closeRun']);
});

test('an undo that fails for such a reason is not answered by itself', async () => {
  const run = await driver.start('steps', { openRun: automatic, compare: triggers, 'undo copy': inTurn(triggers, succeeds) });
  expect(await run.asked('copy.failed.1')).toMatchObject({ choices: ['retry', 'skip'], evidence: [] });
  await run.decide('copy.failed.1', 'retry');
  await expect(run.result()).resolves.toMatchObject({ state: 'rolled back' });
});

test('past the point of no return a person decides in any case, with carry-over recommended; who goes on is not overruled', async () => {
  const run = await driver.start('gated', { openRun: automatic, beginWayBack: past, finish: inTurn(triggers, triggers, succeeds) });
  await run.asked('ready');
  await run.decide('ready', 'go');
  expect(await run.asked('past-the-point-of-no-return')).toMatchObject({ recommended: 'carry-over', evidence });
  await run.decide('past-the-point-of-no-return', 'continue');
  expect(await run.asked('finish.failed.2')).toMatchObject({ recommended: 'rollback', evidence });
  await run.decide('finish.failed.2', 'retry');
  await expect(run.result()).resolves.toMatchObject({ state: 'succeeded' });
});

test('a person who asks for the way back gets nothing recommended', async () => {
  const run = await driver.start('gated', { beginWayBack: past });
  await run.asked('ready');
  await run.handle.signal(signalNames.rollback, { by: 'ann', reason: 'users complain' });
  expect(await run.asked('past-the-point-of-no-return')).not.toHaveProperty('recommended');
  await run.decide('past-the-point-of-no-return', 'stop', 'ann', 'enough');
  await run.result();
});
