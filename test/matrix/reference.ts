import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Chain } from './chain.js';

type Stored = Omit<Chain, 'bytesRead' | 'durations'> & { readonly bytesRead: Record<string, number>; readonly durations: Record<string, number> };

/** Keeps an undisturbed chain, for cells that are repeated later. */
export async function writeReference(path: string, chain: Chain): Promise<void> {
  const stored: Stored = { ...chain, bytesRead: Object.fromEntries(chain.bytesRead), durations: Object.fromEntries(chain.durations) };
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeFile(path, JSON.stringify(stored));
}

/** Reads what {@link writeReference} wrote. @throws Error where no matrix has run. */
export async function readReference(path: string): Promise<Chain> {
  const stored = JSON.parse(await readFile(path, 'utf8')) as Stored;
  return { ...stored, bytesRead: new Map(Object.entries(stored.bytesRead)), durations: new Map(Object.entries(stored.durations)) };
}
