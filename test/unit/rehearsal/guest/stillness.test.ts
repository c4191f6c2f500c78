import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createRun } from '../../../../src/host/processes/runner.js';
import { readProcessIdentity } from '../../../../src/rehearsal/guest/processIdentity.js';
import { copySparse, holdStill } from '../../../../src/rehearsal/guest/stillness.js';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lockstep-stillness-'));
});

afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

it('a process does nothing while it is held still, and goes on afterwards', async () => {
  const file = join(directory, 'count');
  const child = spawn('sh', ['-c', 'while :; do echo >> "$0"; sleep 0.01; done', file], { stdio: 'ignore' });
  try {
    await once(child, 'spawn');
    const identity = await readProcessIdentity(child.pid ?? 0);
    const length = async (): Promise<number> => (await readFile(file)).length;
    await expect.poll(length).toBeGreaterThan(1);
    await holdStill(identity, async () => {
      const before = await length();
      await sleep(300);
      expect(await length()).toBe(before);
    });
    const after = await length();
    await expect.poll(length).toBeGreaterThan(after);
    await expect(holdStill(identity, () => Promise.reject(new Error('no space')))).rejects.toThrow('no space');
    const afterFailure = await length();
    await expect.poll(length).toBeGreaterThan(afterFailure);
  } finally {
    child.kill('SIGKILL');
  }
});

it('what does not run is still already', async () => {
  const gone = { pid: process.pid, startTime: 1, bootId: 'of another boot' };
  await expect(holdStill(gone, () => Promise.resolve('done'))).resolves.toBe('done');
  await expect(holdStill(undefined, () => Promise.resolve('done'))).resolves.toBe('done');
});

it('a copy of a file of holes has its bytes and its holes', async () => {
  const from = join(directory, 'disk');
  const file = await open(from, 'w');
  await file.truncate(1024 ** 3);
  await file.write(Buffer.from('the data'), 0, 8, 512 * 1024 ** 2);
  await file.close();
  const to = join(directory, 'copy');
  await copySparse(createRun(), from, to);
  const { size, blocks } = await stat(to);
  expect(size).toBe(1024 ** 3);
  expect(blocks * 512).toBeLessThan(1024 ** 2);
  const copy = await open(to);
  const { buffer } = await copy.read(Buffer.alloc(8), 0, 8, 512 * 1024 ** 2);
  await copy.close();
  expect(buffer.toString()).toBe('the data');
});
