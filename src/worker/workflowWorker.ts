import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { Worker } from '@temporalio/worker';
import type { Logger } from './log.js';
import { ignoreAbort, isNoAnswer } from './serverErrors.js';

/** Together less than a restore of a database takes: the server has to be stopped for it, and started. */
const lookEveryMilliseconds = 500;
const patienceSeconds = 1;

/**
 * Walks runbooks until the signal. A worker remembers a run between its tasks, and does not notice where
 * the server's database was put back meanwhile: it would go on with what it remembers, and write into
 * the older history what no replay can explain. So one that has lost its server is replaced, once
 * that answers again, by one that remembers nothing.
 *
 * @param create - Makes a worker that polls for workflows alone; steps run in another, and go on meanwhile.
 */
export async function runWorkflowWorker(create: () => Promise<Worker>, client: Client, log: Logger, signal: AbortSignal): Promise<void> {
  const isOver = (): boolean => signal.aborted;
  while (!isOver()) {
    const worker = await create();
    const over = new AbortController();
    const running = worker.run().finally(() => over.abort());
    // Awaited below; a failure in between must not count as unhandled.
    running.catch(() => undefined);
    await untilLost(client, AbortSignal.any([signal, over.signal]));
    if (worker.getState() === 'RUNNING') worker.shutdown();
    await running;
    if (!isOver()) log.warn('the server went away; what was known of its runs is read anew');
    while (!isOver() && !(await answers(client))) await sleep(lookEveryMilliseconds, undefined, { signal }).catch(ignoreAbort);
  }
}

/** Returns when the server does not answer, or at the signal. */
async function untilLost(client: Client, signal: AbortSignal): Promise<void> {
  do await sleep(lookEveryMilliseconds, undefined, { signal }).catch(ignoreAbort);
  while (!signal.aborted && (await answers(client)));
}

async function answers(client: Client): Promise<boolean> {
  try {
    await client.withDeadline(Date.now() + patienceSeconds * 1000, () => client.workflowService.getSystemInfo({}));
    return true;
  } catch (error) {
    if (isNoAnswer(error)) return false;
    throw error;
  }
}
