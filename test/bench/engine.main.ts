import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { WorkflowHandle } from '@temporalio/client';
import { createActivities, createSecretVault } from '../../src/activities/index.js';
import { median } from '../../src/activities/watch/verdict.js';
import { workflowTaskQueue } from '../../src/contract/names.js';
import type { RunRecord } from '../../src/contract/record.js';
import { createRun } from '../../src/host/processes/runner.js';
import { connectClient } from '../../src/worker/connection.js';
import { createLog, installRuntime } from '../../src/worker/log.js';
import { startTemporalServer } from '../../src/worker/temporalServer.js';
import { runWorker } from '../../src/worker/worker.js';
import { bundleForTest } from '../workflows/compiled.js';
import { findFreePort } from '../workflows/freePort.js';
import { findTemporalProgram } from '../workflows/programs.js';

/**
 * Measures the engine's own share on this machine, as root: the time between two steps, beside the time
 * between two activities of a workflow that has no engine. Server, worker, wrapper, journal and audit log
 * are the real ones.
 */
const host = 'bench';
const rounds = 5;
const directory = await mkdtemp(join(tmpdir(), 'lockstep-bench-'));
const configPath = join(directory, 'lockstep.yaml');
await mkdir(join(directory, 'state'));
await writeFile(configPath, `host: ${host}\nstateDirectory: ${directory}/state\nauditLog: ${directory}/audit.log\nbackup: { directory: ${directory}/none }\n`, { mode: 0o600 });
const log = createLog('warn');
const runtime = installRuntime(log);
const run = createRun();
const program = { path: findTemporalProgram(), version: '', from: '' };
const server = await startTemporalServer({ run, program, directory: join(directory, 'temporal'), port: await findFreePort() });
const bundle = await bundleForTest(new URL('./workflows.ts', import.meta.url));
const vault = createSecretVault(60_000);
const ending = new AbortController();
const serving = runWorker(
  {
    ...{ host, bootId: 'boot-1', bundle, vault, log, server: server.settings },
    createActivities: async ({ isRunning }) => ({
      ...(await createActivities({ configPath, lockstepVersion: 'bench', vault, isRunning, host, raiseAlert: () => Promise.resolve() })),
      nothing: () => Promise.resolve(),
    }),
    secretSocketPath: join(directory, 'secrets.sock'),
    readClaim: () => Promise.resolve(undefined),
    readCalls: () => Promise.resolve(0),
    tellUp: () => Promise.resolve(),
  },
  ending.signal,
);
const { client, connection } = await connectClient(server.settings, 30);

const between: Record<'bare' | 'bench', number[]> = { bare: [], bench: [] };
const recorded: number[] = [];
for (let round = 0; round <= rounds; round += 1) {
  for (const name of ['bare', 'bench'] as const) {
    const handle = await client.workflow.start(name, { taskQueue: workflowTaskQueue, workflowId: `${host}/${name}-${round}`, args: [{ host }] });
    await handle.result();
    // The first round warms everything up.
    if (round === 0) continue;
    between[name].push(median(await readGaps(handle)));
    if (name === 'bench') recorded.push((await readRecord(handle.firstExecutionRunId)).engine.medianMillisecondsBetweenSteps);
  }
}
const show = (values: readonly number[]) => `${median(values).toFixed(1)} ms (${Math.min(...values).toFixed(1)} to ${Math.max(...values).toFixed(1)})`;
process.stdout.write(
  [
    `between two steps, as the run record has it       ${show(recorded)}`,
    `between two steps, as the server saw it           ${show(between.bench)}`,
    `between two bare activities, as the server saw it ${show(between.bare)}`,
    `engine against bare, by the server, round by round ${between.bench.map((value, index) => (value / (between.bare[index] ?? 1)).toFixed(2)).join(' ')}`,
    '',
  ].join('\n'),
);

await connection.close();
ending.abort();
await serving;
await server.stop();
await runtime.close();
await rm(directory, { recursive: true });

/** Milliseconds from each activity's end to the next one's start, by the server's clock. */
async function readGaps(handle: WorkflowHandle): Promise<readonly number[]> {
  const { events } = await handle.fetchHistory();
  const gaps: number[] = [];
  let ended: number | undefined;
  for (const { eventTime, activityTaskStartedEventAttributes: started, activityTaskCompletedEventAttributes: completed } of events ?? []) {
    const at = Number(eventTime?.seconds ?? 0) * 1000 + (eventTime?.nanos ?? 0) / 1e6;
    if (started && ended !== undefined) gaps.push(at - ended);
    if (completed) ended = at;
  }
  return gaps;
}

async function readRecord(runId: string): Promise<RunRecord> {
  return JSON.parse(await readFile(join(directory, 'state', 'runs', `bench-${runId}`, 'record.json'), 'utf8')) as RunRecord;
}
