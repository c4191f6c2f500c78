import type { WorkflowExecutionStatusName } from '@temporalio/client';
import { resumeCommandOf, takeOverByRollback, undoneByRollback } from '../../contract/names.js';
import type { RunStatus } from '../../contract/status.js';

/** Ends that come from outside of a run, and of which it can not tell itself. */
const fromOutside: ReadonlySet<WorkflowExecutionStatusName> = new Set(['TERMINATED', 'CANCELLED', 'TIMED_OUT']);

/** Whether a run was ended from outside, with its host as it stood: what it said last is not how it stands. */
export function wasLeft(execution: WorkflowExecutionStatusName, status?: RunStatus): boolean {
  return fromOutside.has(execution) && status?.outcome === undefined;
}

/**
 * What became of such a run, and what a person can do about what it left.
 *
 * @param flags - Added to each command that is shown, such as ` --host db2`.
 */
export function explainLeft(execution: WorkflowExecutionStatusName, { workflowId, runbook }: { readonly workflowId: string; readonly runbook: string }, flags = ''): string {
  const goOn = runbook === 'rollback' ? '' : `"${resumeCommandOf({ workflowId, runbook })}${flags}" goes on where it stood, `;
  return `${workflowId} was ${execution.toLowerCase().replaceAll('_', ' ')}, and left its host as it stood: ${goOn}${wayBackOf(runbook, flags)}`;
}

function wayBackOf(runbook: string, flags: string): string {
  if (undoneByRollback(runbook)) return `"${takeOverByRollback}${flags}" ${runbook === 'rollback' ? 'goes on with the way back' : 'goes back'}`;
  return runbook === 'decommissionPlaintext' ? 'what it did can not be undone' : 'its own way back, where it has one, is open to it there';
}
