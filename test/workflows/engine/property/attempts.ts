import { ApplicationFailure, DefaultFailureConverter, defaultPayloadConverter } from '@temporalio/common';
import { tsToMs } from '@temporalio/common/lib/time.js';
import type proto from '@temporalio/proto';
import type { Call } from '../../../../src/contract/calls.js';
import { payloadsOf, type Job } from './workflowRuntime.js';

type Schedule = proto.coresdk.workflow_commands.IScheduleActivity;

/** An activity that a workflow has scheduled and that has not ended. */
export interface Activity {
  readonly seq: number;
  readonly name: string;
  readonly call: Call;
  readonly args: unknown;
  /** Of the attempt that runs or is next. */
  attempt: number;
  /** When the next attempt may begin, in milliseconds since 1970. */
  beginsAt: number;
  isRunning: boolean;
  isCancelled: boolean;
  readonly schedule: Schedule;
}

export function toActivity(schedule: Schedule, now: number): Activity {
  const [call, args] = (schedule.arguments ?? []).map((payload) => defaultPayloadConverter.fromPayload<unknown>(payload));
  return { seq: schedule.seq ?? 0, name: schedule.activityType ?? '', call: call as Call, args, attempt: 1, beginsAt: now, isRunning: false, isCancelled: false, schedule };
}

/** When the server lets a failed attempt be tried again, in milliseconds from now; undefined: not at all. */
export function retryDelay({ attempt, isCancelled, schedule: { retryPolicy } }: Activity, error: unknown): number | undefined {
  const failure = error instanceof ApplicationFailure ? error : undefined;
  const { initialInterval, backoffCoefficient, maximumInterval, maximumAttempts, nonRetryableErrorTypes } = retryPolicy ?? {};
  if (isCancelled || failure?.nonRetryable === true || attempt >= (maximumAttempts ?? Infinity)) return undefined;
  if (nonRetryableErrorTypes?.includes(failure?.type ?? '') === true) return undefined;
  return Math.min(tsToMs(initialInterval) * (backoffCoefficient ?? 1) ** (attempt - 1), tsToMs(maximumInterval));
}

export function completed({ seq }: Activity, result: unknown): Job {
  return { resolveActivity: { seq, result: { completed: { result: payloadsOf([result])[0] ?? null } } } };
}

export function failed({ seq, name }: Activity, error: unknown): Job {
  const cause = new DefaultFailureConverter().errorToFailure(error, defaultPayloadConverter);
  return { resolveActivity: { seq, result: { failed: { failure: { message: 'Activity task failed', cause, activityFailureInfo: informationOf(seq, name) } } } } };
}

export function cancelled({ seq, name }: Activity): Job {
  const cause = { message: 'Cancelled', canceledFailureInfo: {} };
  return { resolveActivity: { seq, result: { cancelled: { failure: { message: 'Activity cancelled', cause, activityFailureInfo: informationOf(seq, name) } } } } };
}

function informationOf(seq: number, name: string) {
  return { activityId: String(seq), activityType: { name } };
}
