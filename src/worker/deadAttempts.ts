import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import proto from '@temporalio/proto';
import { isDeadPredecessor } from './identity.js';
import { ignoreAbort, isNotFound } from './serverErrors.js';
import { listOpenRuns } from './openRuns.js';

/** An attempt that was open although its process is dead. */
export interface DeadAttempt {
  readonly workflowId: string;
  readonly activity: string;
}

const { PENDING_ACTIVITY_STATE_STARTED } = proto.temporal.api.enums.v1.PendingActivityState;

/**
 * Fails the attempts that dead processes of this host left open, so that the next one starts at once
 * instead of after the heartbeat's timeout. The call to the server carries no attempt number and would
 * end a living attempt too: hence the host's lock before it, and hence only attempts started under the
 * name of this host by another process than this.
 *
 * @param identity - This process's own.
 */
export async function failDeadAttempts(client: Client, identity: string): Promise<readonly DeadAttempt[]> {
  const failed: DeadAttempt[] = [];
  for (const { workflowId, runId } of await listOpenRuns(client)) {
    const { raw } = await client.workflow.getHandle(workflowId, runId).describe();
    for (const { activityId, activityType, state, lastWorkerIdentity } of raw.pendingActivities ?? []) {
      if (state !== PENDING_ACTIVITY_STATE_STARTED || !isDeadPredecessor(lastWorkerIdentity ?? '', identity)) continue;
      const dead = { workflowId, activity: activityType?.name ?? '' };
      const failure = ApplicationFailure.create({
        message: `the worker that ran ${dead.activity} died`,
        type: 'WorkerDied',
        // The reason is known and gone: the next attempt need not wait.
        nextRetryDelay: 1,
      });
      try {
        await client.activity.fail({ workflowId, runId, activityId: activityId ?? '' }, failure);
        failed.push(dead);
      } catch (error) {
        // It timed out or was completed meanwhile: either is what this was for.
        if (!isNotFound(error)) throw error;
      }
    }
  }
  return failed;
}

/** How long, and how often, a worker goes on looking after it started. */
const watchSeconds = 75;
const intervalSeconds = 2;

/**
 * Looks again for a while: a server that has not noticed a half-open connection still hands tasks to
 * the dead process, for up to a minute where its keep-alive is Temporal's default.
 *
 * @param report - Gets what was failed, and what went wrong while looking.
 */
export async function watchDeadAttempts(
  client: Client,
  identity: string,
  report: { readonly failed: (attempts: readonly DeadAttempt[]) => void; readonly trouble: (error: unknown) => void },
  signal: AbortSignal,
): Promise<void> {
  for (let waitedSeconds = 0; waitedSeconds < watchSeconds; waitedSeconds += intervalSeconds) {
    await sleep(intervalSeconds * 1000, undefined, { signal }).catch(ignoreAbort);
    if (signal.aborted) return;
    await failDeadAttempts(client, identity).then(report.failed, report.trouble);
  }
}
