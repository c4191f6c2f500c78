import { ApplicationFailure } from '@temporalio/common';
import { expect, test } from 'vitest';
import { createLogEntry, type Logger, toLogFields } from '../../../src/worker/log.js';

test('of a raw error only its name is logged: its message and its stack may carry arguments and output', () => {
  const error = Object.assign(new Error('Command failed: tool --passphrase hunter2'), { stdout: 'hunter2' });
  error.name = 'ExecaError';
  expect(toLogFields({ activityType: 'copyData', attempt: 2, error, input: 'hunter2' })).toEqual({
    activityType: 'copyData',
    attempt: 2,
    failure: 'ExecaError',
  });
});

test('a failure that the wrapper made is quoted without its stack and details', () => {
  const error = ApplicationFailure.nonRetryable('volume is 91 % full', 'Permanent', { secret: 'hunter2' });
  expect(toLogFields({ error })).toEqual({ failure: 'volume is 91 % full', failureType: 'Permanent' });
});

test('what a dozen pollers say while the server is away is said once a minute', () => {
  const said: string[] = [];
  let now = 0;
  const log = { warn: (_: unknown, message: string) => said.push(message) } as unknown as Logger;
  const entry = createLogEntry(log, () => now);
  const away = 'gRPC call poll_workflow_task_queue retried 6 times';
  entry({ level: 'WARN', message: 'No workflows registered, not polling for workflow tasks' });
  now = 100_000;
  entry({ level: 'WARN', message: away });
  entry({ level: 'WARN', message: 'gRPC call poll_activity_task_queue retried 6 times' });
  entry({ level: 'WARN', message: 'something else' });
  now = 160_000;
  entry({ level: 'WARN', message: away });
  expect(said).toEqual([away, 'something else', away]);
});
