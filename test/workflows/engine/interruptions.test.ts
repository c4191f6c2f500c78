import { ApplicationFailure } from '@temporalio/common';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { failureTypes } from '../../../src/contract/errors.js';
import { createDriver, type Driver } from './driver.js';
import { held, inTurn, succeeds, type Behaviour } from './fakeHost.js';

let driver: Driver;

beforeAll(async () => {
  driver = await createDriver('real');
});
afterAll(() => driver.stop());

const fails: Behaviour = () => Promise.reject(ApplicationFailure.nonRetryable('the volume does not open', failureTypes.permanent));

test('a cancel at a gate becomes a question; continue leaves the gate open', async () => {
  const run = await driver.start('gated');
  await run.asked('ready');
  await run.handle.cancel();
  await expect(run.asked('cancelled')).resolves.toMatchObject({ kind: 'cancelled', choices: ['continue', 'rollback'] });
  expect((await run.status()).state).toBe('parked');
  await run.decide('cancelled', 'continue');
  await expect.poll(async () => (await run.status()).questions.map(({ id }) => id)).toEqual(['ready']);
  expect((await run.status()).state).toBe('waiting');
  await run.decide('ready', 'go');
  await expect(run.result()).resolves.toMatchObject({ state: 'succeeded' });
});

test('a cancel leads back only where a person says so', async () => {
  const run = await driver.start('gated');
  await run.asked('ready');
  await run.handle.cancel();
  await run.asked('cancelled');
  await run.decide('cancelled', 'rollback', 'ann', 'wrong host');
  await expect(run.result()).resolves.toEqual({ state: 'rolled back', outcome: 'cancelled by ann: wrong host' });
  expect(run.done()).toEqual(['openRun', 'measure', 'prepare', 'beginWayBack', 'undo prepare', 'prove', 'closeRun']);
});

test.each(['measure', 'finish'])('a cancel while %s runs lets it end, then asks', async (step) => {
  const { behaviour, release } = held();
  const run = await driver.start('steps', { [step]: behaviour });
  await run.began(step);
  await run.handle.cancel();
  release();
  await run.asked('cancelled');
  expect(run.done().at(-1)).toBe(step);
  await run.decide('cancelled', 'continue');
  await expect(run.result()).resolves.toMatchObject({ state: 'succeeded' });
});

test('a cancel during the way back changes nothing about it', async () => {
  const run = await driver.start('steps', { finish: fails, 'undo copy': inTurn(fails, succeeds) });
  await run.asked('finish.failed.1');
  await run.decide('finish.failed.1', 'rollback', 'ann', 'stop');
  await run.asked('copy.failed.1');
  await run.handle.cancel();
  await run.decide('copy.failed.1', 'retry');
  await expect(run.result()).resolves.toMatchObject({ state: 'rolled back' });
});
