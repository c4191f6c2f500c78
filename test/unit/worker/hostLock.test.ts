import { expect, test } from 'vitest';
import { takeHostLock } from '../../../src/worker/hostLock.js';

test('a host has one worker at a time, and the next one after it', async () => {
  const host = `lock-test-${process.pid}`;
  const lock = await takeHostLock(host);
  await expect(takeHostLock(host)).rejects.toThrow(`another worker for ${host} runs on this machine`);
  await lock.release();
  await (await takeHostLock(host)).release();
});
