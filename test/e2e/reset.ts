import { randomUUID } from 'node:crypto';
import type { Client, WorkflowHandle } from '@temporalio/client';

/** Beside the steps, and without the host. */
const tellsPeople = 'alertPeople';

/**
 * Resets a run as the UI's button does, to a task before the last steps that it asked for.
 *
 * @param steps - How many steps the run forgets.
 * @returns The run that Temporal makes of it.
 */
export async function resetRun(client: Client, { workflowId, runId }: { workflowId: string; runId: string }, steps: number): Promise<WorkflowHandle & { runId: string }> {
  const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
  const scheduled = (events ?? []).flatMap(({ activityTaskScheduledEventAttributes: step }) => (step && step.activityType?.name !== tellsPeople ? [step] : []));
  const workflowTaskFinishEventId = scheduled.at(-steps)?.workflowTaskCompletedEventId;
  if (workflowTaskFinishEventId === undefined) throw new Error(`run ${runId} has not made ${steps} steps`);
  const reset = await client.workflowService.resetWorkflowExecution({
    namespace: client.options.namespace,
    workflowExecution: { workflowId, runId },
    workflowTaskFinishEventId,
    reason: 'a wrong click',
    requestId: randomUUID(),
  });
  return Object.assign(client.workflow.getHandle(workflowId, reset.runId), { runId: reset.runId });
}
