import { link, rm, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { PermanentFailure } from '../../contract/errors.js';
import { syncDirectoryOf, syncFile } from '../files/durable.js';
import { explain, ifPresent } from '../failure.js';
import type { Run } from '../processes/runner.js';

/** The file behind a volume. */
export interface VolumeFile {
  readonly sizeBytes: number;
  /** What the filesystem has set aside for it. */
  readonly allocatedBytes: number;
  /** No hole is left: writing to the volume can not fill the disk below it. */
  readonly fullyAllocated: boolean;
  readonly inode: number;
}

/** Where the size of allocated blocks is counted in, whatever the filesystem's own block size (stat(2)). */
const blockBytes = 512;

const probeBytes = 1024 * 1024;

/** The file behind a volume: fully allocated, since a sparse one fills the disk under a running database. */
export function createVolumeFile({ run }: { readonly run: Run }) {
  /** The file's size and allocation, or undefined where it is absent. */
  async function readVolumeFile({ path }: { readonly path: string }): Promise<VolumeFile | undefined> {
    const found = await ifPresent(stat(path));
    if (found === undefined) return undefined;
    const allocatedBytes = found.blocks * blockBytes;
    return { sizeBytes: found.size, allocatedBytes, fullyAllocated: allocatedBytes >= found.size, inode: found.ino };
  }

  async function fallocate(file: string, sizeBytes: number): Promise<void> {
    const noRoom = (facts: string) =>
      new PermanentFailure(`the filesystem of ${file} has no room for ${sizeBytes} bytes${facts}`, 'free space, or put the volume file elsewhere');
    // ext4 takes blocks until none is left before it says so: meanwhile a database on that disk would be out of room.
    const { bavail, bsize } = await statfs(dirname(file));
    const missingBytes = sizeBytes - ((await readVolumeFile({ path: file }))?.allocatedBytes ?? 0);
    if (missingBytes > bavail * bsize) throw noRoom(` (${bavail * bsize} available)`);
    try {
      await run('fallocate', ['--length', String(sizeBytes), file], { timeout: 'service' });
    } catch (error) {
      explain(error, [
        { says: /No space left/, then: () => noRoom('') },
        {
          says: /not supported/,
          then: () => new PermanentFailure(`the filesystem of ${file} can not allocate files in advance`, 'put the volume file on ext4 or XFS'),
        },
      ]);
    }
    const made = await readVolumeFile({ path: file });
    if (made?.sizeBytes !== sizeBytes || !made.fullyAllocated) {
      throw new PermanentFailure(
        `${file} has ${made?.allocatedBytes ?? 0} bytes allocated of ${sizeBytes}`,
        'put the volume file on a filesystem that keeps what fallocate reserves, such as ext4 or XFS',
      );
    }
  }

  return {
    readVolumeFile,

    /**
     * Whether the filesystem of a file sets blocks aside in advance, tried with a small file beside it that is removed again.
     *
     * @throws {@link PermanentFailure} when it does not.
     */
    async assertReserves({ path }: { readonly path: string }): Promise<void> {
      const probe = `${path}.probe`;
      try {
        await run('install', ['--mode', '600', '/dev/null', probe]);
        await fallocate(probe, probeBytes);
      } finally {
        await rm(probe, { force: true });
      }
    },

    /**
     * Makes the file, whole or not at all, for root alone; what a killed attempt left is removed first.
     *
     * @throws {@link PermanentFailure} when the file exists, or the filesystem has no room or can not reserve it.
     */
    async allocate({ path, sizeBytes }: { readonly path: string; readonly sizeBytes: number }): Promise<VolumeFile> {
      if ((await readVolumeFile({ path })) !== undefined) {
        throw new PermanentFailure(`${path} already exists`, 'it is not overwritten: find out whose it is');
      }
      const partial = `${path}.allocating`;
      await rm(partial, { force: true });
      try {
        await run('install', ['--mode', '600', '/dev/null', partial]);
        await fallocate(partial, sizeBytes);
        await syncFile(partial);
        // A link does not replace what appeared under the name meanwhile; a rename would.
        await link(partial, path);
      } finally {
        await rm(partial, { force: true });
      }
      await syncDirectoryOf(path);
      return assertPresent(path, await readVolumeFile({ path }));
    },

    /**
     * Makes the file larger in place; does nothing where it has the size.
     *
     * @throws {@link PermanentFailure} when it is larger already, absent, or there is no room.
     */
    async grow({ path, sizeBytes }: { readonly path: string; readonly sizeBytes: number }): Promise<{ changed: boolean } & VolumeFile> {
      const before = assertPresent(path, await readVolumeFile({ path }));
      if (before.sizeBytes > sizeBytes) {
        throw new PermanentFailure(`${path} has ${before.sizeBytes} bytes, more than ${sizeBytes}`, 'volumes do not shrink; name a larger size');
      }
      const changed = before.sizeBytes < sizeBytes || !before.fullyAllocated;
      if (changed) await fallocate(path, sizeBytes);
      await syncFile(path);
      return { changed, ...assertPresent(path, await readVolumeFile({ path })) };
    },
  };
}

function assertPresent(path: string, found: VolumeFile | undefined): VolumeFile {
  if (found === undefined) throw new PermanentFailure(`${path} does not exist`, 'check volume.file in lockstep.yaml');
  return found;
}
