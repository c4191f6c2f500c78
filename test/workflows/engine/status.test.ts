import { afterAll, beforeAll, expect, test } from 'vitest';
import { memoKey, searchAttributeNames } from '../../../src/contract/names.js';
import { createDriver, type DrivenRun, type Driver } from './driver.js';

let driver: Driver;

beforeAll(async () => {
  driver = await createDriver('real');
});
afterAll(() => driver.stop());

const page = async (run: DrivenRun) => (await run.handle.query<{ currentDetails: string }>('__temporal_workflow_metadata')).currentDetails;

test('memo and search attributes tell state and question while no worker runs', async () => {
  const run = await driver.start('gated');
  await run.asked('ready');
  await driver.workers.stop();
  const waiting = await run.handle.describe();
  expect(waiting.memo?.[memoKey]).toMatchObject({
    state: 'waiting',
    section: 'First',
    done: 2,
    of: 4,
    questions: [{ id: 'ready', title: 'Go on?', choices: ['go', 'no-go'] }],
  });
  expect(waiting.typedSearchAttributes.getAll()).toEqual(
    expect.arrayContaining(
      Object.entries({ host: 'host', runbook: 'gated', state: 'waiting', question: 'ready' }).map(
        ([name, value]) => expect.objectContaining({ key: expect.objectContaining({ name: searchAttributeNames[name as keyof typeof searchAttributeNames] }) as object, value }) as object,
      ),
    ),
  );
  await driver.workers.start();
  await run.decide('ready', 'go');
  await run.result();
  const { memo, typedSearchAttributes } = await run.handle.describe();
  expect(memo?.[memoKey]).toMatchObject({ state: 'succeeded', done: 4, questions: [] });
  expect(typedSearchAttributes.getAll().find(({ key }) => key.name === searchAttributeNames.question)).toBeUndefined();
});

test('runs are found by what they wait for', async () => {
  const run = await driver.start('people');
  await run.asked('two');
  const found: string[] = [];
  await expect
    .poll(async () => {
      const query = `${searchAttributeNames.question} = 'two' AND ${searchAttributeNames.host} = 'host'`;
      for await (const { workflowId } of driver.environment.client.workflow.list({ query })) found.push(workflowId);
      return found;
    }, { timeout: 10_000 })
    .toContain(run.handle.workflowId);
  await run.handle.terminate();
});

test('the page in the UI shows the question, what to send, and every step', async () => {
  const run = await driver.start('gated');
  await run.asked('ready');
  const shown = await page(run);
  expect(shown).toContain('**gated** on **host**: **waiting**');
  expect(shown).toContain('{"question": "ready", "answer": "go | no-go", "by": "your name", "reason": "why"}');
  expect(shown).toContain('| ✔ | Measure | 1 | figure 7 |');
  expect(shown).toContain('| · | Finish | 3 |  |');
  await run.handle.terminate();
});

test('the page of the longest run stays under 20 kB, whatever the alphabet, and keeps its questions', async () => {
  const run = await driver.start('long');
  for (let index = 0; index < 9; index += 1) {
    await run.asked(`question-${index}`);
    await run.decide(`question-${index}`, 'go');
  }
  await run.asked('question-9');
  const shown = await page(run);
  expect(Buffer.byteLength(shown)).toBeLessThan(20_000);
  expect(shown).toContain('"question": "question-9"');
  await run.handle.terminate();
});
