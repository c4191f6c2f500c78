import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readEnvironment } from '../../src/config/environment.js';

/** The `temporal` program in Lockstep's cache. */
export function findTemporalProgram(): string {
  return findInCache('bin/temporal');
}

/** The folder with the jars of the server that skips time. */
export function findTestServerJars(): string {
  return findInCache('test-server/lib');
}

function findInCache(name: string): string {
  const path = join(readEnvironment().cacheDirectory, name);
  if (!existsSync(path)) throw new Error(`${path} does not exist; run scripts/setup --tests first`);
  return path;
}
