import { ApplicationFailure } from '@temporalio/common';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { failureTypes } from '../../../src/contract/errors.js';
import { createDriver, type DrivenRun, type Driver } from './driver.js';
import { inTurn } from './fakeHost.js';

let driver: Driver;

beforeAll(async () => {
  driver = await createDriver('real');
});
afterAll(() => driver.stop());

const decisions = (run: DrivenRun) => run.calls.map(({ what, call }) => [what, call.news.decisions.map(({ question, answer }) => `${question}: ${answer}`)]);
const nodes = (run: DrivenRun) => run.calls.map(({ what, call }) => [what, call.news.nodes.map(({ id, state }) => `${id} ${state}`)]);

test('decisions and outcomes reach the host once, with the next call', async () => {
  const run = await driver.start('gated');
  await run.asked('ready');
  await run.decide('elsewhere', 'go');
  await run.decide('ready', 'go');
  await run.result();
  expect(decisions(run)).toEqual([
    ['openRun', []],
    ['measure', []],
    ['prepare', []],
    ['finish', ['elsewhere: go', 'ready: go']],
    ['closeRun', []],
  ]);
  expect(nodes(run)).toEqual([
    ['openRun', []],
    ['measure', []],
    ['prepare', ['measure done']],
    ['finish', ['prepare done', 'ready done']],
    ['closeRun', ['finish done']],
  ]);
  expect(run.calls[2]?.call.news.nodes[0]).toEqual({ id: 'measure', title: 'Measure', plan: '1', state: 'done', facts: [['figure', '7']] });
});

test('what a failed call carried is carried again: the host may not have got as far as writing it down', async () => {
  const fails = () => Promise.reject(ApplicationFailure.nonRetryable('lockstep.yaml does not exist', failureTypes.permanent));
  const run = await driver.start('gated', { finish: inTurn(fails, () => Promise.resolve({ figure: 7 })) });
  await run.asked('ready');
  await run.decide('ready', 'go');
  await run.asked('finish.failed.1');
  await run.decide('finish.failed.1', 'retry');
  await run.result();
  expect(decisions(run).slice(3)).toEqual([
    ['finish', ['ready: go']],
    ['finish', ['ready: go', 'finish.failed.1: retry']],
    ['closeRun', []],
  ]);
  expect(nodes(run).slice(3)).toEqual([
    ['finish', ['prepare done', 'ready done']],
    ['finish', ['prepare done', 'ready done', 'finish failed']],
    ['closeRun', ['finish done']],
  ]);
});
