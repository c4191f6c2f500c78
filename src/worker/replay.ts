import type { Client } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import type { History } from '@temporalio/common/lib/proto-utils.js';
import { Worker } from '@temporalio/worker';
import { PermanentFailure } from '../contract/errors.js';
import type { Opened } from '../contract/settings.js';
import { readDigest } from '../host/files/fileDigest.js';
import { listOpenRuns } from './openRuns.js';
import { isNotFound } from './serverErrors.js';

/** The bundle of workflow code that a worker serves. */
export interface Bundle {
  /** Its file. */
  readonly codePath: string;
}

/** What a worker tells the server with each task that it completes: another bundle has another. */
export async function readBuildId({ codePath }: Bundle): Promise<string> {
  return `lockstep+${await readDigest({ file: codePath })}`;
}

/**
 * Replays every open run against the bundle. What does not fit now would fail its workflow task again
 * and again later, in the middle of a maintenance window. A run whose last task this very bundle completed
 * was replayed against it then, or never had another; it is not kept waiting for that again.
 *
 * @param buildId - Of the bundle, from {@link readBuildId}.
 * @returns The runs that were replayed.
 * @throws {@link PermanentFailure} naming the run that does not fit.
 */
export async function assertOpenRunsFit(client: Client, workflowBundle: Bundle, buildId: string): Promise<readonly string[]> {
  const replayed: string[] = [];
  for (const { workflowId, runId } of await listOpenRuns(client)) {
    const handle = client.workflow.getHandle(workflowId, runId);
    const described = await handle.describe().catch(ignoreNotFound);
    if (described === undefined || described.raw.workflowExecutionInfo?.mostRecentWorkerVersionStamp?.buildId === buildId) continue;
    const history = await handle.fetchHistory().catch(ignoreNotFound);
    if (history === undefined) continue;
    try {
      await Worker.runReplayHistory({ workflowBundle }, history, workflowId);
    } catch (error) {
      throw new PermanentFailure(
        `run ${runId} of ${workflowId} does not fit this version of Lockstep (${error instanceof Error ? error.message : String(error)})`,
        `let the version that started it finish it (Lockstep ${readVersionOf(history)}), or end it there with a rollback`,
      );
    }
    replayed.push(workflowId);
  }
  return replayed;
}

/** What the run recorded of itself with its first activity. */
function readVersionOf({ events }: History): string {
  for (const { activityTaskCompletedEventAttributes: completed } of events ?? []) {
    const [payload] = completed?.result?.payloads ?? [];
    const opened = payload ? defaultPayloadConverter.fromPayload<Partial<Opened> | undefined>(payload) : undefined;
    if (opened?.lockstepVersion !== undefined) return opened.lockstepVersion;
  }
  return 'of an unknown version: it had not claimed its host yet';
}

/** A run may have ended, and been removed, since it was listed. */
function ignoreNotFound(error: unknown): undefined {
  if (isNotFound(error)) return undefined;
  throw error;
}
