import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Run } from '../../../host/processes/runner.js';
import { findKernel } from '../kernel.js';
import { guestSource } from '../projectFiles.js';

/**
 * A digest of everything that PostgreSQL's layer is made from.
 *
 * @returns 16 hexadecimal digits.
 */
export async function digestOfPostgresLayer(): Promise<string> {
  const hash = createHash('sha256');
  for (const file of [guestSource('files', 'postgres'), guestSource('image', 'postgresLayer.ts')]) await addPath(hash, file);
  return shorten(hash);
}

/**
 * A digest of everything that an image is made from, so that a change of any of it makes another image.
 *
 * @param bundle - The application's file.
 * @param composePlugin - The program that is `docker compose`.
 * @returns 16 hexadecimal digits.
 */
export async function digestOfImage({
  run,
  bundle,
  composePlugin,
  sizeGiB,
}: {
  run: Run;
  bundle: string;
  composePlugin: string;
  sizeGiB: number;
}): Promise<string> {
  const hash = createHash('sha256');
  const sources = ['files/upper', 'files/postgres', 'image'].map((name) => guestSource(name));
  for (const path of [...sources, bundle, composePlugin]) await addPath(hash, path);
  const docker = await run('dockerd', ['--version']);
  const kernel = await findKernel();
  for (const fact of [kernel.version, kernel.modules, process.version, docker.stdout, String(sizeGiB)]) hash.update(`${fact}\0`);
  return shorten(hash);
}

async function addPath(hash: Hash, path: string): Promise<void> {
  const names = await readdir(path).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOTDIR') return undefined;
    throw error;
  });
  if (names === undefined) {
    for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) hash.update(chunk as Buffer);
    return;
  }
  for (const name of names.toSorted()) {
    hash.update(`${name}\0`);
    const child = join(path, name);
    const target = await readlink(child).catch(() => undefined);
    if (target === undefined) await addPath(hash, child);
    else hash.update(`${target}\0`);
  }
}

function shorten(hash: Hash): string {
  return hash.digest('hex').slice(0, 16);
}
