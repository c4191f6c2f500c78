import type { BigIntStats } from 'node:fs';
import { readdir, readFile, readlink, stat } from 'node:fs/promises';
import { toDeviceNumber, type DeviceNumber } from './deviceNumber.js';
import { ifPresent } from '../failure.js';

/** Something that a process holds. */
export interface OpenFile {
  readonly pid: number;
  /** Through a descriptor, mapped into memory, or as its working directory. */
  readonly via: 'descriptor' | 'mapping' | 'workingDirectory';
  /**
   * `file` and `directory` lie on a device, deleted or not; `sharedMemory` in memory alone (/dev/shm,
   * memfd, System V); `other` are sockets, pipes, terminals and the kernel's own files.
   */
  readonly kind: 'file' | 'directory' | 'sharedMemory' | 'other';
  /** As the process sees it, which inside a container is not the host's path. */
  readonly path: string;
  readonly deleted: boolean;
  readonly deviceNumber: DeviceNumber;
  /** On that device. */
  readonly inode: string;
  /** The process may write to it: opened for it, or mapped shared and writable. */
  readonly writable: boolean;
}

const deletedMark = ' (deleted)';
/** A process or a descriptor may end between two reads; a kernel thread has neither files nor mappings. */
const gone = ['ENOENT', 'ESRCH'];

/** What processes hold open: the proof that a started database writes nowhere but on the encrypted device. */
export function createOpenFiles({ procDirectory = '/proc' }: { readonly procDirectory?: string } = {}) {
  return {
    /**
     * A process and all that descend from it, for example a container's first process and its sessions.
     *
     * @param pid - As the host numbers it.
     * @returns in ascending order; empty when the process has gone.
     */
    async readProcessTree({ pid }: { readonly pid: number }): Promise<readonly number[]> {
      const children = new Map<number, number[]>();
      const seen = new Set<number>();
      for (const name of (await readdir(procDirectory)).filter((each) => /^\d+$/.test(each))) {
        const parent = await readParent(`${procDirectory}/${name}/stat`);
        if (parent === undefined) continue;
        seen.add(Number(name));
        children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
      }
      const collect = (each: number): number[] => [each, ...(children.get(each) ?? []).flatMap(collect)];
      return seen.has(pid) ? collect(pid).sort((a, b) => a - b) : [];
    },

    /** The numbers of all processes of the host. */
    async readProcesses(): Promise<readonly number[]> {
      return (await readdir(procDirectory)).filter((each) => /^\d+$/.test(each)).map(Number);
    },

    /** What the processes hold; those that have ended hold nothing. Needs root. */
    async readOpenFiles({ pids }: { readonly pids: readonly number[] }): Promise<readonly OpenFile[]> {
      const files: OpenFile[] = [];
      for (const pid of pids) {
        const directory = `${procDirectory}/${pid}`;
        files.push(...(await readDescriptors(directory, pid)), ...(await readMappings(directory, pid)));
        const working = await readHeld(`${directory}/cwd`, { pid, via: 'workingDirectory', writable: false });
        if (working !== undefined) files.push(working);
      }
      return files;
    },
  };
}

/**
 * The files among them that lie elsewhere than on a device and matter to a database's data: whatever file
 * or directory is held through a descriptor or as a working directory, and what is mapped so that it can be
 * written. Programs and libraries, mapped to be read, are not data.
 */
export function findFilesElsewhere({
  files,
  deviceNumber,
}: {
  readonly files: readonly OpenFile[];
  readonly deviceNumber: DeviceNumber;
}): readonly OpenFile[] {
  return files.filter(
    ({ kind, via, writable, deviceNumber: own }) =>
      (kind === 'file' || kind === 'directory') && own !== deviceNumber && (via !== 'mapping' || writable),
  );
}

type Held = Pick<OpenFile, 'pid' | 'via' | 'writable'>;

async function readDescriptors(directory: string, pid: number): Promise<readonly OpenFile[]> {
  const found: OpenFile[] = [];
  for (const descriptor of (await ifPresent(readdir(`${directory}/fd`), gone)) ?? []) {
    const info = await ifPresent(readFile(`${directory}/fdinfo/${descriptor}`, 'utf8'), gone);
    if (info === undefined) continue;
    const flags = Number.parseInt(/^flags:\s+([0-7]+)/m.exec(info)?.[1] ?? '0', 8);
    // O_WRONLY is 1 and O_RDWR is 2.
    const file = await readHeld(`${directory}/fd/${descriptor}`, { pid, via: 'descriptor', writable: (flags & 3) !== 0 });
    if (file !== undefined) found.push(file);
  }
  return found;
}

async function readMappings(directory: string, pid: number): Promise<readonly OpenFile[]> {
  const found = new Map<string, OpenFile>();
  for (const line of ((await ifPresent(readFile(`${directory}/maps`, 'utf8'), gone)) ?? '').split('\n')) {
    // address permissions offset device inode path: an inode of 0 is anonymous memory.
    const [, range, permissions, path] = /^([0-9a-f]+-[0-9a-f]+) (\S{4}) \S+ \S+ (?!0 )\d+ +(.+)$/.exec(line) ?? [];
    if (range === undefined || permissions === undefined) continue;
    const writable = permissions.includes('w') && permissions.endsWith('s');
    const key = `${writable} ${path ?? ''}`;
    if (found.has(key)) continue;
    const file = await readHeld(`${directory}/map_files/${range.replace(/(^|-)0+(?=[0-9a-f])/g, '$1')}`, { pid, via: 'mapping', writable });
    if (file !== undefined) found.set(key, file);
  }
  return [...found.values()];
}

async function readHeld(link: string, held: Held): Promise<OpenFile | undefined> {
  const path = await ifPresent(readlink(link), gone);
  const stats = await ifPresent(stat(link, { bigint: true }), gone);
  if (path === undefined || stats === undefined) return undefined;
  const deleted = path.endsWith(deletedMark);
  return {
    ...held,
    kind: toKind(path, stats),
    path: deleted ? path.slice(0, -deletedMark.length) : path,
    deleted,
    deviceNumber: toDeviceNumber(stats.dev),
    inode: String(stats.ino),
  };
}

function toKind(path: string, stats: BigIntStats): OpenFile['kind'] {
  if (/^(\/dev\/shm\/|\/memfd:|\/SYSV|\/dev\/zero|\/anon_hugepage)/.test(path)) return 'sharedMemory';
  if (/^(\/proc|\/sys)(\/|$)/.test(path) || path.startsWith('anon_inode:')) return 'other';
  if (stats.isDirectory()) return 'directory';
  return stats.isFile() ? 'file' : 'other';
}

/** The parent is the second field after the name, which may itself hold spaces and brackets (proc(5)). */
async function readParent(statFile: string): Promise<number | undefined> {
  const text = await ifPresent(readFile(statFile, 'utf8'), gone);
  return text === undefined ? undefined : Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1]);
}
