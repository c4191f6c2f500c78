import { afterAll, beforeAll, expect, test } from 'vitest';
import { queryNames, signalNames, workflowTaskQueue } from '../../src/contract/names.js';
import type { RunStatus } from '../../src/contract/status.js';
import { bundleForTest } from './compiled.js';
import { createTestEnvironment, type TestEnvironment } from './environment.js';
import { createToyActivities } from './toy/activities.js';

let environment: TestEnvironment;

beforeAll(async () => {
  environment = await createTestEnvironment();
});
afterAll(() => environment.stop());

test('a run of the toy runbook waits for its questions, sleeps for days at once, and ends', async () => {
  const windowOpensAt = new Date((await environment.temporal.currentTimeMs()) + 3 * 86_400_000).toISOString();
  const { activities, calls } = createToyActivities({}, { windowOpensAt });
  const bundle = await bundleForTest(new URL('./toy/workflows.ts', import.meta.url));
  await environment.startWorkers({ bundle, host: 'h1', activities });
  const run = await environment.client.workflow.start('toy', {
    taskQueue: workflowTaskQueue,
    workflowId: 'h1/toy',
    args: [{ host: 'h1', startedBy: 'ann' }],
  });
  const status = () => run.query<RunStatus>(queryNames.status);
  await expect.poll(async () => (await status()).questions.map(({ id }) => id)).toEqual(['announced', 'ready']);
  await run.signal(signalNames.decide, { question: 'ready', answer: 'go', by: 'ann' });
  await run.signal(signalNames.decide, { question: 'announced', answer: 'acknowledged', by: 'ben' });

  await expect(run.result()).resolves.toMatchObject({ state: 'succeeded' });
  expect(calls).toEqual(['openRun', 'measure', 'copy', 'switchOver', 'closeRun']);
});
