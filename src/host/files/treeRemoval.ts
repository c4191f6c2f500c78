import { constants, type BigIntStats } from 'node:fs';
import { lstat, open, readdir, readFile, realpath, rmdir, unlink, type FileHandle } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { PermanentFailure } from '../../contract/errors.js';
import { ifPresent } from '../failure.js';

/** Which file or directory was meant, whatever its path leads to later. */
export interface FileIdentity {
  /** `st_dev`. */
  readonly device: string;
  readonly inode: string;
}

interface Removal {
  readonly device: bigint;
  readonly mountId: string;
  readonly signal: AbortSignal;
  readonly onFile: () => void;
}

const asDirectory = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** The identity of what lies at a path, which is not followed where it is a symbolic link; undefined where nothing is. */
export async function readIdentity(path: string): Promise<FileIdentity | undefined> {
  const stats = await ifPresent(lstat(path, { bigint: true }));
  return stats && identityOf(stats);
}

/** Device and inode of a stat. */
export function identityOf({ dev, ino }: BigIntStats): FileIdentity {
  return { device: String(dev), inode: String(ino) };
}

/**
 * Removes a file or a directory tree, and nothing else. Every name is taken away through a descriptor
 * of its directory (`/proc/self/fd`, what openat(2) does in C), so that a directory exchanged for a
 * symbolic link meanwhile leads nowhere. The mount of each directory is compared with the root's: what
 * is mounted inside, a bind mount of the same filesystem included, ends the removal before it is entered.
 *
 * @param path - Absolute, and without a symbolic link in it.
 * @param identity - What was listed at that path.
 * @param keepRoot - The directory itself stays, empty.
 * @throws {@link PermanentFailure} where something else lies at the path, or another mount inside.
 */
export async function removeTree({
  path,
  identity,
  keepRoot = false,
  signal,
  onFile = () => undefined,
}: {
  readonly path: string;
  readonly identity: FileIdentity;
  readonly keepRoot?: boolean;
  readonly signal: AbortSignal;
  readonly onFile?: () => void;
}): Promise<void> {
  await assertIs(path, identity);
  const parent = await open(dirname(path), asDirectory);
  try {
    const name = Buffer.from(basename(path));
    const stats = await lstat(below(parent, name), { bigint: true });
    if (!isSame(identityOf(stats), identity)) throw exchanged(path);
    if (!stats.isDirectory()) {
      await unlink(below(parent, name));
      onFile();
      await parent.sync();
      return;
    }
    const root = await open(below(parent, name), asDirectory);
    try {
      const opened = await root.stat({ bigint: true });
      if (!isSame(identityOf(opened), identity)) throw exchanged(path);
      await empty(root, path, { device: opened.dev, mountId: await readMountId(root), signal, onFile });
      await root.sync();
    } finally {
      await root.close();
    }
    if (!keepRoot) await rmdir(below(parent, name));
    await parent.sync();
  } finally {
    await parent.close();
  }
}

/** @throws {@link PermanentFailure} where a path leads elsewhere than when it was listed. */
export async function assertIs(path: string, identity: FileIdentity): Promise<void> {
  const found = await readIdentity(path);
  if (found === undefined || !isSame(found, identity) || (await realpath(path)) !== path) throw exchanged(path);
}

async function empty(directory: FileHandle, shown: string, removal: Removal): Promise<void> {
  for (const name of await readdir(pathOf(directory), { encoding: 'buffer' })) {
    removal.signal.throwIfAborted();
    const path = below(directory, name);
    const stats = await lstat(path, { bigint: true });
    const named = `${shown}/${name.toString()}`;
    if (!stats.isDirectory()) {
      // Not compared by device: an overlay filesystem gives files another one than directories. What is
      // mounted on a file keeps its content: unlink(2) takes away the name below the mount, or answers EBUSY.
      await unlink(path);
      removal.onFile();
      continue;
    }
    const child = await open(path, asDirectory);
    try {
      const { dev } = await child.stat({ bigint: true });
      if (dev !== removal.device || (await readMountId(child)) !== removal.mountId) throw otherMount(named);
      await empty(child, named, removal);
    } finally {
      await child.close();
    }
    await rmdir(path);
  }
}

/** The id of the mount that a descriptor was opened through (proc(5), fdinfo). */
async function readMountId(handle: FileHandle): Promise<string> {
  const found = /^mnt_id:\s+(\d+)/m.exec(await readFile(`/proc/self/fdinfo/${handle.fd}`, 'utf8'))?.[1];
  if (found === undefined) throw new Error('/proc/self/fdinfo does not tell the mount of a descriptor');
  return found;
}

function pathOf({ fd }: FileHandle): string {
  return `/proc/self/fd/${fd}`;
}

function below(directory: FileHandle, name: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${pathOf(directory)}/`), name]);
}

function isSame(one: FileIdentity, other: FileIdentity): boolean {
  return one.device === other.device && one.inode === other.inode;
}

function exchanged(path: string): PermanentFailure {
  return new PermanentFailure(`${path} is not what was listed (its device, inode or way there differs)`, 'nothing of it was removed: find out who exchanged it, then list anew with a run of its own');
}

function otherMount(path: string): PermanentFailure {
  return new PermanentFailure(`${path} lies on another mount than the directory that is being removed`, 'it was not entered: unmount it if it is of no use, then retry');
}
