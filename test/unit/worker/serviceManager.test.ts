import { expect, test } from 'vitest';
import { createReadiness } from '../../../src/worker/serviceManager.js';
import { createFakeRun } from '../fakeRun.js';

/** Those of the first so many calls that fail do so with a status. */
const notifying = (failures: number) => {
  let left = failures;
  return createFakeRun([{ file: 'systemd-notify', args: ['--ready'], answer: () => ({ exitCode: left-- > 0 ? 1 : 0 }) }]);
};
const atOnce = () => Promise.resolve();

test('systemd is told once that the worker is up, and only where it waits for that', async () => {
  const run = notifying(0);
  const tellUp = createReadiness(run, true, atOnce);
  await Promise.all([tellUp(), tellUp()]);
  await tellUp();
  await createReadiness(run, false, atOnce)();
  expect(run.calls).toHaveLength(1);
});

test('where it could not be told it is told again, by itself and with growing pauses, and then no more', async () => {
  const run = notifying(3);
  const pauses: number[] = [];
  const tellUp = createReadiness(run, true, (seconds) => Promise.resolve(pauses.push(seconds)));
  await Promise.all([tellUp(), tellUp()]);
  await tellUp();
  expect(run.calls).toHaveLength(4);
  expect(pauses).toEqual(pauses.toSorted((a, b) => a - b));
  expect(pauses).toHaveLength(3);
});

test('a failure that lasts is a failure, and the next call begins anew', async () => {
  const run = notifying(6);
  const tellUp = createReadiness(run, true, atOnce);
  await expect(tellUp()).rejects.toThrow('systemd-notify exited with status 1');
  expect(run.calls).toHaveLength(6);
  await tellUp();
  await tellUp();
  expect(run.calls).toHaveLength(7);
});
