import { expect, test } from 'vitest';
import { createReadiness } from '../../../src/worker/serviceManager.js';
import { createFakeRun } from '../fakeRun.js';

test('systemd is told once that the worker is up, and only where it waits for that', async () => {
  const run = createFakeRun([{ file: 'systemd-notify', args: ['--ready'] }]);
  const tellUp = createReadiness(run, true);
  await Promise.all([tellUp(), tellUp()]);
  await createReadiness(run, false)();
  expect(run.calls).toHaveLength(1);
});
