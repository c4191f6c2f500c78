import { randomUUID } from 'node:crypto';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import proto from '@temporalio/proto';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker, type WorkerOptions } from '@temporalio/worker';
import { inject } from 'vitest';
import { hostTaskQueue, searchAttributeNames, workflowTaskQueue } from '../../src/contract/names.js';
import type { Bundle } from '../../src/worker/replay.js';
import { ensureSearchAttributes } from '../../src/worker/searchAttributes.js';
import { findTestServerJars } from './programs.js';
import { quietenRuntime } from './quietRuntime.js';

const keyword = proto.temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD;

/** A Temporal namespace for a test file, with its workers. */
export interface TestEnvironment {
  readonly client: Client;
  readonly namespace: string;
  /** The SDK's own environment, for `sleep` and `currentTimeMs`. */
  readonly temporal: TestWorkflowEnvironment;
  /**
   * Starts the two workers of a host. They poll until they are stopped or the environment ends.
   *
   * @param activities - By name; each gets the envelope first, then what the step gave.
   */
  readonly startWorkers: (options: WorkersOptions) => Promise<TestWorkers>;
  /** Ends the workers, then the server where it is the file's own. */
  readonly stop: () => Promise<void>;
}

export interface WorkersOptions {
  readonly bundle: Bundle;
  readonly host: string;
  readonly activities: object;
  /** Other settings of the worker that walks the runbooks. */
  readonly workflowWorker?: Pick<WorkerOptions, 'sinks' | 'maxCachedWorkflows'>;
}

export interface TestWorkers {
  readonly stop: () => Promise<void>;
}

/**
 * A server that skips time: `handle.result()` and `temporal.sleep` jump over whatever the workflows
 * wait for, days included. They do so for every run of a server, hence each file has one of its own.
 */
export async function createTestEnvironment(): Promise<TestEnvironment> {
  const directory = await mkdtemp(join(tmpdir(), 'lockstep-test-server-'));
  try {
    const path = await writeTestServerProgram(directory);
    quietenRuntime();
    const temporal = await startPatiently(() => TestWorkflowEnvironment.createTimeSkipping({ server: { executable: { type: 'existing-path', path } } }));
    // This server knows how to add them and not how to list them.
    await temporal.connection.operatorService.addSearchAttributes({
      namespace: 'default',
      searchAttributes: Object.fromEntries(Object.values(searchAttributeNames).map((name) => [name, keyword])),
    });
    return toTestEnvironment(temporal, 'default');
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** A new namespace of the dev server, for what the time-skipping one cannot do: visibility, schedules, real time. */
export async function createDevEnvironment(): Promise<TestEnvironment> {
  quietenRuntime();
  const namespace = randomUUID();
  const address = `127.0.0.1:${inject('temporalPort')}`;
  const temporal = await TestWorkflowEnvironment.createFromExistingServer({ address, namespace });
  await temporal.connection.workflowService.registerNamespace({ namespace, workflowExecutionRetentionPeriod: msToTs('1 day') });
  await ensureSearchAttributes(temporal.connection, namespace);
  return toTestEnvironment(temporal, namespace);
}

function toTestEnvironment(temporal: TestWorkflowEnvironment, namespace: string): TestEnvironment {
  const started: TestWorkers[] = [];
  return {
    client: temporal.client,
    namespace,
    temporal,
    async startWorkers(options) {
      const workers = await startWorkers(temporal, namespace, options);
      started.push(workers);
      return workers;
    },
    async stop() {
      await Promise.all(started.map((workers) => workers.stop()));
      await temporal.teardown();
    },
  };
}

async function startWorkers(temporal: TestWorkflowEnvironment, namespace: string, { bundle, host, activities, workflowWorker }: WorkersOptions): Promise<TestWorkers> {
  const common = { connection: temporal.nativeConnection, namespace };
  const workers = [
    await Worker.create({ ...common, taskQueue: workflowTaskQueue, workflowBundle: bundle, stickyQueueScheduleToStartTimeout: '1s', ...workflowWorker }),
    await Worker.create({ ...common, taskQueue: hostTaskQueue(host), activities, maxHeartbeatThrottleInterval: '1s' }),
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
  const program = join(directory, 'test-server');
  // It lives for seconds: these flags let it start in half the time.
  const flags = '-XX:TieredStopAtLevel=1 -XX:+UseSerialGC';
  await writeFile(
    program,
    `#!/bin/sh\nexec java ${flags} -cp '${findTestServerJars()}/*' io.temporal.testserver.TestServer "$@" >/dev/null 2>&1\n`,
  );
  await chmod(program, 0o755);
  return program;
}

/** The SDK gives such a server 5 s to answer, which is little on a machine where other files run at the same time. */
async function startPatiently<T>(start: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await start();
    } catch (error) {
      if (tries === 5 || !String(error).includes('did not start within')) throw error;
    }
  }
}
