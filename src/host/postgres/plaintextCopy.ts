import { open, stat } from 'node:fs/promises';
import { constants, gunzipSync } from 'node:zlib';
import { join } from 'node:path';
import { findArchive } from './dumpArchive.js';
import { ifPresent } from '../failure.js';

/** What the beginning of a file or directory shows of PostgreSQL's data in it. */
export type PlaintextCopy =
  /** A data directory: a copy of the filesystem, or the cluster itself. */
  | { readonly kind: 'cluster'; readonly systemIdentifier: string }
  | { readonly kind: 'WAL segment'; readonly systemIdentifier: string }
  /** Of pg_dump or pg_dumpall: `readDump` tells what it holds. */
  | { readonly kind: 'dump' }
  /** Encrypted: OpenPGP, or a LUKS header. */
  | { readonly kind: 'encrypted' }
  | { readonly kind: 'unknown'; readonly why: string };

const headBytes = 512 * 1024;
/** A page header of that magic's family begins each segment; the identifier stands at 24 in its long form (xlog_internal.h). */
const walIdentifierOffset = 24;
/** Behind the identifier, two versions and the state, aligned to eight bytes. */
const controlTimeOffset = 24;

/** The cluster's system identifier, the first field of its control file (pg_control.h); undefined where the directory is no cluster. */
export async function readSystemIdentifier(directory: string): Promise<string | undefined> {
  if ((await ifPresent(stat(join(directory, 'PG_VERSION')))) === undefined) return undefined;
  const head = await ifPresent(readHead(join(directory, 'global', 'pg_control'), 8));
  return head === undefined || head.length < 8 ? undefined : String(head.readBigUInt64LE(0));
}

/** When the cluster's control file was last written by PostgreSQL, as each start does (its fourth field, in seconds; pg_control.h). */
export async function readControlTime(directory: string): Promise<Date | undefined> {
  const head = await ifPresent(readHead(join(directory, 'global', 'pg_control'), controlTimeOffset + 8));
  if (head === undefined || head.length < controlTimeOffset + 8) return undefined;
  const time = new Date(Number(head.readBigInt64LE(controlTimeOffset)) * 1000);
  // A damaged file may hold any number.
  return Number.isNaN(time.getTime()) ? undefined : time;
}

/** Looks into a regular file. What cannot be recognised is named so that a person looks. */
export async function recogniseFile(path: string, name: string): Promise<PlaintextCopy> {
  const head = await readHead(path, headBytes);
  if (isEncrypted(head)) return { kind: 'encrypted' };
  if (/^[0-9A-F]{24}(\.partial)?$/.test(name) && head.length >= walIdentifierOffset + 8) {
    return { kind: 'WAL segment', systemIdentifier: String(head.readBigUInt64LE(walIdentifierOffset)) };
  }
  const content = unpack(head);
  if (content === undefined) return { kind: 'unknown', why: 'compressed in a way that is not looked into' };
  if (findArchive(content) !== undefined) return { kind: 'dump' };
  const mark = /^--\r?\n-- PostgreSQL database (?:cluster )?dump/m.exec(content.toString('latin1'));
  if (mark === null) return { kind: 'unknown', why: 'not recognised as data of PostgreSQL' };
  // A script, or a tar, may hold one beside other things.
  return mark.index === 0 ? { kind: 'dump' } : { kind: 'unknown', why: 'it holds a dump of PostgreSQL after something else: look into it' };
}

function isEncrypted(head: Buffer): boolean {
  if (head.subarray(0, 6).toString('latin1') === 'LUKS\xba\xbe') return true;
  // Tags 1 and 3 are the session key packets that begin an encrypted message (RFC 4880, 4.2 and 4.3).
  const first = head[0] ?? 0;
  const tag = (first & 0x40) !== 0 ? first & 0x3f : (first & 0x3c) >> 2;
  return (first & 0x80) !== 0 && (tag === 1 || tag === 3) && !isCompressed(head);
}

function isCompressed(head: Buffer): boolean {
  return ['1f8b', '28b52ffd', 'fd377a58', '425a68', '04224d18'].some((magic) => head.subarray(0, magic.length / 2).toString('hex') === magic);
}

/** The beginning as it was before gzip; undefined for other compressions. */
function unpack(head: Buffer): Buffer | undefined {
  if (!isCompressed(head)) return head;
  if (head.subarray(0, 2).toString('hex') !== '1f8b') return undefined;
  try {
    // The end is missing where the file is longer than what was read of it.
    return gunzipSync(head, { finishFlush: constants.Z_SYNC_FLUSH });
  } catch {
    return undefined;
  }
}

async function readHead(path: string, most: number): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(most), 0, most, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
