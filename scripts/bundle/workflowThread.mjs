/** Runs workflows for the worker that has started the thread. */
export async function workflowThread() {
  await keepNoStacks();
  return import('@temporalio/worker/lib/workflow/workflow-worker-thread.js');
}

/** Loads what it loads at every start: it refuses to run anywhere but in a thread. */
export async function prepare() {
  await import('@temporalio/worker/lib/workflow/reusable-vm.js');
  await import('@temporalio/worker/lib/workflow/vm.js');
  await keepNoStacks();
}

/**
 * For the Web UI's page "Call Stack" the SDK takes down, and maps to its source, where each promise of a run was made: a tenth
 * of the time between two steps. Where a run stands its own page says.
 */
async function keepNoStacks() {
  const { globalHandlers } = await import('@temporalio/worker/lib/workflow/vm-shared.js');
  if (typeof globalHandlers.setPromiseHook !== 'function') throw new Error('this version of the SDK for workers takes down stacks in another way: see scripts/bundle/workflowThread.mjs');
  globalHandlers.setPromiseHook = () => undefined;
}
