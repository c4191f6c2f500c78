import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { sendDecision, signDecision } from '../../src/cli/decision.js';
import { observe } from '../../src/cli/observe.js';
import { findRun, type RunReference } from '../../src/cli/runs.js';
import { workflowTaskQueue } from '../../src/contract/names.js';
import { statementOf } from '../../src/contract/signatures.js';
import { createRun } from '../../src/host/processes/runner.js';
import { createSignatures } from '../../src/host/signatures.js';
import { withDirectory } from '../unit/needsRoot.js';
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

test('a decision is signed for its run, and the signature is recorded with it', () =>
  withDirectory(async (directory) => {
    const tools = createRun();
    await tools('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', `${directory}/key`]);
    const allowedSigners = `${directory}/allowed_signers`;
    await writeFile(allowedSigners, `ann@example.org ${await readFile(`${directory}/key.pub`, 'utf8')}`);
    const decision = { question: 'announced', answer: 'perhaps', by: 'ann', reason: 'größer' };
    const recorded = await sendDecision(environment.client, run, await signDecision(run, decision, `${directory}/key`));
    const { signature = '' } = recorded ?? {};
    const { workflowId, runId } = run;
    const findSigner = (statement: string) => createSignatures({ run: tools }).findSigner({ allowedSigners, directory, statement, signature });
    expect(await findSigner(statementOf({ ...decision, workflowId, runId }))).toBe('ann@example.org');
    expect(await findSigner(statementOf({ ...decision, workflowId, runId: 'another' }))).toBeUndefined();
  }));

test('without a worker the server still tells how the run stands', async () => {
  await workers.stop();
  const seen = await observe(environment.client, run);
  expect(seen.status).toBeUndefined();
  expect(seen).toMatchObject({
    execution: 'RUNNING',
    compact: { state: 'waiting', section: 'Preparation', questions: [{ id: 'announced' }] },
  });
});
