import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { isRunning, type ProcessIdentity, readProcessIdentity } from '../../../../src/rehearsal/guest/processIdentity.js';
import { readImagesInUse, register } from '../../../../src/rehearsal/guest/registry.js';

let directory: string;
beforeEach(async () => (directory = await mkdtemp(join(tmpdir(), 'lockstep-registry-'))));
afterEach(() => rm(directory, { recursive: true }));

async function startProgram(): Promise<ProcessIdentity> {
  const child = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' });
  const identity = await readProcessIdentity(Number(child.pid));
  if (identity === undefined) throw new Error('the program did not start');
  return identity;
}

it('refuses a name that is in use, and names who uses it', async () => {
  await register('host', '/images/a', directory);
  await expect(register('host', '/images/a', directory)).rejects.toThrow(`in use by process ${process.pid}`);
  expect(await readImagesInUse(directory)).toEqual(['/images/a']);
});

it('ends what a dead owner left behind', async () => {
  const program = await startProgram();
  const owner = { ...program, startTime: program.startTime - 1 };
  await writeFile(join(directory, 'host.json'), JSON.stringify({ owner, image: '/images/a', processes: [program] }));
  expect(await readImagesInUse(directory)).toEqual([]);
  await register('host', '/images/b', directory);
  expect(await isRunning(program)).toBe(false);
});

it('ends its processes and removes its files, and no other guest\'s', async () => {
  const registration = await register('host', '/images/a', directory);
  const program = await startProgram();
  await registration.add(program);
  expect(await readFile(join(directory, 'host.json'), 'utf8')).toContain(`"pid":${program.pid}`);
  await writeFile(join(directory, 'host.ssh'), '');
  await writeFile(join(directory, 'host-b.ssh'), '');
  await registration.remove();
  expect(await isRunning(program)).toBe(false);
  expect(await readdir(directory)).toEqual(['host-b.ssh']);
});

it.runIf(availableParallelism() > 1)('gives guests that start at the same moment processors of their own', async () => {
  const guests = await Promise.all(['a', 'b'].map((name) => register(name, '/images/a', directory)));
  expect(new Set(guests.map(({ processor }) => processor)).size).toBe(2);
});
