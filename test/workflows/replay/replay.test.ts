import { Worker } from '@temporalio/worker';
import { beforeAll, expect, test } from 'vitest';
import type { Bundle } from '../../../src/worker/replay.js';
import { bundleForTest } from '../compiled.js';
import { quietenRuntime } from '../quietRuntime.js';
import { readHistories, type HistoryJson, type SavedHistory } from './histories.js';

let bundle: Bundle;
const histories = await readHistories();

beforeAll(async () => {
  quietenRuntime();
  bundle = await bundleForTest(new URL('./workflows.ts', import.meta.url));
});

const replay = (history: HistoryJson) => Worker.runReplayHistory({ workflowBundle: bundle }, history);

test('there is a history of each shape', () => {
  expect(histories.map(({ name }) => name)).toEqual([
    ...['decommissionPlaintext', 'decommissionPlaintext-no-go', 'decommissionPlaintext-parked'],
    ...['gated-past-no-return', 'incident', 'migrate', 'migrate-carried-over', 'migrate-caught-up', 'migrate-going-back-parked', 'migrate-parked', 'migrate-restored', 'migrate-rolled-back'],
    ...['rollback', 'rollback-no-go', 'rollback-parked', 'shutdown', 'shutdown-rolled-back', 'startup', 'startup-left', 'steps', 'together-rolled-back', 'two-ways-back'],
  ]);
});

test.each(histories)('$name replays', async ({ history }) => {
  await replay(history);
});

test('a runbook that has become longer, in another order, still fits runs that are under way', async () => {
  await replay(asWorkflow('stepsReorderedAndLonger'));
});

test.each([
  ['lacks a node that was passed', 'stepsWithoutCopy', 'node copy of this run is not known to this version'],
  ['asks where it acted', 'stepsWithQuestion', 'Nondeterminism'],
  ['calls another activity', 'stepsWithOtherCall', 'Nondeterminism'],
])('a version that %s does not fit, and the replay says so', async (_, workflow, words) => {
  await expect(replay(asWorkflow(workflow))).rejects.toThrow(words);
});

/** The history of `steps`, as if another version of it had to go on with it. */
function asWorkflow(name: string): HistoryJson {
  const saved: SavedHistory | undefined = histories.find((each) => each.name === 'steps');
  if (!saved) throw new Error('the history of steps is missing');
  const history = structuredClone(saved.history);
  const [first] = history.events;
  if (first?.workflowExecutionStartedEventAttributes) first.workflowExecutionStartedEventAttributes.workflowType.name = name;
  return history;
}
