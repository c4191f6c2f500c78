import { lstat, readFile, readlink } from 'node:fs/promises';
import type { Stats } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { PermanentFailure } from '../contract/errors.js';
import { defaultConfigPath } from './environment.js';

/**
 * Reads a file that only root can have written: the file itself, every directory above it, and
 * whatever symbolic links lead to it belong to root and are writable by nobody else. A POSIX access
 * list that lets others write shows in the group's bits, so it is refused too.
 *
 * A directory with the sticky bit, such as /tmp, may be writable by all: what root owns in it can be
 * neither replaced nor renamed by others.
 *
 * @returns The file's bytes.
 * @throws {@link PermanentFailure} naming every fault at once, with the command that mends each.
 */
export async function readTrustedFile(path: string): Promise<Buffer> {
  const { visited, resolved } = await walk(path);
  const faults = [...visited].flatMap(([at, stats]) => findFaults(at, stats));
  if (faults.length > 0) {
    throw new PermanentFailure(
      `${path} is not safe to trust: ${faults.map(({ fact }) => fact).join('; ')}`,
      `type "${faults.map(({ command }) => command).join(' && ')}", or move the file to ${dirname(defaultConfigPath)}`,
    );
  }
  if (visited.get(resolved)?.isFile() !== true) {
    throw new PermanentFailure(`${path} is not a regular file`, 'name a regular file');
  }
  return readFile(resolved);
}

/** As many as the kernel follows. */
const mostLinks = 40;

/** Visits what the kernel would visit on the way to the file, links and their targets included. */
async function walk(path: string): Promise<{ visited: ReadonlyMap<string, Stats>; resolved: string }> {
  const visited = new Map([['/', await lstat('/')]]);
  const pending = split(resolve(path));
  let resolved = '/';
  let links = 0;
  for (let name = pending.shift(); name !== undefined; name = pending.shift()) {
    const at = join(resolved, name);
    const stats = await lstat(at);
    visited.set(at, stats);
    if (!stats.isSymbolicLink()) {
      resolved = at;
      continue;
    }
    links += 1;
    if (links > mostLinks) {
      throw new PermanentFailure(`${path} leads through more than ${mostLinks} symbolic links`, 'name the file itself');
    }
    const target = await readlink(at);
    pending.unshift(...split(target));
    if (target.startsWith('/')) resolved = '/';
  }
  return { visited, resolved };
}

function split(path: string): string[] {
  return path.split('/').filter((name) => name !== '');
}

function findFaults(at: string, stats: Stats): { fact: string; command: string }[] {
  const link = stats.isSymbolicLink();
  const faults = [];
  if (stats.uid !== 0) {
    faults.push({
      fact: `${at} belongs to user ${stats.uid}, not root`,
      command: `chown ${link ? '--no-dereference ' : ''}root:root ${quote(at)}`,
    });
  }
  // A link's own mode means nothing; a sticky directory protects what root owns in it.
  const sticky = stats.isDirectory() && (stats.mode & 0o1000) !== 0;
  if (!link && !sticky && (stats.mode & 0o022) !== 0) {
    faults.push({
      fact: `${at} is writable by others than root (mode ${(stats.mode & 0o7777).toString(8).padStart(4, '0')})`,
      command: `chmod go-w ${quote(at)}`,
    });
  }
  return faults;
}

/** Makes the command fit to be pasted into a shell. */
function quote(path: string): string {
  return /^[\w./:@+-]+$/.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`;
}
