import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRun } from '../../src/host/processes/runner.js';

const directory = fileURLToPath(new URL('../../node_modules/.cache/lockstep/', import.meta.url));
const settings = ['--username', 'supersync', '--auth', 'trust', '--no-sync', '--data-checksums', '--encoding', 'UTF8', '--locale', 'C', '--wal-segsize', '1'];

/**
 * Puts a new cluster with the superuser `supersync` where nothing is yet. One is initialised and kept,
 * of which the others are copies: that takes a quarter of the time.
 *
 * @param programs - The folder of PostgreSQL's programs.
 * @param runAsOwner - Runs a program as a user that PostgreSQL accepts.
 */
export async function createCluster(
  programs: string,
  dataDirectory: string,
  runAsOwner: (program: string, args: readonly string[]) => Promise<unknown>,
): Promise<void> {
  const digest = createHash('sha256').update(JSON.stringify([programs, settings, process.getuid?.()])).digest('hex');
  const kept = join(directory, `postgres.${digest.slice(0, 16)}`);
  if (existsSync(kept)) return copy(kept, dataDirectory);
  await runAsOwner(join(programs, 'initdb'), ['--pgdata', dataDirectory, ...settings]);
  const unfinished = `${kept}.${process.pid}`;
  await mkdir(directory, { recursive: true });
  await copy(dataDirectory, unfinished);
  await rename(unfinished, kept).catch(async (error: unknown) => {
    // Another process was quicker.
    if (!existsSync(kept)) throw error;
    await rm(unfinished, { recursive: true });
  });
}

async function copy(from: string, to: string): Promise<void> {
  await createRun()('cp', ['--archive', '--reflink=auto', from, to]);
}
