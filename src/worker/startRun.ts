import type { Client, WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import { defineSearchAttributeKey } from '@temporalio/common';
import type { RunInput } from '../contract/inputs.js';
import { searchAttributeNames, workflowIdOf, workflowTaskQueue } from '../contract/names.js';

/** Which run is begun, as people see it. */
export interface RunToStart {
  readonly runbook: { readonly name: string; readonly title: string };
  readonly input: RunInput;
}

/**
 * Begins a run under its readable id.
 *
 * @throws WorkflowExecutionAlreadyStartedError where one of that id is open.
 */
export function startRun(client: Client, { runbook: { name, title }, input }: RunToStart): Promise<WorkflowHandleWithFirstExecutionRunId> {
  const { host } = input;
  return client.workflow.start(name, {
    taskQueue: workflowTaskQueue,
    workflowId: workflowIdOf(host, name, input),
    args: [input],
    staticSummary: `${title}: ${host}`,
    // The run sets these itself; with them from the start it is found even before a worker has seen it.
    typedSearchAttributes: [
      { key: defineSearchAttributeKey(searchAttributeNames.host, 'KEYWORD'), value: host },
      { key: defineSearchAttributeKey(searchAttributeNames.runbook, 'KEYWORD'), value: name },
    ],
  });
}
