import { setTimeout as delay } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import type { InjectedSinks } from '@temporalio/worker';
import type { Call } from '../../../../src/contract/calls.js';
import { signalNames, workflowTaskQueue } from '../../../../src/contract/names.js';
import type { CompactStatus } from '../../../../src/contract/status.js';
import type { RunResult } from '../../../../src/workflows/engine/walk.js';
import { bundleForTest } from '../../compiled.js';
import { createDevEnvironment } from '../../environment.js';
import { createHostModel } from './hostModel.js';
import { createPerson } from './person.js';
import { createRules } from './rules.js';
import type { Interruption, Scenario } from './scenario.js';
import type { Watching } from './workflows.js';

/** The server that users run, with a worker that forgets most runs between their tasks. */
export interface World {
  /** @throws where a rule was broken, with what happened. */
  readonly run: (scenario: Scenario) => Promise<RunResult>;
  readonly stop: () => Promise<void>;
}

interface Running {
  readonly hear: (status: CompactStatus) => void;
  readonly act: (name: string, call: Call, args: unknown) => Promise<unknown>;
}

const engineActs = ['openRun', 'beginWayBack', 'ensureConditions', 'closeRun', 'act'] as const;
const patienceMilliseconds = 60_000;

export async function createWorld(): Promise<World> {
  const [environment, bundle] = await Promise.all([createDevEnvironment(), bundleForTest(new URL('./workflows.ts', import.meta.url))]);
  const { client } = environment;
  const runs = new Map<string, Running>();
  const find = (workflowId: string): Running => {
    const running = runs.get(workflowId);
    if (!running) throw new Error(`no scenario told of ${workflowId}`);
    return running;
  };
  const sinks: InjectedSinks<Watching> = {
    memo: { changed: { fn: ({ workflowId }, status) => runs.get(workflowId)?.hear(status), callDuringReplay: false } },
  };
  await environment.startWorkers({
    bundle,
    host: 'host',
    activities: Object.fromEntries(engineActs.map((name) => [name, (call: Call, args: unknown) => find(call.workflowId).act(name, call, args)])),
    // Fewer than there are runs: many tasks begin with a replay, as after a crash.
    workflowWorker: { sinks, maxCachedWorkflows: 5 },
  });
  let count = 0;

  async function run(scenario: Scenario): Promise<RunResult> {
    const workflowId = `generated-${(count += 1)}`;
    const log: string[] = [];
    const handle: WorkflowHandle = client.workflow.getHandle(workflowId);
    let fail: (error: unknown) => void = () => undefined;
    const problem = new Promise<never>((_, reject) => (fail = reject));
    const person = createPerson(scenario, {
      send: (decision) => unlessOver(handle.signal(signalNames.decide, decision)),
      isOnTheWayBack: () => host.attempts.some(({ what }) => what === 'beginWayBack'),
      log: (line) => log.push(line),
      failed: (error) => fail(error),
    });
    const rules = createRules(scenario, person.sent);
    const host = createHostModel(scenario, (attempt, model) => rules.before(attempt, model));

    async function interrupt(what: Interruption): Promise<void> {
      log.push(`meanwhile: ${what}`);
      if (what === 'rollback') return handle.signal(signalNames.rollback, person.rollback());
      if (what === 'malformed rollback') return handle.signal(signalNames.rollback, { by: 'nobody' });
      if (what === 'malformed decision') return handle.signal(signalNames.decide, 'go');
      if (what === 'reboot') return handle.signal(signalNames.resumed, { bootId: `boot-${log.length}` });
      await handle.cancel();
    }

    runs.set(workflowId, {
      hear: person.hear,
      async act(name, call, args) {
        const atCall = host.attempts.length + 1;
        for (const { what } of scenario.interruptions.filter((each) => each.atCall === atCall)) await unlessOver(interrupt(what));
        try {
          return host.act(name, call, args);
        } finally {
          const { what, opening, fault } = host.attempts.at(-1) ?? {};
          log.push(`host: ${what}, opening ${opening}: ${fault ?? 'done'}`);
        }
      },
    });
    try {
      await client.workflow.start('generated', {
        taskQueue: workflowTaskQueue,
        workflowId,
        args: [scenario.runbook, { host: 'host', startedBy: 'starter' }],
      });
      for (const decision of person.early()) await unlessOver(handle.signal(signalNames.decide, decision));
      const patience = new AbortController();
      const late = delay(patienceMilliseconds, undefined, { signal: patience.signal }).then(() => Promise.reject(new Error('the run does not end')));
      const result = await Promise.race([handle.result() as Promise<RunResult>, problem, late]).finally(() => patience.abort());
      log.push(`${result.state}: ${result.outcome}`);
      rules.atEnd(result, host);
      if (rules.broken.length > 0) throw new Error('rules are broken');
      return result;
    } catch (error) {
      const facts = [...new Set([...rules.broken, String(error)])];
      throw new Error([...facts.map((fact) => `BROKEN: ${fact}`), ...log.map((line) => `  ${line}`)].join('\n'), { cause: error });
    } finally {
      runs.delete(workflowId);
    }
  }

  return {
    run,
    stop: () => environment.stop(),
  };
}

/** A person cannot know that the run has just ended. */
async function unlessOver(sending: Promise<unknown>): Promise<void> {
  try {
    await sending;
  } catch (error) {
    if (error instanceof Error && error.name === 'WorkflowNotFoundError') return;
    throw error;
  }
}
