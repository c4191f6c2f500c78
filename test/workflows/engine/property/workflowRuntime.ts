import { readFile } from 'node:fs/promises';
import vm from 'node:vm';
import { defaultPayloadConverter, TypedSearchAttributes } from '@temporalio/common';
import { msToTs } from '@temporalio/common/lib/time.js';
import proto from '@temporalio/proto';
import type { WorkflowInfo } from '@temporalio/workflow';
import { createUnsafeRandomSource } from '@temporalio/workflow/lib/random-helpers.js';
import { ReusableVMWorkflowCreator } from '@temporalio/worker/lib/workflow/reusable-vm.js';

export type Job = proto.coresdk.workflow_activation.IWorkflowActivationJob;
export type Command = proto.coresdk.workflow_commands.IWorkflowCommand;

/** What a workflow task brings to a workflow: news, in the order that the SDK gives them. */
export interface Task {
  readonly jobs: readonly Job[];
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** A task that was completed, as history keeps it. */
export interface CompletedTask extends Task {
  readonly commands: readonly Command[];
  readonly flags: readonly number[];
}

/** A workflow in the memory of a worker. */
export interface Instance {
  /** @throws where the task failed, as one that meets a fault of the workflow's own code. */
  readonly perform: (task: Task) => Promise<CompletedTask>;
  /** Does again what history tells. @throws where it comes to other commands. */
  readonly replay: (history: readonly CompletedTask[]) => Promise<void>;
  readonly forget: () => Promise<void>;
}

/** Makes instances of the bundle's workflows. */
export interface WorkflowRuntime {
  readonly create: (workflowType: string, runId: string, startedAt: number) => Promise<Instance>;
  readonly stop: () => Promise<void>;
}

const { WorkflowActivation } = proto.coresdk.workflow_activation;
const taskTimeoutMilliseconds = 5000;

/**
 * The SDK's own runtime of workflows, as its worker drives it, without a server and without the
 * worker's native core: whoever calls is both. It is not part of the SDK's public surface.
 */
export async function createWorkflowRuntime({ codePath }: { readonly codePath: string }): Promise<WorkflowRuntime> {
  const code = await readFile(codePath, 'utf8');
  const bundle = { code, filename: codePath, sourceMap: { version: 3, sources: [], names: [], mappings: '', file: codePath } };
  const creator = new ReusableVMWorkflowCreator(
    new vm.Script(code, { filename: codePath }),
    bundle,
    taskTimeoutMilliseconds,
    new Set(),
  );

  async function create(workflowType: string, runId: string, startedAt: number): Promise<Instance> {
    const workflow = await creator.createWorkflow({
      info: {
        workflowId: runId,
        runId,
        workflowType,
        typedSearchAttributes: new TypedSearchAttributes(),
        taskQueue: 'lockstep',
        namespace: 'default',
        firstExecutionRunId: runId,
        originalExecutionRunId: runId,
        startTime: new Date(startedAt),
        runStartTime: new Date(startedAt),
        taskTimeoutMs: taskTimeoutMilliseconds,
        attempt: 1,
        historyLength: 3,
        historySize: 0,
        continueAsNewSuggested: false,
        targetWorkerDeploymentVersionChanged: false,
        unsafe: { now: Date.now, isReplaying: false, isReplayingHistoryEvents: false, random: createUnsafeRandomSource(Math.random) },
      } as WorkflowInfo,
      randomnessSeed: [1, 2, 3, 4, 5, 6, 7, 8],
      now: startedAt,
      showStackTraceSources: false,
    });

    async function activate({ jobs, at }: Task, availableInternalFlags: readonly number[], isReplaying: boolean): Promise<CompletedTask> {
      const activation = WorkflowActivation.fromObject({ runId, timestamp: msToTs(at), isReplaying, historyLength: 3, jobs: inOrder(jobs), availableInternalFlags });
      const { successful, failed } = await workflow.activate(activation);
      // Nobody listens to them here.
      await workflow.getAndResetSinkCalls();
      if (!successful) throw new Error(`a workflow task failed: ${failed?.failure?.message}`);
      return { jobs, at, commands: successful.commands ?? [], flags: successful.usedInternalFlags ?? [] };
    }

    return {
      perform: (task) => activate(task, [], false),
      async replay(history) {
        for (const task of history) {
          const { commands } = await activate(task, task.flags, true);
          if (JSON.stringify(commands) !== JSON.stringify(task.commands)) throw new Error(`a replay came to other commands: ${namesOf(commands)} instead of ${namesOf(task.commands)}`);
        }
      },
      forget: () => workflow.dispose(),
    };
  }

  return { create, stop: () => creator.destroy() };
}

/** The order that the SDK's core promises: the beginning, signals, everything else. */
function inOrder(jobs: readonly Job[]): readonly Job[] {
  const rank = (job: Job) => ('initializeWorkflow' in job ? 0 : 'signalWorkflow' in job ? 1 : 2);
  return jobs.toSorted((one, other) => rank(one) - rank(other));
}

function namesOf(commands: readonly Command[]): string {
  return commands.flatMap((command) => Object.keys(command)).join(', ');
}

export function payloadsOf(values: readonly unknown[]): proto.temporal.api.common.v1.IPayload[] {
  return values.map((value) => defaultPayloadConverter.toPayload(value));
}
