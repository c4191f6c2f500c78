import type { BigIntStats } from 'node:fs';
import { lstat, readdir, readlink } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { PermanentFailure } from '../../contract/errors.js';
import { ifPresent } from '../failure.js';

/** One thing in a directory tree. */
export interface TreeEntry {
  /** Relative to the root; `.` for the root itself. */
  readonly path: string;
  readonly stats: BigIntStats;
}

/** A symbolic link that points out of its tree. */
export interface LeavingLink {
  readonly path: string;
  readonly target: string;
}

/** The size of a tree's content. */
export interface TreeSize {
  /** Apparent sizes of regular files, each inode once: what `du` counts besides differs between filesystems. */
  readonly sizeBytes: number;
  readonly files: number;
  readonly directories: number;
}

/**
 * Everything in a directory, itself first, parents before children, in the order of names: the same
 * order on any filesystem. Symbolic links are not followed. What vanishes meanwhile is left out.
 *
 * @param exclude - Relative paths that are left out with all below them.
 * @throws {@link PermanentFailure} for a name that is not UTF-8, which could not be told from another such.
 */
export async function* walkTree({
  directory,
  exclude = [],
}: {
  readonly directory: string;
  readonly exclude?: readonly string[];
}): AsyncGenerator<TreeEntry> {
  yield { path: '.', stats: await lstat(directory, { bigint: true }) };
  yield* walkBelow(directory, '', new Set(exclude));
}

/**
 * The symbolic links that leave a directory. An absolute target always counts: what it points at
 * depends on who looks, host or container, and a copy's link would point back into the original.
 */
export async function readLinksLeaving({ directory }: { readonly directory: string }): Promise<readonly LeavingLink[]> {
  const leaving: LeavingLink[] = [];
  for await (const { path, stats } of walkTree({ directory })) {
    if (!stats.isSymbolicLink()) continue;
    const target = await readlink(join(directory, path));
    const reached = relative(directory, resolve(directory, path, '..', target));
    if (target.startsWith('/') || reached === '..' || reached.startsWith('../')) leaving.push({ path, target });
  }
  return leaving;
}

/** How much a directory holds. */
export async function readTreeSize({ directory, exclude = [] }: { readonly directory: string; readonly exclude?: readonly string[] }): Promise<TreeSize> {
  const size = { sizeBytes: 0, files: 0, directories: 0 };
  const linked = new Set<string>();
  for await (const { stats } of walkTree({ directory, exclude })) {
    if (stats.isDirectory()) size.directories += 1;
    if (!stats.isFile()) continue;
    size.files += 1;
    const inode = `${stats.dev}:${stats.ino}`;
    if (stats.nlink > 1n && linked.has(inode)) continue;
    linked.add(inode);
    size.sizeBytes += Number(stats.size);
  }
  return size;
}

async function* walkBelow(root: string, parent: string, exclude: ReadonlySet<string>): AsyncGenerator<TreeEntry> {
  const names = await ifPresent(readdir(join(root, parent)));
  for (const name of (names ?? []).sort()) {
    const path = parent === '' ? name : `${parent}/${name}`;
    if (exclude.has(path)) continue;
    if (name.includes('\ufffd')) throw new PermanentFailure(`${join(root, path)} has a name that is not UTF-8`, 'rename it, or remove it if it is of no use');
    const stats = await ifPresent(lstat(join(root, path), { bigint: true }));
    if (stats === undefined) continue;
    yield { path, stats };
    if (stats.isDirectory()) yield* walkBelow(root, path, exclude);
  }
}
