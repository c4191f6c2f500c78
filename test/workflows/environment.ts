import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Client } from '@temporalio/client';
import { defineSearchAttributeKey } from '@temporalio/common';
import proto from '@temporalio/proto';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { bundleWorkflowCode, DefaultLogger, Runtime, Worker, type WorkflowBundle } from '@temporalio/worker';
import { readEnvironment } from '../../src/config/environment.js';
import { hostTaskQueue, searchAttributeNames, workflowTaskQueue } from '../../src/contract/names.js';

const keyword = proto.temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD;

/** A Temporal server for a test file, with its workers. */
export interface TestEnvironment {
  readonly client: Client;
  /** The SDK's own environment, for `sleep` and `currentTimeMs`. */
  readonly temporal: TestWorkflowEnvironment;
  /**
   * Starts the two workers of a host. They poll until they are stopped or the environment ends.
   *
   * @param activities - By name; each gets the envelope first, then what the step gave.
   */
  readonly startWorkers: (options: WorkersOptions) => Promise<TestWorkers>;
  /** Ends the workers, then the server. */
  readonly stop: () => Promise<void>;
}

export interface WorkersOptions {
  readonly bundle: WorkflowBundle;
  readonly host: string;
  readonly activities: object;
}

export interface TestWorkers {
  readonly stop: () => Promise<void>;
}

/**
 * A server that skips time: `handle.result()` and `temporal.sleep` jump over whatever the workflows
 * wait for, days included. It needs java and the test server's jars in Lockstep's cache.
 */
export async function createTestEnvironment(): Promise<TestEnvironment> {
  const directory = await mkdtemp(join(tmpdir(), 'lockstep-test-server-'));
  try {
    const path = await writeTestServerProgram(directory);
    quieten();
    const temporal = await TestWorkflowEnvironment.createTimeSkipping({
      server: { executable: { type: 'existing-path', path } },
    });
    // This server knows how to add them and not how to list them.
    await temporal.connection.operatorService.addSearchAttributes({
      namespace: 'default',
      searchAttributes: Object.fromEntries(Object.values(searchAttributeNames).map((name) => [name, keyword])),
    });
    return toTestEnvironment(temporal);
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** The real dev server in memory, for what the time-skipping one cannot do: visibility, schedules, real time. */
export async function createDevEnvironment(): Promise<TestEnvironment> {
  const path = findTemporalProgram();
  quieten();
  const temporal = await TestWorkflowEnvironment.createLocal({
    server: {
      executable: { type: 'existing-path', path },
      searchAttributes: Object.values(searchAttributeNames).map((name) => defineSearchAttributeKey(name, 'KEYWORD')),
    },
  });
  return toTestEnvironment(temporal);
}

/** The `temporal` program in Lockstep's cache. */
export function findTemporalProgram(): string {
  return findInCache(['bin/temporal']);
}

/**
 * Bundles workflows for tests, with the project's payload converter.
 *
 * @param workflowsUrl - The module that exports workflow functions, as `new URL('./x.ts', import.meta.url)`.
 */
export async function bundleForTest(workflowsUrl: URL): Promise<WorkflowBundle> {
  return bundleWorkflowCode({
    workflowsPath: fileURLToPath(workflowsUrl),
    payloadConverterPath: fileURLToPath(new URL('../../src/workflows/payloadConverter.ts', import.meta.url)),
    logger: new DefaultLogger('ERROR'),
  });
}

function toTestEnvironment(temporal: TestWorkflowEnvironment): TestEnvironment {
  const started: TestWorkers[] = [];
  return {
    client: temporal.client,
    temporal,
    async startWorkers(options) {
      const workers = await startWorkers(temporal, options);
      started.push(workers);
      return workers;
    },
    async stop() {
      await Promise.all(started.map((workers) => workers.stop()));
      await temporal.teardown();
    },
  };
}

async function startWorkers(temporal: TestWorkflowEnvironment, { bundle, host, activities }: WorkersOptions): Promise<TestWorkers> {
  const connection = temporal.nativeConnection;
  const workers = [
    await Worker.create({ connection, taskQueue: workflowTaskQueue, workflowBundle: bundle, stickyQueueScheduleToStartTimeout: '1s' }),
    await Worker.create({ connection, taskQueue: hostTaskQueue(host), activities, maxHeartbeatThrottleInterval: '1s' }),
  ];
  const running = Promise.all(workers.map((worker) => worker.run()));
  let stopped: Promise<unknown> | undefined;
  return {
    async stop() {
      stopped ??= Promise.resolve().then(() => {
        for (const worker of workers) worker.shutdown();
        return running;
      });
      await stopped;
    },
  };
}

/**
 * The test server is a set of jars; the SDK starts one program with a port. No flag that enables
 * skipping: with it time also skips while the test itself thinks, past every question's answer.
 */
async function writeTestServerProgram(directory: string): Promise<string> {
  const jars = findInCache(['test-server/lib']);
  const program = join(directory, 'test-server');
  await writeFile(
    program,
    `#!/bin/sh\nexec java -cp '${jars}/*' io.temporal.testserver.TestServer "$@" >/dev/null 2>&1\n`,
  );
  await chmod(program, 0o755);
  return program;
}

function findInCache(candidates: readonly string[]): string {
  const { cacheDirectory } = readEnvironment();
  const paths = candidates.map((candidate) => join(cacheDirectory, candidate));
  const found = paths.find((path) => existsSync(path));
  if (found === undefined) throw new Error(`none of ${paths.join(', ')} exists; run the project's set-up command first`);
  return found;
}

let quiet = false;

/** A runtime is installed once in a process. */
function quieten(): void {
  if (quiet) return;
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  quiet = true;
}
