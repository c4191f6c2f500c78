import type { WorkflowHandle } from '@temporalio/client';
import { expect } from 'vitest';
import { queryNames, signalNames, workflowTaskQueue } from '../../../src/contract/names.js';
import type { OpenQuestion, RecordedDecision } from '../../../src/contract/questions.js';
import type { NodeStatus, RunStatus } from '../../../src/contract/status.js';
import type { RunResult } from '../../../src/contract/status.js';
import { bundleForTest } from '../compiled.js';
import { createDevEnvironment, createTestEnvironment, type TestEnvironment } from '../environment.js';
import { createFakeHost, type Called, type Script, type Told } from './fakeHost.js';

/** One run of a test runbook on the fake host, as a person sees it. */
export interface DrivenRun {
  readonly handle: WorkflowHandle;
  /** What the host was asked, in order. */
  readonly calls: readonly Called[];
  /** The same, named: `copy`, `undo copy`, `closeRun`. */
  readonly done: () => readonly string[];
  /** What people were told, in order. */
  readonly told: readonly Told[];
  readonly status: () => Promise<RunStatus>;
  readonly node: (id: string) => Promise<NodeStatus | undefined>;
  readonly outcomes: () => Promise<readonly RecordedDecision['outcome'][]>;
  /** Sends a decision, in any form. */
  readonly send: (decision: unknown) => Promise<void>;
  readonly decide: (question: string, answer: string, by?: string, reason?: string) => Promise<void>;
  /** Waits until a question is open. */
  readonly asked: (question: string) => Promise<OpenQuestion>;
  /** Waits until the host was asked for it that many times. */
  readonly began: (what: string, times?: number) => Promise<void>;
  /** Ends only with the run; in an environment that skips time it skips whatever the run waits for. */
  readonly result: () => Promise<RunResult>;
}

/** A server, its workers, and a fake host named `host`. */
export interface Driver {
  readonly environment: TestEnvironment;
  readonly start: (runbook: string, script?: Script, input?: unknown) => Promise<DrivenRun>;
  /** Lets a run come that another one begins. @returns What it asks the host for, as it does. */
  readonly prepare: (workflowId: string, script?: Script) => readonly Called[];
  readonly workers: { readonly stop: () => Promise<void>; readonly start: () => Promise<void> };
  readonly stop: () => Promise<void>;
}

const patience = { timeout: 15_000, interval: 20 };

/** Which workflows are driven, and what their host answers. */
export interface Driven {
  readonly workflows: URL;
  readonly answers: Readonly<Record<string, unknown>>;
  /** The worker replays a run at each of its tasks: the server that skips time asks one that has gone for ever what a run is like. */
  readonly forgets?: true;
}

/**
 * @param kind - `skipping` where a test waits for days, `real` for everything else: it is the server that users run.
 * @param driven - Default: the engine's test runbooks.
 */
export async function createDriver(kind: 'skipping' | 'real', driven?: Driven): Promise<Driver> {
  const [environment, bundle] = await Promise.all([
    kind === 'skipping' ? createTestEnvironment() : createDevEnvironment(),
    bundleForTest(driven?.workflows ?? new URL('./runbooks/workflows.ts', import.meta.url)),
  ]);
  const host = createFakeHost(driven?.answers);
  const startWorkers = () => environment.startWorkers({ bundle, host: 'host', activities: host.activities, ...(driven?.forgets === true ? { workflowWorker: { maxCachedWorkflows: 0 } } : {}) });
  let workers = await startWorkers();
  let count = 0;
  return {
    environment,
    workers: {
      stop: () => workers.stop(),
      async start() {
        workers = await startWorkers();
      },
    },
    async stop() {
      host.stop();
      await environment.stop();
    },
    prepare: (workflowId, script = {}) => host.prepare(workflowId, script).calls,
    async start(runbook, script = {}, input = { host: 'host', startedBy: 'starter' }) {
      count += 1;
      const workflowId = `host/${runbook}-${count}`;
      const seen = host.prepare(workflowId, script);
      const handle = await environment.client.workflow.start(runbook, { taskQueue: workflowTaskQueue, workflowId, args: [input] });
      return drive(handle, seen);
    },
  };
}

function drive(handle: WorkflowHandle, { calls, told }: Pick<DrivenRun, 'calls' | 'told'>): DrivenRun {
  const status = () => handle.query<RunStatus>(queryNames.status);
  const send = (decision: unknown) => handle.signal(signalNames.decide, decision);
  const done = () => calls.map(({ what }) => what);
  return {
    handle,
    calls,
    told,
    done,
    status,
    send,
    node: async (id) => (await status()).nodes.find((node) => node.id === id),
    outcomes: async () => (await status()).decisions.map(({ outcome }) => outcome),
    decide: (question, answer, by = 'ann', reason) => send({ question, answer, by, ...(reason === undefined ? {} : { reason }) }),
    async asked(question) {
      let found: OpenQuestion | undefined;
      await expect
        .poll(async () => {
          const { questions } = await status();
          found = questions.find(({ id }) => id === question);
          return questions.map(({ id }) => id);
        }, patience)
        .toContain(question);
      if (!found) throw new Error(`${question} is not open`);
      return found;
    },
    async began(what, times = 1) {
      await expect.poll(() => done().filter((each) => each === what).length, patience).toBeGreaterThanOrEqual(times);
    },
    result: () => handle.result() as Promise<RunResult>,
  };
}
