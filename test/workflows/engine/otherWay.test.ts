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

const failsOnFirstWay: Behaviour = (call, args) => ((args as { given?: string } | undefined)?.given === 'spare' ? succeeds(call, args) : fails(call, args));

test('an undo that failed may be gone about in its other way, by name and with a reason, and the way back goes on', async () => {
  const run = await driver.start('twoWaysBack', { beginWayBack: () => Promise.resolve({ toUndo: ['prepare', 'stop'] }), 'undo stop': failsOnFirstWay });
  await run.asked('ready');
  await run.decide('ready', 'no-go', 'ann', 'not yet');
  expect(await run.asked('stop.failed.1')).toMatchObject({
    title: 'Start the old one failed: the disk is full. use-spare: Start the spare one',
    choices: ['retry', 'skip', 'use-spare'],
    reasonFor: expect.arrayContaining(['use-spare']) as unknown,
  });
  await run.decide('stop.failed.1', 'use-spare');
  await run.decide('stop.failed.1', 'use-spare', 'ann', 'it is broken');
  await expect(run.result()).resolves.toEqual({ state: 'rolled back', outcome: 'no-go at "Go on?" by ann: not yet' });
  expect(run.done().slice(run.done().indexOf('beginWayBack'))).toEqual(['beginWayBack', 'undo stop', 'undo stop', 'undo prepare', 'prove', 'closeRun']);
  const ways = run.calls.filter(({ what }) => what === 'undo stop');
  expect(ways.map(({ call: { title, phase } }) => [title, phase])).toEqual([['Start the old one', 'undo'], ['Start the spare one', 'undo']]);
  expect(ways[1]?.call.opening).toBeGreaterThan(ways[0]?.call.opening ?? 0);
  expect(await run.node('stop')).toMatchObject({ state: 'undone', note: 'use-spare, ann: it is broken' });
  expect(await run.outcomes()).toEqual(['counted', 'reason missing', 'counted']);
});

test('the other way that fails can be tried again, skipped, or left for the first one', async () => {
  const run = await driver.start('twoWaysBack', { 'undo stop': inTurn(fails, fails, fails, succeeds) });
  await run.asked('ready');
  await run.decide('ready', 'no-go', 'ann', 'not yet');
  await run.asked('stop.failed.1');
  await run.decide('stop.failed.1', 'use-spare', 'ann', 'it is broken');
  expect(await run.asked('stop.failed.2')).toMatchObject({ title: 'Start the spare one failed: the disk is full. first-way: Start the old one', choices: ['retry', 'skip', 'first-way'] });
  await run.decide('stop.failed.2', 'retry');
  await run.asked('stop.failed.3');
  await run.decide('stop.failed.3', 'first-way', 'ann', 'it is mended');
  await expect(run.result()).resolves.toMatchObject({ state: 'rolled back', outcome: expect.not.stringContaining('NOT undone') as unknown });
  expect(run.calls.filter(({ what }) => what === 'undo stop').map(({ call }) => call.title)).toEqual(['Start the old one', 'Start the spare one', 'Start the spare one', 'Start the old one']);
});

test.each([
  ['carry-over', ['retry', 'skip']],
  ['discard-writes', ['retry', 'skip', 'use-spare']],
])('after %s a failed undo offers %j: the other way lacks what was carried over', async (answer, choices) => {
  const toUndo = ['stop'];
  const run = await driver.start('twoWaysBack', { beginWayBack: () => Promise.resolve({ toUndo, usersMayWriteSince: '2026-11-01T20:00:00.000Z' }), 'undo stop': inTurn(fails, succeeds) });
  await run.asked('ready');
  await run.decide('ready', 'no-go', 'ann', 'too slow');
  await run.asked('past-the-point-of-no-return');
  await run.decide('past-the-point-of-no-return', answer, 'ann', 'agreed');
  expect((await run.asked('stop.failed.1')).choices).toEqual(choices);
  await run.decide('stop.failed.1', 'retry');
  await expect(run.result()).resolves.toMatchObject({ state: 'rolled back' });
});

test('where a copy turns out to lack writes once something is undone, there is no going on: they are carried over anew, or given up', async () => {
  const since = '2026-11-01T20:00:00.000Z';
  const run = await driver.start('twoWaysBack', {
    beginWayBack: inTurn(
      () => Promise.resolve({ toUndo: ['prepare', 'stop'], usersMayWriteSince: since }),
      () => Promise.resolve({ toUndo: ['prepare', 'stop'], usersMayWriteSince: since, undoBegun: true }),
    ),
    'undo stop': inTurn(() => Promise.reject(ApplicationFailure.nonRetryable('the copy is void', failureTypes.carryOverVoid, [['copy', 'void']])), succeeds),
  });
  await run.asked('ready');
  await run.decide('ready', 'no-go', 'ann', 'too slow');
  await run.asked('past-the-point-of-no-return');
  await run.decide('past-the-point-of-no-return', 'carry-over');
  expect(await run.asked('past-the-point-of-no-return.2')).toMatchObject({ choices: ['carry-over', 'discard-writes'], evidence: [['copy', 'void']], recommended: 'carry-over', title: expect.stringMatching(/^the copy is void\. (?!.*stop:)/) as unknown });
  await run.decide('past-the-point-of-no-return.2', 'carry-over');
  await expect(run.result()).resolves.toMatchObject({ state: 'rolled back' });
  const done = run.done();
  expect(done.slice(done.indexOf('beginWayBack'))).toEqual(['beginWayBack', 'save', 'exchange', 'undo stop', 'beginWayBack', 'save', 'exchange', 'undo stop', 'undo prepare', 'prove', 'closeRun']);
});

test('any other failure of an undo after a carry-over asks a person, however the way back was come to', async () => {
  const run = await driver.start('twoWaysBack', {
    beginWayBack: () => Promise.resolve({ toUndo: ['stop'], carriedOver: true }),
    'undo stop': inTurn(() => Promise.reject(ApplicationFailure.nonRetryable('3 figures differ', failureTypes.rollbackTrigger, [['figures', '3']])), succeeds),
  });
  await run.asked('ready');
  await run.decide('ready', 'no-go', 'ann', 'too slow');
  expect((await run.asked('stop.failed.1')).choices).toEqual(['retry', 'skip']);
  await run.decide('stop.failed.1', 'retry');
  await expect(run.result()).resolves.toMatchObject({ state: 'rolled back' });
});

test('what an earlier way back has carried over counts as carried over', async () => {
  const run = await driver.start('twoWaysBack', { beginWayBack: () => Promise.resolve({ toUndo: ['stop'], carriedOver: true }), 'undo stop': inTurn(fails, succeeds) });
  await run.asked('ready');
  await run.decide('ready', 'no-go', 'ann', 'too slow');
  expect((await run.asked('stop.failed.1')).choices).toEqual(['retry', 'skip']);
  await run.decide('stop.failed.1', 'retry');
  await expect(run.result()).resolves.toMatchObject({ state: 'rolled back' });
});
