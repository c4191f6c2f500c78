import { afterAll, beforeAll, expect, test } from 'vitest';
import { queryNames, signalNames, workflowTaskQueue } from '../../src/contract/names.js';
import type { RunStatus } from '../../src/contract/status.js';
import { bundleForTest } from './compiled.js';
import { createDevEnvironment, type TestEnvironment } from './environment.js';
import { createToyActivities } from './toy/activities.js';

let environment: TestEnvironment;

beforeAll(async () => {
  environment = await createDevEnvironment();
  const bundle = await bundleForTest(new URL('./toy/workflows.ts', import.meta.url));
  await environment.startWorkers({ bundle, host: 'h2', activities: createToyActivities().activities });
});
afterAll(() => environment.stop());

const bytes = (text: string) => new TextEncoder().encode(text);
const payload = (encoding: string, data: string) => ({ metadata: { encoding: bytes(encoding) }, data: bytes(data) });

test('a signal whose bytes are no JSON is recorded and changes nothing', async () => {
  const { client, namespace } = environment;
  const run = await client.workflow.start('toy', { taskQueue: workflowTaskQueue, workflowId: 'h2/toy', args: [{ host: 'h2' }] });
  const status = () => run.query<RunStatus>(queryNames.status);
  await expect.poll(async () => (await status()).questions.length, { timeout: 5000 }).toBe(2);
  for (const [encoding, data] of [
    ['json/plain', '{"question": "ready", "answer": go}'],
    ['no/such-encoding', 'x'.repeat(500)],
  ] as const) {
    await client.workflowService.signalWorkflowExecution({
      namespace,
      workflowExecution: { workflowId: 'h2/toy' },
      signalName: signalNames.decide,
      input: { payloads: [payload(encoding, data)] },
    });
  }
  await client.workflowService.signalWorkflowExecution({
    namespace,
    workflowExecution: { workflowId: 'h2/toy' },
    signalName: signalNames.decide,
    input: { payloads: [{}] },
  });
  await expect.poll(async () => (await status()).decisions.length, { timeout: 5000 }).toBe(3);
  const after = await status();
  expect(after.decisions.map(({ outcome, reason }) => [outcome, reason])).toEqual([
    ['malformed', JSON.stringify({ notJson: '{"question": "ready", "answer": go}' })],
    ['malformed', JSON.stringify({ notJson: 'x'.repeat(200) })],
    ['malformed', JSON.stringify({ notJson: '' })],
  ]);
  expect(after.questions).toHaveLength(2);
});

test('an input whose bytes are no JSON fails the run with words, not its task for ever', async () => {
  const { client, namespace } = environment;
  await client.workflowService.startWorkflowExecution({
    namespace,
    workflowId: 'h2/raw',
    workflowType: { name: 'toy' },
    taskQueue: { name: workflowTaskQueue },
    input: { payloads: [payload('json/plain', 'host: h2')] },
    requestId: 'raw-1',
  });
  await expect(client.workflow.getHandle('h2/raw').result()).rejects.toMatchObject({ cause: { type: 'InvalidInput' } });
});
