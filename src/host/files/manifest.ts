import type { BigIntStats } from 'node:fs';
import { lstat, open, readlink, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { walkTree, type TreeEntry } from './directoryTree.js';
import { syncDirectoryOf } from './durable.js';
import { ifPresent } from '../failure.js';
import { readDigest } from './fileDigest.js';
import { createSummary, formatEntry, formatSummary, isStillProven, readPartialManifest, type ManifestEntry, type ManifestSummary } from './manifestEntry.js';
import { piecesOf, readPieceDigest } from './pieceDigest.js';
import { openProvenPieces, type ProvenPieces } from './provenPieces.js';

/** How far a manifest has come. */
export interface ManifestProgress {
  readonly files: number;
  /** Content accounted for, read or taken over. */
  readonly bytes: number;
  /** Content that had to be read. */
  readonly bytesRead: number;
}

/** What to describe, and what may be taken over from earlier. */
export interface ManifestRequest {
  readonly directory: string;
  /** Relative paths left out with all below them, for example a sentinel. */
  readonly exclude?: readonly string[];
  /** Earlier manifests of this very directory, later ones first, complete or cut off: a digest is used again for what has not changed since. */
  readonly previous?: readonly string[];
  /** Where the digests of pieces of large files are kept until these are read whole; absent: nowhere. */
  readonly pieces?: string;
  /** Whether something may write meanwhile. A file that changes while it is read has no digest then; in a frozen directory it is a failure. */
  readonly state: 'live' | 'frozen';
  readonly onProgress?: (progress: ManifestProgress) => void;
  readonly signal?: AbortSignal;
}

/** A manifest on the host's disk. */
export interface WrittenManifest extends ManifestSummary, ManifestProgress {
  readonly file: string;
}

/** Two at a time keep disk and processor busy together. */
const filesAtOnce = 2;

/**
 * Writes a manifest of a directory to a file of JSON lines that ends with a summary. It appears under
 * its name when it is complete; what a killed attempt had proven, to the piece of a file, or an earlier manifest
 * under the same name, is used by the next. Digests speak for the device only if the caller has synced the filesystem
 * and dropped the page cache before.
 *
 * @throws when a file of a frozen directory changes while it is read.
 */
export async function writeManifest({ file, ...request }: ManifestRequest & { readonly file: string }): Promise<WrittenManifest> {
  const partial = `${file}.partial`;
  const spare = `${file}.previous`;
  const pieces = `${file}.pieces`;
  await keepLonger(partial, spare);
  const progress = { files: 0, bytes: 0, bytesRead: 0 };
  const sum = createSummary();
  const handle = await open(partial, 'w', 0o600);
  try {
    const previous = [spare, file, ...(request.previous ?? [])];
    const onProgress = (now: ManifestProgress) => {
      Object.assign(progress, now);
      request.onProgress?.(now);
    };
    for await (const entry of readManifest({ ...request, previous, pieces, onProgress })) {
      sum.add(entry);
      await handle.write(formatEntry(entry));
    }
    const summary = sum.end();
    await handle.write(formatSummary(summary));
    await handle.sync();
    await rename(partial, file);
    for (const spent of [spare, pieces]) await rm(spent, { force: true });
    await syncDirectoryOf(file);
    return { file, ...progress, ...summary };
  } finally {
    await handle.close();
  }
}

/** The entries of a directory, in the order of {@link walkTree}. */
export async function* readManifest(request: ManifestRequest): AsyncGenerator<ManifestEntry> {
  const known = await readKnown(request.previous ?? []);
  const pieces = request.pieces === undefined ? undefined : await openProvenPieces({ file: request.pieces, isNeeded: (path) => !known.has(path) });
  const progress = { files: 0, bytes: 0, bytesRead: 0 };
  const firstPaths = new Map<string, Promise<ManifestEntry | undefined>>();
  const waiting: Promise<ManifestEntry | undefined>[] = [];

  const start = (entry: TreeEntry): Promise<ManifestEntry | undefined> => {
    const inode = `${entry.stats.dev}:${entry.stats.ino}`;
    const first = entry.stats.isFile() && entry.stats.nlink > 1n ? firstPaths.get(inode) : undefined;
    if (first !== undefined) return linkTo(first, entry);
    const described = describe({ ...request, pieces }, entry, known.get(entry.path), (bytes, wasRead) => {
      progress.bytes += bytes;
      if (wasRead) progress.bytesRead += bytes;
      request.onProgress?.({ ...progress });
    });
    if (entry.stats.isFile() && entry.stats.nlink > 1n) firstPaths.set(inode, described);
    return described;
  };
  const finish = async (described: Promise<ManifestEntry | undefined>): Promise<readonly ManifestEntry[]> => {
    const entry = await described;
    if (entry?.type === 'file') progress.files += 1;
    request.onProgress?.({ ...progress });
    return entry === undefined ? [] : [entry];
  };

  try {
    for await (const entry of walkTree({ directory: request.directory, exclude: request.exclude ?? [] })) {
      request.signal?.throwIfAborted();
      const described = start(entry);
      // It is awaited in its turn; until then a failure must not count as unhandled.
      void Promise.allSettled([described]);
      waiting.push(described);
      const oldest = waiting.length >= filesAtOnce ? waiting.shift() : undefined;
      if (oldest !== undefined) yield* await finish(oldest);
    }
    for (let oldest = waiting.shift(); oldest !== undefined; oldest = waiting.shift()) yield* await finish(oldest);
  } finally {
    // Whoever stops early must not leave readings behind that fail unheard.
    await Promise.allSettled(waiting);
    await pieces?.close();
  }
}

type Account = (bytes: number, wasRead: boolean) => void;

async function describe(
  { directory, state, signal, pieces }: Pick<ManifestRequest, 'directory' | 'state' | 'signal'> & { readonly pieces: ProvenPieces | undefined },
  { path, stats }: TreeEntry,
  known: ManifestEntry | undefined,
  account: Account,
): Promise<ManifestEntry | undefined> {
  const entry = toEntry(path, stats);
  const absolute = join(directory, path);
  if (entry.type === 'link') {
    const linkTarget = await ifPresent(readlink(absolute));
    return linkTarget === undefined ? undefined : { ...entry, linkTarget };
  }
  if (entry.type !== 'file') return entry;
  if (known !== undefined && isStillProven(known, stats)) {
    account(Number(stats.size), false);
    return { ...entry, sha256: known.sha256, pieceBytes: known.pieceBytes, proof: known.proof };
  }
  // Before the reading begins: a change during it must not count as older than the proof.
  const provenAtNs = String(BigInt(Date.now()) * 1_000_000n);
  const pieceBytes = piecesOf(Number(stats.size));
  const reading = pieceBytes !== null
    ? readPieceDigest({ file: absolute, sizeBytes: Number(stats.size), pieces: pieces?.of({ path, stats, provenAtNs }), onPiece: account, signal })
    : readDigest({ file: absolute, signal, onBytes: (bytes) => account(bytes, true) });
  const sha256 = state === 'live' ? await ifPresent(reading) : await reading;
  const after = await ifPresent(lstat(absolute, { bigint: true }));
  const settled = after !== undefined && isUntouched(stats, after);
  if (!settled && state === 'frozen') throw new Error(`${absolute} changed while it was read; find out what writes there before going on`);
  if (sha256 === undefined || after === undefined) return undefined;
  if (!settled) return { ...toEntry(path, after), sha256: null, proof: null };
  return { ...entry, sha256, pieceBytes, proof: { inode: String(stats.ino), ctimeNs: String(stats.ctimeNs), provenAtNs } };
}

/** A further name of a file that has been described: its digest is the same. */
async function linkTo(first: Promise<ManifestEntry | undefined>, { path, stats }: TreeEntry): Promise<ManifestEntry> {
  const original = await first;
  return { ...toEntry(path, stats), linkedTo: original?.path ?? null, sha256: original?.sha256 ?? null, pieceBytes: original?.pieceBytes ?? null, proof: original?.proof ?? null };
}

function toEntry(path: string, stats: BigIntStats): ManifestEntry {
  const type = toType(stats);
  return {
    path,
    type,
    mode: Number(stats.mode & 0o7777n).toString(8).padStart(4, '0'),
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    sizeBytes: type === 'file' ? Number(stats.size) : null,
    mtimeNs: type === 'directory' ? null : String(stats.mtimeNs),
    linkedTo: null,
    linkTarget: null,
    sha256: null,
    pieceBytes: null,
    proof: null,
  };
}

function toType(stats: BigIntStats): ManifestEntry['type'] {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'directory';
  if (stats.isSymbolicLink()) return 'link';
  if (stats.isFIFO()) return 'fifo';
  return stats.isSocket() ? 'socket' : 'device';
}

function isUntouched(before: BigIntStats, after: BigIntStats): boolean {
  return (['ino', 'size', 'mtimeNs', 'ctimeNs'] as const).every((field) => before[field] === after[field]);
}

/** An attempt that was cut off sooner than the one before it has proven less. */
async function keepLonger(partial: string, spare: string): Promise<void> {
  const [latest, earlier] = await Promise.all([ifPresent(lstat(partial)), ifPresent(lstat(spare))]);
  if (latest !== undefined && latest.size > (earlier?.size ?? 0)) await rename(partial, spare);
}

async function readKnown(files: readonly string[]): Promise<ReadonlyMap<string, ManifestEntry>> {
  const known = new Map<string, ManifestEntry>();
  for (const file of files.toReversed()) {
    for await (const entry of readPartialManifest({ file })) if (entry.proof !== null && isComparable(entry)) known.set(entry.path, entry);
  }
  return known;
}

/** Another version may have divided files differently: beside a digest that is made now, its own is that of another file. */
function isComparable({ sizeBytes, pieceBytes }: ManifestEntry): boolean {
  return sizeBytes !== null && pieceBytes === piecesOf(sizeBytes);
}
