import type { Client } from '@temporalio/client';
import { expect, test } from 'vitest';
import { findRun, findRunAhead, nameAmongOpen } from '../../../src/cli/runs.js';

interface Listed {
  readonly type: string;
  readonly workflowId?: string;
  readonly open: boolean;
}

/** A server that knows these runs of db1, the newest first. */
function serverWith(runs: readonly Listed[]): Client {
  async function* list({ query }: { query: string }) {
    const found = runs.filter(({ open }) => open === query.includes("ExecutionStatus = 'Running'"));
    yield* await Promise.resolve(found.map(({ type, workflowId = `db1/${type}` }, at) => ({ type, workflowId, runId: `run-${type}`, startTime: new Date(-at) })));
  }
  return { workflow: { list } } as unknown as Client;
}

test('the open run is meant, else the last', async () => {
  const client = serverWith([{ type: 'migrate', open: false }, { type: 'rollback', open: true }]);
  expect((await findRun(client, 'db1')).runbook).toBe('rollback');
  expect((await findRun(client, 'db1', 'migrate')).runId).toBe('run-migrate');
});

test('where several are open, it is said how one is named', async () => {
  const client = serverWith([{ type: 'migrate', open: true }, { type: 'rollback', open: true }]);
  await expect(findRun(client, 'db1')).rejects.toMatchObject({ exitCode: 2, message: 'several runs are open on db1; name the one that is meant: --run migrate or --run rollback' });
  const naming = (run: string) => `lockstep watch ${run} --host db1`;
  await expect(findRun(client, 'db1', undefined, { naming })).rejects.toThrow('lockstep watch migrate --host db1 or lockstep watch rollback --host db1');
});

test('of several of one runbook the whole id is named', async () => {
  const client = serverWith([{ type: 'migrate', open: true }, { type: 'migrate', workflowId: 'db1/again', open: true }]);
  await expect(findRun(client, 'db1', 'migrate')).rejects.toThrow('--run db1/migrate or --run db1/again');
  await expect(findRun(client, 'db1')).rejects.toThrow('--run db1/migrate or --run db1/again');
});

test('also where nobody has named one: a planned rotation, and one that came first', async () => {
  const client = serverWith([{ type: 'migrate', open: true }, { type: 'rotateKey', open: true }, { type: 'rotateKey', workflowId: 'db1/rotateKey-emergency', open: true }]);
  await expect(findRun(client, 'db1')).rejects.toThrow('--run migrate or --run db1/rotateKey or --run db1/rotateKey-emergency');
});

test('what is to be typed names the run where several are open, and only there', async () => {
  const nameOf = (runs: readonly Listed[]) => nameAmongOpen(serverWith(runs), { workflowId: 'db1/rotateKey', runId: 'run-rotateKey', runbook: 'rotateKey', host: 'db1' });
  const rotation = { type: 'rotateKey', open: true };
  expect(await nameOf([rotation, { type: 'migrate', open: false }])).toBeUndefined();
  expect(await nameOf([rotation, { type: 'migrate', open: true }])).toBe('rotateKey');
  expect(await nameOf([rotation, { type: 'rotateKey', workflowId: 'db1/rotateKey-emergency', open: true }])).toBe('db1/rotateKey');
  expect(await nameOf([{ type: 'migrate', open: true }])).toBeUndefined();
});

test('where there is none, it is said what to type', async () => {
  await expect(findRun(serverWith([]), 'db1', undefined, { flags: ' --host db1' })).rejects.toThrow('there is no run on db1; begin one with "lockstep start migrate --host db1"');
  await expect(findRun(serverWith([]), 'db1', 'rollback')).rejects.toThrow('there is no run of rollback on db1; begin one with "lockstep start rollback"');
  await expect(findRun(serverWith([]), 'db1', 'db1/x')).rejects.toThrow('there is no run db1/x on db1; "lockstep status" shows the last one');
});

test('a run is told of one that comes first on its host, but for one that holds none, or comes first itself', async () => {
  const aheadOf = (runbook: string, runs: readonly Listed[]) => findRunAhead(serverWith(runs), { workflowId: `db1/${runbook}`, runId: `run-${runbook}`, runbook, host: 'db1' });
  const emergency = { type: 'rotateKey', workflowId: 'db1/rotateKey-emergency', open: true };
  expect(await aheadOf('migrate', [emergency])).toBe('db1/rotateKey-emergency');
  expect(await aheadOf('rotateKey', [{ type: 'emergencyAccess', open: true }])).toBe('db1/emergencyAccess');
  expect(await aheadOf('migrate', [{ type: 'rotateKey', open: true }, { ...emergency, open: false }])).toBeUndefined();
  expect(await aheadOf('respondToCompromise', [emergency])).toBeUndefined();
  expect(await aheadOf('emergencyAccess', [emergency])).toBeUndefined();
});
