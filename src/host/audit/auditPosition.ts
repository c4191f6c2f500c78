import { readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { ensureDirectory } from '../files/ensureDirectory.js';
import { partialPathOf } from '../files/atomicFile.js';
import { ifPresent } from '../failure.js';
import { explainHostFault } from '../hostFault.js';

const positionSchema = z.strictObject({
  sequence: z.number().int().positive(),
  chain: z.string().regex(/^[0-9a-f]{32}$/),
  /** Of the file that held the line. */
  path: z.string(),
  inode: z.number().int(),
  /** Milliseconds: the number of an inode is given to a new file soon after it is free. */
  bornAt: z.number(),
});

/** The last line that is known to be on the disk, and the file that it was written to. */
export type KnownPosition = Readonly<z.infer<typeof positionSchema>>;

/**
 * Where the writer keeps how far the audit log is: what became of a log that was rotated, shortened or
 * removed is seen by that. Anchors are taken from it, since its line was synced before it was written.
 */
export function auditPositionPath({ stateDirectory }: { readonly stateDirectory: string }): string {
  return join(stateDirectory, 'audit', 'position.json');
}

/** @returns What was kept last; undefined where nothing was, or what a power cut left is none. */
export async function readAuditPosition(path: string): Promise<KnownPosition | undefined> {
  const text = await ifPresent(readFile(path, 'utf8'));
  if (text === undefined) return undefined;
  try {
    return positionSchema.safeParse(JSON.parse(text)).data;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/**
 * Keeps a position. Without a sync, which each event would wait for: a power cut may put it back behind the
 * log, never before it, and the log itself is read then.
 *
 * @throws PermanentFailure where the filesystem is full, read-only or failing.
 */
export async function keepAuditPosition(path: string, position: KnownPosition): Promise<void> {
  await ensureDirectory(dirname(path), 0o700);
  try {
    await writeFile(partialPathOf(path), `${JSON.stringify(position)}\n`, { mode: 0o600 });
    await rename(partialPathOf(path), path);
  } catch (error) {
    throw explainHostFault(error, dirname(path));
  }
}
