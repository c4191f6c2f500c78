import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { syncDirectoryOf } from './durable.js';
import { ifPresent } from '../failure.js';
import { explainHostFault } from '../hostFault.js';

/** Numeric user and group of a file, since names differ between a host and its containers. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** A file that appears whole or not at all. */
export interface Publication<Result> {
  readonly path: string;
  /** Default: the present file's, else 0600. */
  readonly mode?: number;
  /** Default: the present file's, else the process's own. */
  readonly owner?: Owner;
  /** Fills the file; what it throws leaves the present file as it is. */
  readonly write: (file: FileHandle) => Promise<Result>;
}

/**
 * Writes beside the path, syncs, renames over it and syncs the directory, so that a power cut leaves
 * either the old file or the new one.
 *
 * @returns What `write` returned, once the file is on the disk under its name.
 * @throws PermanentFailure where the filesystem is full, read-only or failing; what was written so far is removed.
 */
export async function publishFile<Result>({ path, mode, owner, write }: Publication<Result>): Promise<Result> {
  const present = await ifPresent(stat(path));
  const partialPath = partialPathOf(path);
  await rm(partialPath, { force: true });
  try {
    const result = await fill(partialPath, {
      mode: mode ?? (present === undefined ? 0o600 : present.mode & 0o7777),
      owner: owner ?? present,
      write,
    });
    await rename(partialPath, path);
    await syncDirectoryOf(path);
    return result;
  } catch (error) {
    // On a filesystem that became read-only it stays, and the next attempt replaces it.
    await rm(partialPath, { force: true }).catch(() => undefined);
    throw explainHostFault(error, dirname(path));
  }
}

/**
 * Where a file lies while it is written. The name is always the same, so that what a power cut left
 * is replaced by the next attempt instead of filling the disk.
 */
export function partialPathOf(path: string): string {
  return join(dirname(path), `.${basename(path)}.lockstep-partial`);
}

async function fill<Result>(
  path: string,
  { mode, owner, write }: { mode: number; owner: Owner | undefined; write: (file: FileHandle) => Promise<Result> },
): Promise<Result> {
  const file = await open(path, 'wx', 0o600);
  try {
    const result = await write(file);
    if (owner) await file.chown(owner.uid, owner.gid);
    // After the owner: a change of owner drops set-id bits, and no one but the owner may read before.
    await file.chmod(mode);
    await file.sync();
    return result;
  } finally {
    await file.close();
  }
}
