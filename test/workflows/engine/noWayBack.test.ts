import { ApplicationFailure } from '@temporalio/activity';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { failureTypes } from '../../../src/contract/errors.js';
import { signalNames } from '../../../src/contract/names.js';
import { createDriver, type Driver } from './driver.js';
import { inTurn, openedWith } from './fakeHost.js';

let driver: Driver;

beforeAll(async () => {
  driver = await createDriver('real');
});
afterAll(() => driver.stop());

const refuse = () => Promise.reject(ApplicationFailure.nonRetryable('somebody has it open', failureTypes.permanent));

test.each(['no-go', 'rollback'] as const)('%s before what can not be undone leaves the host as it is', async (way) => {
  const run = await driver.start('final');
  await run.asked('sure');
  if (way === 'no-go') await run.decide('sure', 'no-go', 'ann', 'not yet');
  else await run.handle.signal(signalNames.rollback, { by: 'ann', reason: 'not yet' });
  await expect(run.result()).resolves.toEqual({ state: 'stopped', outcome: expect.stringMatching(/not yet\. The host stays as it is/) as unknown });
  expect(run.done()).toEqual(['openRun', 'measure', 'closeRun']);
});

test('a step before it that fails can still be left', async () => {
  const run = await driver.start('final', { measure: refuse });
  expect((await run.asked('measure.failed.1')).choices).toEqual(['retry', 'rollback']);
  await run.decide('measure.failed.1', 'rollback', 'ann', 'seen');
  await expect(run.result()).resolves.toMatchObject({ state: 'stopped' });
});

test('from its beginning on neither rollback nor cancel turns the run back, and a failure is tried again or left with a reason', async () => {
  let mayFail: () => void = () => undefined;
  const failing = new Promise<void>((resolve) => (mayFail = resolve));
  const run = await driver.start('final', { remove: inTurn(() => failing.then(refuse), () => Promise.resolve({ figure: 1 })) });
  await run.asked('sure');
  await run.decide('sure', 'go');
  await run.began('remove');
  await run.handle.signal(signalNames.rollback, { by: 'ann', reason: 'wait' });
  await run.handle.cancel();
  mayFail();
  expect((await run.asked('remove.failed.1')).choices).toEqual(['retry', 'skip']);
  await run.decide('remove.failed.1', 'retry');
  await expect(run.result()).resolves.toMatchObject({ state: 'succeeded' });
  expect(run.done()).toEqual(['openRun', 'measure', 'remove', 'remove', 'finish', 'closeRun']);
  expect(await run.outcomes()).toEqual(['counted', 'not open any more', 'counted']);
});

test('how many must agree follows from the settings that the run recorded', async () => {
  const run = await driver.start('final', { openRun: openedWith({ decommissionPeople: 2 }) });
  expect(await run.asked('sure')).toMatchObject({ people: 2, agreed: [] });
  await run.decide('sure', 'go', 'ann');
  await run.decide('sure', 'go', 'ann');
  expect((await run.asked('sure')).agreed).toEqual(['ann']);
  await run.decide('sure', 'go', 'ben');
  await expect(run.result()).resolves.toMatchObject({ state: 'succeeded' });
});

test('what is never undone is left as it is, whenever the run is left', async () => {
  const run = await driver.start('forward', { finish: refuse });
  expect((await run.asked('finish.failed.1')).choices).toEqual(['retry', 'rollback']);
  await run.handle.signal(signalNames.rollback, { by: 'ann', reason: 'by hand' });
  await expect(run.result()).resolves.toEqual({ state: 'stopped', outcome: 'rollback asked for by ann: by hand. The host stays as it is' });
  expect(run.done()).toEqual(['openRun', 'measure', 'finish', 'closeRun']);
});
