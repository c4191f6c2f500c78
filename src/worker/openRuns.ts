import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { workflowTaskQueue } from '../contract/names.js';

/** The runs on Lockstep's queue that have not ended, as visibility knows them. */
export async function listOpenRuns(client: Client): Promise<readonly WorkflowExecutionInfo[]> {
  const runs: WorkflowExecutionInfo[] = [];
  const query = `TaskQueue = '${workflowTaskQueue}' AND ExecutionStatus = 'Running'`;
  for await (const run of client.workflow.list({ query })) runs.push(run);
  return runs;
}
