import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { connectClient, localServer } from '../../src/worker/connection.js';
import { compileForTest } from '../workflows/compiled.js';
import { findFreePort } from '../workflows/freePort.js';
import { findTemporalProgram } from '../workflows/programs.js';

let directory: string;
let started: ChildProcess | undefined;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lockstep-command-'));
  await writeFile(join(directory, 'lockstep.yaml'), `host: h8\nstateDirectory: ${directory}/state\n`);
});
afterEach(async () => {
  started?.kill('SIGKILL');
  await rm(directory, { recursive: true });
});

/** Starts `lockstep server` and waits until it says where the server is. */
async function startServerCommand(port: number): Promise<ChildProcess> {
  const main = await compileForTest(new URL('../../src/cli/main.ts', import.meta.url));
  const args = [main, 'server', '--config', join(directory, 'lockstep.yaml'), '--port', String(port), '--no-ui'];
  const env = { ...process.env, PATH: `${dirname(findTemporalProgram())}:${process.env['PATH'] ?? ''}` };
  started = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const { stdout } = started;
  let said = '';
  stdout?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  await expect.poll(() => said, { timeout: 20_000 }).toContain(`Temporal server at 127.0.0.1:${port}`);
  return started;
}

const isAway = (port: number) =>
  connectClient(localServer(port), 1).then(
    async ({ connection }) => {
      await connection.close();
      return false;
    },
    () => true,
  );

test('the server ends in order when its command is told to', async () => {
  const port = await findFreePort();
  const command = await startServerCommand(port);
  const exit = once(command, 'exit');
  command.kill('SIGTERM');
  expect(await exit).toEqual([0, null]);
  expect(await isAway(port)).toBe(true);
});

test('the server does not outlive a command that was killed', async () => {
  const port = await findFreePort();
  const command = await startServerCommand(port);
  command.kill('SIGKILL');
  await expect.poll(() => isAway(port), { timeout: 8000 }).toBe(true);
});
