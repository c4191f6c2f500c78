import type { Client, WorkflowExecutionDescription, WorkflowExecutionStatusName } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { optionalTsToDate } from '@temporalio/common/lib/time.js';
import proto from '@temporalio/proto';
import { silentAttempt } from '../contract/errors.js';
import { memoKey, queryNames } from '../contract/names.js';
import type { CompactStatus, Progress, RunStatus } from '../contract/status.js';
import { isNoAnswer, isNoWorker } from '../worker/serverErrors.js';
import type { RunningStep } from './present/statusLines.js';
import type { RunReference } from './runs.js';

/** How a run stands, from whoever answers. */
export interface Observation {
  readonly execution: WorkflowExecutionStatusName;
  /** The run's own answer; absent where no worker answers for it. */
  readonly status?: RunStatus;
  /** What the server keeps of it. */
  readonly compact?: CompactStatus;
  readonly running?: RunningStep;
  /** How much had happened when the status was asked for. */
  readonly historyLength: number;
  /** When the run last answered by itself, in milliseconds since 1970. */
  readonly answeredAt?: number;
}

/** A status follows from history; older than this it is asked for again, to see that a worker answers. */
const freshSeconds = 5;
/** A worker that lives answers within milliseconds. */
const patienceSeconds = 3;
const { PENDING_ACTIVITY_STATE_STARTED } = proto.temporal.api.enums.v1.PendingActivityState;

/**
 * Asks the server, then the run itself where more has happened than it told last.
 *
 * @param last - What was seen before: who looks each second costs the host little.
 * @throws what the client throws where the server does not answer.
 */
export async function observe(client: Client, { workflowId, runId }: RunReference, last?: Observation): Promise<Observation> {
  const handle = client.workflow.getHandle(workflowId, runId);
  // Without a deadline of its own the client goes on trying by itself, and nobody is told.
  const inTime = <T>(call: () => Promise<T>): Promise<T> => client.withDeadline(Date.now() + patienceSeconds * 1000, call);
  const description = await inTime(() => handle.describe());
  const { historyLength } = description;
  const isFresh = last?.historyLength === historyLength && Date.now() - (last.answeredAt ?? 0) < freshSeconds * 1000;
  const status = isFresh ? last.status : await inTime(() => handle.query<RunStatus>(queryNames.status)).catch(ignoreNoWorker);
  const answeredAt = isFresh ? last.answeredAt : Date.now();
  const compact = description.memo?.[memoKey] as CompactStatus | undefined;
  const running = readRunning(description);
  return {
    execution: description.status.name,
    historyLength,
    ...(status === undefined ? {} : { status, ...(answeredAt === undefined ? {} : { answeredAt }) }),
    ...(compact === undefined ? {} : { compact }),
    ...(running === undefined ? {} : { running }),
  };
}

function ignoreNoWorker(error: unknown): undefined {
  if (isNoWorker(error) || isNoAnswer(error)) return undefined;
  throw error;
}

/** Steps run one after the other, so the one that is pending is the one that runs. */
function readRunning({ raw }: WorkflowExecutionDescription): RunningStep | undefined {
  const pending = raw.pendingActivities?.[0];
  if (!pending) return undefined;
  const [payload] = pending.heartbeatDetails?.payloads ?? [];
  const nextAttemptAt = optionalTsToDate(pending.nextAttemptScheduleTime)?.toISOString();
  const lastFailure = pending.lastFailure?.timeoutFailureInfo ? silentAttempt : pending.lastFailure?.message;
  return {
    attempt: pending.attempt ?? 1,
    started: pending.state === PENDING_ACTIVITY_STATE_STARTED,
    ...(payload ? { progress: defaultPayloadConverter.fromPayload<Progress>(payload) } : {}),
    ...(lastFailure ? { lastFailure } : {}),
    ...(nextAttemptAt === undefined ? {} : { nextAttemptAt }),
  };
}
