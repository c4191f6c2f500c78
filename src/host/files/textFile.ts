import { open, readdir, readFile, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { publishFile, type Owner } from './atomicFile.js';
import { syncDirectoryOf } from './durable.js';
import { ifPresent } from '../failure.js';

/** A small file and how it should be. */
export interface TextFile {
  readonly path: string;
  readonly content: string;
  /** Default: the present file's, else 0600. */
  readonly mode?: number;
  /** Default: the present file's, else the process's own. */
  readonly owner?: Owner;
}

/** @returns The file's text, or undefined where there is no file. */
export async function readTextFile(path: string): Promise<string | undefined> {
  return ifPresent(readFile(path, 'utf8'));
}

/**
 * Makes a file have the content, mode and owner, atomically and durably; a symbolic link stays and
 * its target changes.
 *
 * @returns Whether anything had to be changed.
 */
export async function ensureTextFile(file: TextFile): Promise<{ changed: boolean }> {
  const path = (await ifPresent(realpath(file.path))) ?? file.path;
  if (await isAsWanted(path, file)) return { changed: false };
  await publishFile({
    path,
    ...(file.mode === undefined ? {} : { mode: file.mode }),
    ...(file.owner === undefined ? {} : { owner: file.owner }),
    write: (handle) => handle.writeFile(file.content),
  });
  return { changed: true };
}

/**
 * Keeps a copy of a file beside it, named `<file>.<time>.backup`, with the same mode and owner. An
 * older copy is never overwritten; one with the same content is taken as this one, so that doing it
 * twice leaves one copy.
 *
 * @param now - The time in the copy's name.
 * @returns The copy's path, or undefined where there is no file to copy.
 */
export async function ensureBackup({ path, now }: { path: string; now: Date }): Promise<{ backupPath: string } | undefined> {
  const content = await readTextFile(path);
  const facts = await ifPresent(stat(path));
  if (content === undefined || facts === undefined) return undefined;
  const existing = await readBackups(path);
  for (const backupPath of existing) {
    if ((await readTextFile(backupPath)) === content) return { backupPath };
  }
  const backupPath = freeName(`${path}.${compactTime(now)}`, existing);
  await publishFile({
    path: backupPath,
    mode: facts.mode & 0o7777,
    owner: facts,
    write: (handle) => handle.writeFile(content),
  });
  return { backupPath };
}

/** @returns The paths of a file's copies made by {@link ensureBackup}, oldest first. */
export async function readBackups(path: string): Promise<readonly string[]> {
  const prefix = `${basename(path)}.`;
  const names = await readdir(dirname(path));
  return names
    .filter((name) => name.startsWith(prefix) && /^\d{8}T\d{6}Z(-\d+)?\.backup$/.test(name.slice(prefix.length)))
    .sort((one, other) => inOrder(one).localeCompare(inOrder(other), 'en', { numeric: true }))
    .map((name) => join(dirname(path), name));
}

/**
 * Adds text to a file's end, creating it with the mode (default 0600); returns when it is on the disk.
 */
export async function appendText({ path, text, mode = 0o600 }: { path: string; text: string; mode?: number }): Promise<void> {
  const isNew = (await ifPresent(stat(path))) === undefined;
  const file = await open(path, 'a', mode);
  try {
    await file.appendFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  if (isNew) await syncDirectoryOf(path);
}

async function isAsWanted(path: string, wanted: TextFile): Promise<boolean> {
  const facts = await ifPresent(stat(path));
  if (facts === undefined) return false;
  if (wanted.mode !== undefined && (facts.mode & 0o7777) !== wanted.mode) return false;
  if (wanted.owner && (facts.uid !== wanted.owner.uid || facts.gid !== wanted.owner.gid)) return false;
  return (await readTextFile(path)) === wanted.content;
}

function freeName(stem: string, taken: readonly string[]): string {
  const candidates = [`${stem}.backup`, ...taken.map((_, index) => `${stem}-${index + 2}.backup`)];
  // There is one candidate more than there are names taken.
  return candidates.find((candidate) => !taken.includes(candidate)) ?? `${stem}.backup`;
}

/** The first copy of a second carries no number. */
function inOrder(name: string): string {
  return name.replace(/Z\.backup$/, 'Z-1.backup');
}

function compactTime(time: Date): string {
  return time.toISOString().replace(/\.\d+Z$/, 'Z').replace(/[-:]/g, '');
}
