import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { clientAccount } from '../../../../src/rehearsal/deployment/accounts.js';
import { openJournal, readJournal, type Entry } from '../../../../src/rehearsal/deployment/client/journal.js';
import { sendOperations } from '../../../../src/rehearsal/deployment/client/sending.js';
import { createService } from '../../../../src/rehearsal/deployment/client/service.js';
import { isIntact, verifyOperations } from '../../../../src/rehearsal/deployment/client/verification.js';
import { ensureSampleData } from '../../../../src/rehearsal/deployment/sampleData.js';
import { startPostgres, type PostgresServer } from './postgresServer.js';
import { startApplication, type StartedApplication } from './startApplication.js';

let postgres: PostgresServer;
let application: StartedApplication;
let directory: string;
beforeAll(async () => {
  postgres = await startPostgres();
  await ensureSampleData({ psql: postgres.psql, userCount: 3, operationCount: 30 });
  application = await startApplication(postgres.url);
  directory = await mkdtemp(join(tmpdir(), 'lockstep-client-'));
}, 30_000);
afterAll(async () => {
  await application.remove();
  await postgres.remove();
  await rm(directory, { recursive: true, force: true });
});

it('brings every operation through maintenance, lost answers and the database\'s absence, once', async () => {
  const journalFile = join(directory, 'journal');
  let requests = 0;
  const losingAnswers: typeof fetch = async (...request) => {
    const response = await fetch(...request);
    requests += 1;
    if (requests % 5 === 0) throw new TypeError('the answer was lost');
    return response;
  };
  const service = createService({ url: application.url, account: clientAccount, fetch: losingAnswers });
  const stop = new AbortController();
  const journal = await openJournal(journalFile);
  const sending = sendOperations({ service, journal, stop: stop.signal, intervalMilliseconds: 10 });
  const hasBeen = (kind: Entry['kind'], times: number) =>
    expect.poll(async () => (await readJournal(journalFile)).filter((entry) => entry.kind === kind).length, { timeout: 30_000 }).toBeGreaterThanOrEqual(times);
  await hasBeen('acknowledged', 3);
  await writeFile(application.maintenanceFile, '');
  await hasBeen('refused', 1);
  await postgres.stop();
  await rm(application.maintenanceFile);
  await hasBeen('unanswered', 3);
  await postgres.start();
  await hasBeen('acknowledged', 6);
  stop.abort();
  const summary = await sending;
  await journal.close();
  expect(summary.acknowledged).toBe(summary.sent);
  expect(summary.refused).toBeGreaterThan(0);
  expect(summary.unanswered).toBeGreaterThan(0);

  const honest = createService({ url: application.url, account: clientAccount });
  const entries = await readJournal(journalFile);
  const verification = await verifyOperations({ service: honest, entries });
  expect(verification).toMatchObject({ present: summary.sent, missing: 0, duplicated: 0, altered: 0, unknown: 0 });
  expect(isIntact(verification)).toBe(true);

  const victim = [...(await readFile(journalFile, 'utf8')).matchAll(/client-[\w-]+-\d+/g)].at(-1)?.[0] ?? '';
  await postgres.psql(`DELETE FROM operations WHERE id = '${victim}'`);
  const after = await verifyOperations({ service: honest, entries });
  expect(after).toMatchObject({ missing: 1, examples: [victim] });
  expect(isIntact(after)).toBe(false);
}, 120_000);
