import { ActivityFailure, ApplicationFailure, RetryState, TimeoutFailure, TimeoutType } from '@temporalio/common';
import { expect, test } from 'vitest';
import { messageOf } from '../../../../src/workflows/engine/attempt.js';

const failed = (cause: Error) => new ActivityFailure('Activity task failed', 'copyData', '7', RetryState.MAXIMUM_ATTEMPTS_REACHED, 'worker', cause);

test('what failed is told in the words of the host, and silence in words at all', () => {
  expect(messageOf(failed(ApplicationFailure.nonRetryable('the disk is full')))).toBe('the disk is full');
  expect(messageOf(failed(new TimeoutFailure('activity Heartbeat timeout', undefined, TimeoutType.HEARTBEAT)))).toMatch(/^nothing was heard of it any more: the worker ended, or the network/);
});
