import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { queryNames, signalNames, workflowTaskQueue } from '../../src/contract/names.js';
import type { RunStatus } from '../../src/contract/status.js';
import { createRun } from '../../src/host/processes/runner.js';
import { connectClient } from '../../src/worker/connection.js';
import { startTemporalServer } from '../../src/worker/temporalServer.js';
import { bundleForTest, compileForTest } from '../workflows/compiled.js';
import { findFreePort } from '../workflows/freePort.js';
import { findTemporalProgram } from '../workflows/programs.js';
import type { ToyWorkerOptions } from './workerMain.js';

const program = { path: findTemporalProgram(), version: '', from: 'test' };
const patience = { timeout: 30_000 };

test('a worker that lives while the database of its server is put back goes on with what the server knows then, and not with what it remembers', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'lockstep-restored-'));
  const port = await findFreePort();
  const database = join(directory, 'temporal');
  const start = () => startTemporalServer({ run: createRun(), program, directory: database, port });
  let server = await start();
  const { client, connection } = await connectClient(server.settings);
  const options: ToyWorkerOptions = {
    port,
    namespace: 'default',
    host: 'restored',
    bundlePath: (await bundleForTest(new URL('../workflows/toy/workflows.ts', import.meta.url))).codePath,
    stateDirectory: directory,
    copySeconds: 0.1,
  };
  const worker = spawn(process.execPath, [await compileForTest(new URL('./workerMain.ts', import.meta.url)), JSON.stringify(options)], { stdio: ['ignore', 'ignore', 'pipe'] });
  const exit = once(worker, 'exit');
  let log = '';
  worker.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
  try {
    const run = await client.workflow.start('toy', { taskQueue: workflowTaskQueue, workflowId: 'restored/toy', args: [{ host: 'restored' }] });
    const decide = (question: string, answer: string) => run.signal(signalNames.decide, { question, answer, by: 'ann' });
    const forgotten = () => expect.poll(() => log, patience).toContain('the server went away');
    const asks = (...ids: readonly string[]) =>
      expect.poll(() => run.query<RunStatus>(queryNames.status).then(({ questions }) => questions.map(({ id }) => id), () => undefined), patience).toEqual(ids);
    await asks('announced', 'ready');
    await server.stop();
    await cp(database, `${database}.copy`, { recursive: true });
    server = await start();
    await decide('announced', 'acknowledged');
    await asks('ready');

    log = '';
    await server.stop();
    await rm(database, { recursive: true });
    await forgotten();
    await cp(`${database}.copy`, database, { recursive: true });
    server = await start();
    await decide('ready', 'go');
    await asks('announced');
    await decide('announced', 'acknowledged');
    await expect(run.result()).resolves.toMatchObject({ state: 'succeeded' });
  } finally {
    worker.kill('SIGKILL');
    await exit;
    await connection.close();
    await server.stop();
    await rm(directory, { recursive: true });
  }
});
