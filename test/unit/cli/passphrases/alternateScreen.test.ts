import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { compileForTest } from '../../../workflows/compiled.js';

const main = await compileForTest(new URL('./alternateScreenMain.ts', import.meta.url));

test.each(['SIGTERM', 'SIGHUP'] as const)('what is shown is gone when %s ends the process', async (signal) => {
  const child = spawn(process.execPath, [main], { stdio: ['ignore', 'pipe', 'inherit'] });
  let written = '';
  child.stdout.on('data', (piece: Buffer) => (written += piece.toString()));
  await expect.poll(() => written, { timeout: 20_000 }).toContain('the secret');
  child.kill(signal);
  const [, endedBy] = (await once(child, 'close')) as [number | null, string | null];
  expect(endedBy).toBe(signal);
  expect(written.endsWith('the secret\n\x1b[H\x1b[2J\x1b[?1049l')).toBe(true);
});
