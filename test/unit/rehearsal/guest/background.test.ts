import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { isRunning, type ProcessIdentity } from '../../../../src/rehearsal/guest/processIdentity.js';
import { compileForTest } from '../../../workflows/compiled.js';

it('ends what runs in the background when its owner is killed', async () => {
  const main = await compileForTest(new URL('./fixtures/owner.ts', import.meta.url));
  const owner = spawn(process.execPath, [main], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(owner.stdout, 'data')) as [Buffer];
  const program = JSON.parse(line.toString()) as ProcessIdentity;
  expect(await isRunning(program)).toBe(true);
  owner.kill('SIGKILL');
  await expect.poll(() => isRunning(program)).toBe(false);
});
