import { ApplicationFailure } from '@temporalio/common';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { assertNotBehind } from '../../../src/activities/wrapper/hostAhead.js';
import type { JournalEntry } from '../../../src/activities/wrapper/journal.js';
import { failureTypes, HostAhead } from '../../../src/contract/errors.js';
import type { CaughtUp } from '../../../src/contract/settings.js';
import { createDriver, type Driver } from './driver.js';
import { inTurn, plainSettings, succeeds, type Behaviour } from './fakeHost.js';

let driver: Driver;

beforeAll(async () => {
  driver = await createDriver('real');
});
afterAll(() => driver.stop());

const isAhead =
  (hasEnded = false): Behaviour =>
  () =>
    Promise.reject(ApplicationFailure.nonRetryable('the journal goes on to call 9', failureTypes.hostAhead, hasEnded));
const catchesUp =
  (caughtUp: Partial<CaughtUp>): Behaviour =>
  () =>
    Promise.resolve({ calls: 9, goesBack: false, ...caughtUp });
const reached = (...found: readonly string[]) => ({ reached: { found: found.map((id) => ({ id, result: { figure: 8 } })), begun: found, settings: plainSettings } });

test('where the host is ahead of the history a person is told what it knows, and the run goes on from there', async () => {
  const run = await driver.start('steps', { prepare: isAhead(), catchUp: catchesUp(reached('prepare', 'measure', 'copy')) });
  const question = await run.asked('host-ahead');
  expect(question).toMatchObject({ kind: 'parked', choices: ['continue', 'rollback', 'stop'], reasonFor: ['rollback', 'stop'] });
  expect(question.title).toContain('the journal goes on to call 9');
  await run.decide('host-ahead', 'continue');
  await expect(run.result()).resolves.toMatchObject({ state: 'succeeded' });
  expect(run.done()).toEqual(['openRun', 'prepare', 'catchUp', 'compare', 'finish', 'closeRun']);
  expect(run.calls.find(({ what }) => what === 'catchUp')).toMatchObject({ args: { way: 'on' }, call: { news: { decisions: [{ question: 'host-ahead', answer: 'continue' }] } } });
  expect(await run.node('copy')).toMatchObject({ state: 'done', note: "by the host's journal" });
});

test('each call has a number, which goes on from what the host has counted', async () => {
  const run = await driver.start('steps', { copy: inTurn(isAhead(), succeeds), catchUp: catchesUp(reached('prepare', 'measure')) });
  await run.asked('host-ahead');
  await run.decide('host-ahead', 'continue');
  await run.result();
  expect(run.calls.map(({ what, call }) => [what, call.number])).toEqual([
    ['openRun', undefined],
    ['prepare', 1],
    ['measure', 2],
    ['copy', 3],
    ['catchUp', undefined],
    ['copy', 10],
    ['compare', 11],
    ['finish', 12],
    ['closeRun', 13],
  ]);
});

test('going back, what the journal says was undone already is not undone again', async () => {
  const run = await driver.start('steps', {
    compare: isAhead(),
    catchUp: catchesUp({}),
    beginWayBack: () => Promise.resolve({ toUndo: ['prepare'] }),
  });
  await run.asked('host-ahead');
  await run.decide('host-ahead', 'rollback', 'ann', 'too much has happened');
  await expect(run.result()).resolves.toMatchObject({ state: 'rolled back', outcome: expect.stringContaining('too much has happened') as unknown });
  expect(run.done().filter((what) => what.startsWith('undo'))).toEqual(['undo prepare']);
  expect(run.calls.find(({ what }) => what === 'catchUp')?.args).toEqual({ way: 'back' });
});

test('whoever turned back there and then goes on after all goes on from where the host stands', async () => {
  const run = await driver.start('steps', {
    prepare: isAhead(),
    catchUp: catchesUp(reached('prepare', 'measure', 'copy')),
    beginWayBack: () => Promise.resolve({ toUndo: ['prepare'], usersMayWriteSince: '2026-11-01T20:00:00.000Z' }),
  });
  await run.asked('host-ahead');
  await run.decide('host-ahead', 'rollback', 'ann', 'too much has happened');
  await run.asked('past-the-point-of-no-return');
  await run.decide('past-the-point-of-no-return', 'continue');
  await expect(run.result()).resolves.toMatchObject({ state: 'succeeded' });
  expect(run.done()).toEqual(['openRun', 'prepare', 'catchUp', 'beginWayBack', 'compare', 'finish', 'closeRun']);
});

test('the signal rollback answers it too', async () => {
  const run = await driver.start('steps', { compare: isAhead(), catchUp: catchesUp({}), beginWayBack: () => Promise.resolve({ toUndo: [] }) });
  await run.asked('host-ahead');
  await run.handle.signal('rollback', { by: 'ben', reason: 'enough' });
  await expect(run.result()).resolves.toMatchObject({ state: 'rolled back', outcome: expect.stringMatching(/ben: enough/) as unknown });
  expect(run.done()).toContain('catchUp');
});

test('what was said of the host as it stood then does not answer for the host as it stands now', async () => {
  const aheadBy = (calls: number): Behaviour => () => Promise.reject(ApplicationFailure.nonRetryable('the journal goes on', failureTypes.hostAhead, false, calls));
  const run = await driver.start('steps', { copy: inTurn(aheadBy(9), aheadBy(12), succeeds), catchUp: catchesUp(reached('prepare', 'measure')) });
  await run.asked('host-ahead.9');
  await run.decide('host-ahead.9', 'continue');
  await run.asked('host-ahead.12');
  // As a reset sends it again.
  await run.decide('host-ahead.9', 'continue');
  await expect.poll(run.outcomes).toEqual(['counted', 'not open any more']);
  expect((await run.status()).questions.map(({ id }) => id)).toEqual(['host-ahead.12']);
  await run.decide('host-ahead.12', 'continue');
  await expect(run.result()).resolves.toMatchObject({ state: 'succeeded' });
});

test('a run that a person leaves asks nothing more of the host', async () => {
  const run = await driver.start('steps', { copy: isAhead() });
  await run.asked('host-ahead');
  await run.decide('host-ahead', 'stop', 'ann', 'another run has taken over');
  await expect(run.result()).resolves.toEqual({ state: 'stopped', outcome: expect.stringMatching(/goes on to call 9.*ann: another run has taken over/) as unknown });
  expect(run.done()).toEqual(['openRun', 'prepare', 'measure', 'copy']);
});

test('of a run that has ended on the host there is nothing to choose but its end', async () => {
  const run = await driver.start('steps', { copy: isAhead(true) });
  expect((await run.asked('host-ahead')).choices).toEqual(['stop']);
  await run.decide('host-ahead', 'stop', 'ann', 'it is over');
  await expect(run.result()).resolves.toMatchObject({ state: 'stopped' });
});

test('where the host refuses, the person is asked again, and told why', async () => {
  const refused = () => Promise.reject(ApplicationFailure.nonRetryable('the last run had begun to go back', failureTypes.permanent));
  const run = await driver.start('steps', { copy: inTurn(isAhead(), succeeds), catchUp: inTurn(refused, catchesUp(reached('prepare', 'measure'))) });
  await run.asked('host-ahead');
  await run.decide('host-ahead', 'continue');
  expect((await run.asked('host-ahead.2')).title).toMatch(/^the last run had begun to go back\. the journal goes on to call 9/);
  await run.decide('host-ahead.2', 'continue');
  await expect(run.result()).resolves.toMatchObject({ state: 'succeeded' });
});

test('on the way back it goes on with that, by what the journal says is left to undo', async () => {
  const run = await driver.start('steps', {
    compare: () => Promise.reject(ApplicationFailure.nonRetryable('the copy differs', failureTypes.permanent)),
    beginWayBack: inTurn(() => Promise.resolve({ toUndo: ['prepare', 'copy'] }), () => Promise.resolve({ toUndo: ['prepare'] })),
    'undo copy': isAhead(),
    catchUp: catchesUp({ goesBack: true }),
  });
  await run.asked('compare.failed.1');
  await run.decide('compare.failed.1', 'rollback', 'ann', 'it differs');
  expect((await run.asked('host-ahead')).choices).toEqual(['continue', 'stop']);
  await run.decide('host-ahead', 'continue');
  await expect(run.result()).resolves.toMatchObject({ state: 'rolled back', outcome: expect.stringContaining('it differs') as unknown });
  expect(run.done().slice(-6)).toEqual(['undo copy', 'catchUp', 'beginWayBack', 'undo prepare', 'prove', 'closeRun']);
});

test('a worker that starts tells how far the host is, and nobody has to answer a question of then to learn it', async () => {
  const run = await driver.start('gated', { ensureConditions: isAhead(), catchUp: catchesUp(reached('measure', 'prepare', 'finish')) });
  await run.asked('ready');
  await run.handle.signal('resumed', { bootId: 'boot-1', calls: 2 });
  await run.handle.signal('resumed', { bootId: 'boot-1', calls: 9 });
  await run.asked('host-ahead');
  expect((await run.status()).questions.map(({ id }) => id)).toEqual(['host-ahead']);
  await run.handle.signal('resumed', { bootId: 'boot-1', calls: 9 });
  await run.decide('host-ahead', 'continue');
  await expect(run.result()).resolves.toMatchObject({ state: 'succeeded' });
  expect(run.done()).toEqual(['openRun', 'measure', 'prepare', 'ensureConditions', 'catchUp', 'closeRun']);
  expect(await run.node('ready')).toMatchObject({ state: 'done', note: "by the host's journal" });
});

test('a look at the host is not taken for the one call of a parked step that the history has lost', async () => {
  const retried: JournalEntry = { kind: 'began', at: '2026-11-01T20:00:00Z', attempt: 1, bootId: 'boot-1', number: 4, node: 'copy', title: 'Copy', plan: '5', opening: 2, phase: 'do', undoable: true };
  const asTheHost: Behaviour = async (call) => {
    try {
      assertNotBehind([retried], call);
    } catch (error) {
      if (!(error instanceof HostAhead)) throw error;
      throw ApplicationFailure.nonRetryable(error.message, failureTypes.hostAhead, error.hasEnded, error.calls);
    }
    return Promise.resolve();
  };
  const run = await driver.start('steps', { copy: () => Promise.reject(ApplicationFailure.nonRetryable('no space', failureTypes.permanent)), ensureConditions: asTheHost, catchUp: catchesUp(reached('prepare', 'measure', 'copy')) });
  await run.asked('copy.failed.1');
  await run.handle.signal('resumed', { bootId: 'boot-1', calls: 4 });
  expect((await run.asked('host-ahead.4')).title).toContain('last begun: "Copy"');
  await run.decide('host-ahead.4', 'continue');
  await expect(run.result()).resolves.toMatchObject({ state: 'succeeded' });
  expect(run.calls.find(({ what }) => what === 'ensureConditions')?.call).toMatchObject({ node: 'catch-up', number: 4 });
});
