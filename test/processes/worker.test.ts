import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest';
import { queryNames, signalNames, workflowTaskQueue } from '../../src/contract/names.js';
import type { RunStatus } from '../../src/contract/status.js';
import { bundleForTest, compileForTest } from '../workflows/compiled.js';
import { createDevEnvironment, type TestEnvironment } from '../workflows/environment.js';
import { findFreePort } from '../workflows/freePort.js';
import type { ToyWorkerOptions } from './workerMain.js';

let environment: TestEnvironment;
let directory: string;
let main: string;
let bundlePath: string;
const workers: ChildProcess[] = [];

beforeAll(async () => {
  environment = await createDevEnvironment();
  directory = await mkdtemp(join(tmpdir(), 'lockstep-worker-'));
  main = await compileForTest(new URL('./workerMain.ts', import.meta.url));
  bundlePath = (await bundleForTest(new URL('../workflows/toy/workflows.ts', import.meta.url))).codePath;
});
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => end(worker, 'SIGKILL')));
});
afterAll(async () => {
  await environment.stop();
  await rm(directory, { recursive: true });
});

function startWorker(host: string, more: Partial<ToyWorkerOptions> = {}) {
  const options: ToyWorkerOptions = {
    port: inject('temporalPort'),
    namespace: environment.namespace,
    host,
    bundlePath,
    stateDirectory: directory,
    copySeconds: 0.1,
    ...more,
  };
  const worker = spawn(process.execPath, [main, JSON.stringify(options)], { stdio: ['ignore', 'ignore', 'pipe'] });
  workers.push(worker);
  let log = '';
  worker.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
  return { worker, log: () => log, serving: () => expect.poll(() => log, { timeout: 15_000 }).toContain(`serving ${host}`) };
}

async function end(worker: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (worker.exitCode !== null || worker.signalCode !== null) return worker.exitCode;
  const exit = once(worker, 'exit') as Promise<[number | null]>;
  worker.kill(signal);
  return (await exit)[0];
}

async function startToy(host: string) {
  const run = await environment.client.workflow.start('toy', { taskQueue: workflowTaskQueue, workflowId: `${host}/toy`, args: [{ host }] });
  const status = () => run.query<RunStatus>(queryNames.status);
  const answer = (question: string, answer: string) => run.signal(signalNames.decide, { question, answer, by: 'ann' });
  const open = () => status().then(({ questions }) => questions.map(({ id }) => id), () => []);
  return { run, status, answer, open };
}

/** A run that waits for its questions, and whose worker has ended. */
async function leaveOpenRun(host: string) {
  const first = startWorker(host);
  await first.serving();
  const { open, run } = await startToy(host);
  await expect.poll(open, { timeout: 5000 }).toEqual(['announced', 'ready']);
  await end(first.worker, 'SIGTERM');
  return run;
}

test('what a killed worker left open runs again at once, not after its heartbeat times out', async () => {
  const first = startWorker('h3', { copySeconds: 600 });
  await first.serving();
  const { run, status, answer, open } = await startToy('h3');
  await expect.poll(open, { timeout: 5000 }).toEqual(['announced', 'ready']);
  await answer('announced', 'acknowledged');
  await answer('ready', 'go');
  await expect.poll(async () => (await status()).nodes.find(({ id }) => id === 'copy')?.state, { timeout: 5000 }).toBe('running');
  // A step counts as running from when it is due; its worker is at it once there is a heartbeat.
  await expect.poll(async () => (await run.describe()).raw.pendingActivities?.[0]?.heartbeatDetails, { timeout: 5000 }).toBeTruthy();
  await end(first.worker, 'SIGKILL');

  const second = startWorker('h3');
  await second.serving();
  const began = Date.now();
  await expect(run.result()).resolves.toMatchObject({ state: 'succeeded' });
  expect(Date.now() - began).toBeLessThan(8000);
  expect(second.log()).toContain('ended an attempt whose worker is dead');
  expect(second.log(), 'its own bundle made the run: nobody waits for a replay').not.toContain('open runs fit this version');
  expect(await end(second.worker, 'SIGTERM')).toBe(0);
});

test('a worker says that it is up once it serves', async () => {
  const { log, serving } = startWorker('h8');
  await serving();
  await expect.poll(log).toContain('told that it is up');
});

test('a worker whose socket has no place makes one, and says why where it cannot', async () => {
  const fresh = join(directory, 'not', 'there');
  await startWorker('host-fresh', { stateDirectory: fresh }).serving();
  expect((await stat(fresh)).mode & 0o777).toBe(0o700);
  const file = join(directory, 'a-file');
  await writeFile(file, '');
  const { worker, log } = startWorker('host-blocked', { stateDirectory: file });
  await expect.poll(() => worker.exitCode, { timeout: 15_000 }).toBe(1);
  expect(log()).toContain(file);
});

test('a second worker of a host refuses to start', async () => {
  const first = startWorker('h4');
  await first.serving();
  const second = startWorker('h4');
  await expect.poll(() => second.worker.exitCode, { timeout: 10_000 }).toBe(1);
  expect(second.log()).toContain('another worker for h4 runs on this machine');
});

test('a worker whose bundle does not fit an open run refuses to start and names it', async () => {
  const run = await leaveOpenRun('h5');

  const other = await bundleForTest(new URL('../workflows/toy/otherWorkflows.ts', import.meta.url));
  const second = startWorker('h5', { bundlePath: other.codePath });
  await expect.poll(() => second.worker.exitCode, { timeout: 15_000 }).toBe(1);
  expect(second.log()).toContain(`run ${run.firstExecutionRunId} of h5/toy does not fit this version`);
  expect(second.log()).not.toContain('told that it is up');
  await run.terminate('end of the test');
});

test('a worker with another bundle replays what is open before it serves', async () => {
  const run = await leaveOpenRun('h9');

  const another = join(directory, 'another.bundle.js');
  await writeFile(another, `${await readFile(bundlePath, 'utf8')}\n`);
  const second = startWorker('h9', { bundlePath: another });
  await second.serving();
  expect(second.log()).toContain('open runs fit this version');
  await run.terminate('end of the test');
});

test('a worker that still waits for its server ends when it is told to', async () => {
  const waiting = startWorker('h7', { port: await findFreePort() });
  await expect.poll(waiting.log, { timeout: 15_000 }).toContain('told that it is up');
  expect(waiting.log()).toContain('the worker goes on trying');
  expect(await end(waiting.worker, 'SIGTERM')).toBe(0);
});
