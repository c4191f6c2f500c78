import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApplicationFailure, heartbeat } from '@temporalio/activity';
import type { Claim } from '../../src/activities/wrapper/claim.js';
import { createSecretVault } from '../../src/activities/wrapper/secretVault.js';
import type { Call } from '../../src/contract/calls.js';
import { failureTypes } from '../../src/contract/errors.js';
import type { Progress } from '../../src/contract/status.js';
import { createRun } from '../../src/host/processes/runner.js';
import { localServer } from '../../src/worker/connection.js';
import { disableCoreDumps } from '../../src/worker/coreDumps.js';
import { createLog, installRuntime } from '../../src/worker/log.js';
import { runWorker } from '../../src/worker/worker.js';
import { createToyActivities } from '../workflows/toy/activities.js';

/** What this process is told, as one JSON argument: a worker of the toy runbook, to be killed by tests. */
export interface ToyWorkerOptions {
  readonly port: number;
  readonly namespace: string;
  readonly host: string;
  readonly bundlePath: string;
  readonly stateDirectory: string;
  readonly copySeconds: number;
  /** The first step wants this passphrase; typed anew where it is wrong. */
  readonly passphrase?: string;
}

const options = JSON.parse(process.argv[2] ?? '{}') as ToyWorkerOptions;
const log = createLog();
const runtime = installRuntime(log);
const ending = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => ending.abort());

const vault = createSecretVault(60_000);
let claim: Claim | undefined;

function measure(): Promise<unknown> {
  const given = vault.get('operationalPassphrase')?.value.toString('utf8');
  if (options.passphrase === undefined || given === options.passphrase) return Promise.resolve({ sizeBytes: 1_750_000_000 });
  const reason = `The operational passphrase${given === undefined ? '' : ', again: the one that was given opens no key slot'}`;
  throw ApplicationFailure.create({ message: reason, type: failureTypes.secretNeeded, details: ['operationalPassphrase', true] });
}

async function copy(): Promise<unknown> {
  const total = 1_750_000_000;
  const began = Date.now();
  for (let part = 0; part < 1; part = (Date.now() - began) / 1000 / options.copySeconds) {
    const progress: Progress = { phase: 'copying', done: total * part, total, unit: 'bytes', rate: total / options.copySeconds };
    heartbeat(progress);
    await sleep(100);
  }
  return { files: 5012 };
}

function openRun(call: Call, { nodes }: { readonly nodes: readonly string[] }): Promise<unknown> {
  claim = { workflowId: call.workflowId, runId: call.runId, runbook: call.runbook, startedBy: call.startedBy, takenAt: '' };
  return createToyActivities().activities['openRun']?.(call, { nodes } as never) ?? Promise.reject(new Error('no openRun'));
}

await disableCoreDumps(createRun());
await runWorker(
  {
    host: options.host,
    bootId: 'boot-1',
    server: localServer(options.port, options.namespace),
    bundle: { codePath: options.bundlePath },
    createActivities: () => Promise.resolve(createToyActivities({ measure, copy, openRun: openRun as never }).activities),
    vault,
    secretSocketPath: join(options.stateDirectory, 'secrets.sock'),
    readClaim: () => Promise.resolve(claim),
    readCalls: () => Promise.resolve(0),
    tellUp: () => {
      log.info('told that it is up');
      return Promise.resolve();
    },
    log,
  },
  ending.signal,
);
await runtime.close();
