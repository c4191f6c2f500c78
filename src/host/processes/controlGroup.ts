import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorCode, ifPresent } from '../failure.js';
import { parseMountinfo } from '../disks/mounts.js';

/** How long killed processes may take to be gone: one that waits for a disk ends only when the disk answers. */
const endWithinMilliseconds = 15_000;
const pollMilliseconds = 20;

/**
 * Control groups (version 2) below a directory: whatever a step starts lives in one, so that the next
 * attempt can end all of it, grandchildren included.
 *
 * @param root - An existing directory in a cgroup2 filesystem; see {@link readControlGroupMount}.
 */
export function createControlGroups({ root }: { readonly root: string }) {
  const pathOf = (name: string): string => {
    if (!/^[A-Za-z0-9][A-Za-z0-9_.:-]{0,100}$/.test(name)) throw new Error(`${name} is no name for a control group`);
    return join(root, name);
  };

  return {
    /** Makes the group where it is missing. */
    async ensureControlGroup({ name }: { readonly name: string }): Promise<{ path: string }> {
      const path = pathOf(name);
      await mkdir(path, { recursive: true });
      return { path };
    },

    /**
     * Kills every process in the group and below it, and waits until they are gone.
     *
     * @returns how many there were, without those in groups below.
     * @throws when one is still there after 15 s.
     */
    async endControlGroup({ name }: { readonly name: string }): Promise<{ endedProcesses: number }> {
      const path = pathOf(name);
      const processes = await readProcesses(path);
      const deadline = Date.now() + endWithinMilliseconds;
      while (await isPopulated(path)) {
        await kill(path);
        if (Date.now() > deadline) {
          throw new Error(`processes ${(await readProcesses(path)).join(', ')} do not end although they were killed; they may be waiting for a disk that does not answer`);
        }
        await sleep(pollMilliseconds);
      }
      return { endedProcesses: processes.length };
    },

    /** The names of the groups directly below the root that begin so. */
    async listControlGroups({ prefix }: { readonly prefix: string }): Promise<readonly string[]> {
      const entries = await readdir(root, { withFileTypes: true });
      return entries.filter((entry) => entry.isDirectory() && entry.name.startsWith(prefix)).map(({ name }) => name);
    },

    /** Removes the group, which must be empty; does nothing where there is none. */
    async removeControlGroup({ name }: { readonly name: string }): Promise<{ changed: boolean }> {
      const path = pathOf(name);
      if ((await ifPresent(readFile(join(path, 'cgroup.events')))) === undefined) return { changed: false };
      await rmdir(path);
      return { changed: true };
    },
  };
}

/** What {@link createControlGroups} makes. */
export type ControlGroups = ReturnType<typeof createControlGroups>;

/** Where the host has its cgroup2 filesystem: `/sys/fs/cgroup`, or beside version 1 `/sys/fs/cgroup/unified`; undefined for none. */
export async function readControlGroupMount({ procDirectory = '/proc' }: { readonly procDirectory?: string } = {}): Promise<string | undefined> {
  const mounts = parseMountinfo(await readFile(`${procDirectory}/self/mountinfo`, 'utf8'));
  return mounts.findLast(({ type, root }) => type === 'cgroup2' && root === '/')?.mountPoint;
}

async function readProcesses(path: string): Promise<readonly number[]> {
  const text = await ifPresent(readFile(join(path, 'cgroup.procs'), 'utf8'), ['ENOENT', 'ENODEV']);
  return (text ?? '').split('\n').filter((line) => line !== '').map(Number);
}

async function isPopulated(path: string): Promise<boolean> {
  const text = await ifPresent(readFile(join(path, 'cgroup.events'), 'utf8'), ['ENOENT', 'ENODEV']);
  return text !== undefined && /^populated 1$/m.test(text);
}

/** Kernels before 5.14 have no `cgroup.kill`: there one after the other, again until none is left. */
async function kill(path: string): Promise<void> {
  // Opened without creating, so that a missing file says so (ENOENT) instead of EACCES.
  const written = await ifPresent(writeFile(join(path, 'cgroup.kill'), '1', { flag: 'r+' }).then(() => true));
  if (written !== undefined) return;
  for (const pid of await readProcesses(path)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      if (errorCode(error) !== 'ESRCH') throw error;
    }
  }
}
