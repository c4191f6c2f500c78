import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { sendDecision } from '../../src/cli/decision.js';
import { observe } from '../../src/cli/observe.js';
import { findRun, type RunReference } from '../../src/cli/runs.js';
import { workflowTaskQueue } from '../../src/contract/names.js';
import { bundleForTest } from './compiled.js';
import { createDevEnvironment, type TestEnvironment, type TestWorkers } from './environment.js';
import { createToyActivities } from './toy/activities.js';

let environment: TestEnvironment;
let workers: TestWorkers;
let run: RunReference;

beforeAll(async () => {
  environment = await createDevEnvironment();
  const bundle = await bundleForTest(new URL('./toy/workflows.ts', import.meta.url));
  workers = await environment.startWorkers({ bundle, host: 'h6', activities: createToyActivities().activities });
  await environment.client.workflow.start('toy', { taskQueue: workflowTaskQueue, workflowId: 'h6/toy', args: [{ host: 'h6' }] });
  // A server lists a run a moment after it began.
  run = await vi.waitFor(() => findRun(environment.client, 'h6'), { timeout: 10_000 });
  await vi.waitUntil(async () => (await observe(environment.client, run)).status?.questions.length === 2, { timeout: 10_000 });
});
afterAll(() => environment.stop());

test('the open run of a host is found without naming it, and none on another host', async () => {
  expect(run).toMatchObject({ workflowId: 'h6/toy', runbook: 'toy', host: 'h6' });
  await expect(findRun(environment.client, 'h')).rejects.toThrow('there is no run on h; begin one with');
});

test('what became of a decision is read back', async () => {
  const { client } = environment;
  const go = { question: 'ready', answer: 'go', by: 'ann' };
  await expect(sendDecision(client, run, { ...go, answer: 'perhaps' })).resolves.toMatchObject({ outcome: 'not a choice' });
  await expect(sendDecision(client, run, go)).resolves.toMatchObject({ outcome: 'counted' });
  await expect(sendDecision(client, run, go)).resolves.toMatchObject({ outcome: 'not open any more' });
});

test('without a worker the server still tells how the run stands', async () => {
  await workers.stop();
  const seen = await observe(environment.client, run);
  expect(seen.status).toBeUndefined();
  expect(seen).toMatchObject({
    execution: 'RUNNING',
    compact: { state: 'waiting', section: 'Preparation', questions: [{ id: 'announced' }] },
  });
});
