import { afterAll, beforeAll, expect, it } from 'vitest';
import { answerUntilEnd, goEverywhere } from '../../src/rehearsal/answers.js';
import { isIntact } from '../../src/rehearsal/clientVerdict.js';
import type { Rehearsal } from '../../src/rehearsal/rehearsal.js';
import { openTestHost, readRecord, refusalOf, startMigration, waitFor } from './host.js';

let rehearsal: Rehearsal;
beforeAll(async () => {
  rehearsal = await openTestHost('e2e-lost-server');
  await rehearsal.startWorker();
  await rehearsal.startSending();
});
afterAll(() => rehearsal.close());

/** With the database stopped and copied, the server loses everything that it knew of the run. */
it('a migration whose server lost its database is gone on with from the journal, where it stood', async () => {
  const lost = await startMigration(rehearsal);
  const answering = answerUntilEnd({ rehearsal, handle: lost }, (question, status) =>
    // It stays open: nobody answers before the server is lost.
    question.id === 'verification' ? Promise.resolve(undefined) : goEverywhere(question, status),
  ).catch(() => undefined);
  await waitFor(lost, ({ questions }) => questions.some(({ id }) => id === 'verification'));
  await rehearsal.loseServer();
  await answering;
  await rehearsal.killWorker();

  expect(await refusalOf(await startMigration(rehearsal))).toMatch(/was left by rehearsal\/migrate.*which is closed.*start migrate --resume/s);
  const asked: string[] = [];
  const handle = await startMigration(rehearsal, { resume: true });
  const result = await answerUntilEnd<{ state: string }>({ rehearsal, handle }, (question, status) => {
    asked.push(question.id);
    return goEverywhere(question, status);
  });
  expect(result.state).toBe('succeeded');
  // What was answered for the lost run, before its last step, is not asked again.
  expect(asked[0]).toBe('verification');
  expect(isIntact(await rehearsal.finishSending())).toBe(true);
  const record = await readRecord(rehearsal, handle.runId);
  expect(record.nodes.find(({ id }) => id === 'copy-data')).toMatchObject({ state: 'done', note: 'by the run that this one goes on with' });
  expect(record.nodes.find(({ id }) => id === 'verify-rows')?.state).toBe('done');
  expect(await refusalOf(await startMigration(rehearsal, { resume: true }))).toMatch(/ended as succeeded: there is nothing to go on with/);
});
