import { setTimeout as delay } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import type { InjectedSinks } from '@temporalio/worker';
import type { Call } from '../../../../src/contract/calls.js';
import { workflowTaskQueue } from '../../../../src/contract/names.js';
import type { RunResult } from '../../../../src/contract/status.js';
import { bundleForTest } from '../../compiled.js';
import { createDevEnvironment } from '../../environment.js';
import type { Server, ServedRun, Surroundings } from './server.js';
import type { Watching } from './workflows.js';

const engineActs = ['openRun', 'beginWayBack', 'ensureConditions', 'closeRun', 'alertPeople', 'act'] as const;
const patienceMilliseconds = 60_000;

/** The server that users run, in real time, with a worker that forgets most runs between their tasks. */
export async function createRealServer(): Promise<Server> {
  const [environment, bundle] = await Promise.all([createDevEnvironment(), bundleForTest(new URL('./workflows.ts', import.meta.url))]);
  const { client } = environment;
  const runs = new Map<string, Surroundings>();
  const sinks: InjectedSinks<Watching> = {
    memo: { changed: { fn: ({ workflowId }, status) => runs.get(workflowId)?.hear(status), callDuringReplay: false } },
  };
  const activity = (name: string) => async (call: Call, args: unknown) => {
    const run = runs.get(call.workflowId);
    if (!run) throw new Error(`no scenario told of ${call.workflowId}`);
    await run.arrive(name, call, args);
    return run.act(name, call, args);
  };
  await environment.startWorkers({
    bundle,
    host: 'host',
    activities: Object.fromEntries(engineActs.map((name) => [name, activity(name)])),
    // Fewer than there are runs: many tasks begin with a replay, as after a crash.
    workflowWorker: { sinks, maxCachedWorkflows: 5 },
  });
  let count = 0;

  return {
    stop: () => environment.stop(),
    async start(workflowType, args, surroundings): Promise<ServedRun> {
      const workflowId = `generated-${(count += 1)}`;
      runs.set(workflowId, surroundings);
      const handle: WorkflowHandle = await client.workflow.start(workflowType, { taskQueue: workflowTaskQueue, workflowId, args: [...args] });
      let lost = false;
      return {
        signal: (name, argument) => unlessOver(handle.signal(name, argument)),
        cancel: () => unlessOver(handle.cancel()),
        async lose() {
          lost = true;
          await handle.terminate('lost');
        },
        hesitate: () => Promise.resolve(),
        async result() {
          const patience = new AbortController();
          const late = delay(patienceMilliseconds, undefined, { signal: patience.signal }).then(() => Promise.reject(new Error('the run does not end')));
          try {
            return await Promise.race([handle.result() as Promise<RunResult>, late]);
          } catch (error) {
            if (lost) return undefined;
            throw error;
          } finally {
            patience.abort();
            runs.delete(workflowId);
          }
        },
      };
    },
  };
}

async function unlessOver(sending: Promise<unknown>): Promise<void> {
  try {
    await sending;
  } catch (error) {
    if (error instanceof Error && error.name === 'WorkflowNotFoundError') return;
    throw error;
  }
}
