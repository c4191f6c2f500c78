import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { ifPresent } from '../failure.js';
import { parseAuditLine, type AuditPosition } from './auditLine.js';

/** A file of an audit log, read whole: a year of it is some megabytes. */
export interface AuditFile {
  readonly path: string;
  /** The complete lines as bytes in latin1, without their newlines. */
  readonly lines: readonly string[];
  /** What comes after the last newline. */
  readonly torn: string;
}

/** The most that a packed file may hold, so that one that was made for it does not fill the memory. */
const unpackedBytes = 1024 ** 3;

/**
 * Reads a file of an audit log, unpacked where its name ends in `.gz`.
 *
 * @throws Error where it cannot be read or unpacked.
 */
export async function readAuditFile(path: string): Promise<AuditFile> {
  const bytes = await readFile(path);
  const content = path.endsWith('.gz') ? await promisify(gunzip)(bytes, { maxOutputLength: unpackedBytes }) : bytes;
  return { path, ...splitLines(content) };
}

/** The complete lines as bytes in latin1, without their newlines, and what comes after the last newline. */
export function splitLines(content: Buffer): { lines: string[]; torn: string } {
  const lines = content.toString('latin1').split('\n');
  const torn = lines.pop() ?? '';
  return { lines, torn };
}

/**
 * The files that logrotate(8) has made of a log, in its directory: numbered or dated, packed or not.
 *
 * @returns Paths, in no order.
 */
export async function readRotatedPaths(path: string): Promise<readonly string[]> {
  const names = (await ifPresent(readdir(dirname(path)))) ?? [];
  const stem = basename(path);
  return names
    .filter((name) => name.startsWith(stem) && /^[.-]\d[\d._T-]*(\.gz)?$/.test(name.slice(stem.length)))
    .map((name) => join(dirname(path), name));
}

/** What the log's newest rotated file says of the log. */
export interface Predecessor {
  readonly end: AuditPosition | undefined;
  readonly ids: ReadonlySet<string>;
}

/** Reads the rotated file that was written to last, of those that can be read. */
export async function readPredecessor(path: string): Promise<Predecessor> {
  const rotated = await Promise.all((await readRotatedPaths(path)).map(async (file) => ({ file, writtenAt: (await ifPresent(stat(file)))?.mtimeMs ?? 0 })));
  for (const { file } of rotated.sort((one, other) => other.writtenAt - one.writtenAt)) {
    // One that is just being packed can not be read, and to fail would keep every later event out of the log.
    const content = await readAuditFile(file).catch(() => undefined);
    const parsed = (content?.lines ?? []).map(parseAuditLine).filter((line) => line !== undefined);
    if (parsed.length > 0) return { end: parsed.at(-1), ids: new Set(parsed.map(({ id }) => id)) };
  }
  return { end: undefined, ids: new Set() };
}
