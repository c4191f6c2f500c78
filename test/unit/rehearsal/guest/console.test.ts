import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { followLines } from '../../../../src/rehearsal/guest/console.js';

it('reports whole lines as they come, and the last one at the end', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'lockstep-console-'));
  const path = join(directory, 'console.log');
  const lines: string[] = [];
  const follower = followLines(path, (line) => lines.push(line));
  await appendFile(path, 'one\ntw');
  await expect.poll(() => lines).toEqual(['one']);
  await appendFile(path, 'o\nthree');
  await follower.stop();
  expect(lines).toEqual(['one', 'two', 'three']);
  await rm(directory, { recursive: true });
});
