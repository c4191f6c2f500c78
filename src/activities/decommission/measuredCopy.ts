import { lstat } from 'node:fs/promises';
import { walkTree } from '../../host/files/directoryTree.js';
import { identityOf, type FileIdentity } from '../../host/files/treeRemoval.js';

/** A copy in the clear that may be removed: what it is was shown, not assumed. */
export interface Copy {
  readonly what: string;
  /** Without a symbolic link in it. */
  readonly path: string;
  readonly identity: FileIdentity;
  readonly isDirectory: boolean;
  /** The place stays, empty and closed: a container would make a new, empty, unencrypted cluster in it. */
  readonly keepsPlace: boolean;
  readonly files: number;
  readonly sizeBytes: number;
  /** Blocks on the disk that come free: without those of files that have another name outside. */
  readonly allocatedBytes: number;
  /** Files in it that have another name outside: their content stays. */
  readonly namedElsewhere: number;
  /** The SHA-256 of a data directory's control file, which each start of it rewrites; absent in what runs of earlier versions listed. */
  readonly control?: { readonly path: string; readonly digest: string };
}

/** Files, bytes and identity of a copy as it is now. */
export async function measureCopy({ what, path, keepsPlace }: Pick<Copy, 'what' | 'path' | 'keepsPlace'>): Promise<Copy> {
  const root = await lstat(path, { bigint: true });
  const inodes = new Map<string, { readonly links: bigint; readonly blocks: bigint; readonly sizeBytes: bigint; seen: bigint }>();
  let files = 0;
  for await (const { stats } of root.isDirectory() ? walkTree({ directory: path }) : [{ stats: root }]) {
    if (!stats.isFile()) continue;
    files += 1;
    const inode = `${stats.dev}:${stats.ino}`;
    const { nlink: links, blocks, size: sizeBytes } = stats;
    inodes.set(inode, { links, blocks, sizeBytes, seen: (inodes.get(inode)?.seen ?? 0n) + 1n });
  }
  const all = [...inodes.values()];
  const going = all.filter(({ links, seen }) => links <= seen);
  return {
    ...{ what, path, keepsPlace, files, identity: identityOf(root), isDirectory: root.isDirectory() },
    sizeBytes: Number(all.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0n)),
    // st_blocks counts 512 bytes whatever the filesystem's own blocks (stat(2)).
    allocatedBytes: Number(going.reduce((sum, { blocks }) => sum + blocks, 0n)) * 512,
    namedElsewhere: all.length - going.length,
  };
}
