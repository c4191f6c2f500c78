/** Runs workflows for the worker that has started the thread. */
export const workflowThread = () => import('@temporalio/worker/lib/workflow/workflow-worker-thread.js');

/** Loads what it loads at every start: it refuses to run anywhere but in a thread. */
export async function prepare() {
  await import('@temporalio/worker/lib/workflow/reusable-vm.js');
  await import('@temporalio/worker/lib/workflow/vm.js');
}
