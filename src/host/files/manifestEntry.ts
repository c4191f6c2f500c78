import { createHash, type Hash } from 'node:crypto';
import { createReadStream, type BigIntStats } from 'node:fs';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { PermanentFailure } from '../../contract/errors.js';
import { ifPresent } from '../failure.js';
import { stat } from 'node:fs/promises';

const integer = z.string().regex(/^-?\d+$/);

/** What a file was like when it was read: what decides whether its digest may be used again. */
export const proofSchema = z.strictObject({ inode: integer, ctimeNs: integer, provenAtNs: integer });

const entrySchema = z.strictObject({
  path: z.string(),
  type: z.enum(['file', 'directory', 'link', 'fifo', 'socket', 'device']),
  /** Permission bits, in octal. */
  mode: z.string(),
  uid: z.number(),
  gid: z.number(),
  /** Of regular files; null for anything else, since filesystems differ there. */
  sizeBytes: z.number().nullable(),
  /** Null for a directory: its time changes with its entries, which are compared themselves. */
  mtimeNs: integer.nullable(),
  /** The first path with the same inode, in the manifest's order; null for that path itself and for all others. */
  linkedTo: z.string().nullable(),
  linkTarget: z.string().nullable(),
  /** Of regular files; null also where the file changed while it was read. */
  sha256: z.string().nullable(),
  /** Where `sha256` is the digest over the file's pieces (`readPieceDigest`), how large these are; null: it is what sha256sum prints. */
  pieceBytes: z.number().nullable(),
  /** No part of the comparison. */
  proof: proofSchema.nullable(),
});

const summarySchema = z.strictObject({
  summary: z.strictObject({ digest: z.string(), entries: z.number(), files: z.number(), sizeBytes: z.number() }),
});

/** One path of a directory, with what a faithful copy has to share. */
export type ManifestEntry = Readonly<z.infer<typeof entrySchema>>;

/** The end of a complete manifest. */
export interface ManifestSummary {
  /** Over all that is compared, in order: equal for equal directories. */
  readonly digest: string;
  readonly entries: number;
  readonly files: number;
  /** Of regular files, each inode once. */
  readonly sizeBytes: number;
}

/** The fields in which two directories are compared. */
export const comparedFields = ['type', 'mode', 'uid', 'gid', 'sizeBytes', 'mtimeNs', 'linkedTo', 'linkTarget', 'sha256'] as const;

/**
 * Timestamps come from a clock that ticks every few milliseconds, and some filesystems keep whole
 * seconds (FAT two): a file touched that close to its proof may have changed again without a trace.
 */
const clockGranularityNs = 2_000_000_000n;

/** Whether a digest proven earlier still speaks for a file. */
export function isStillProven({ sizeBytes, mtimeNs, sha256, proof }: Pick<ManifestEntry, 'sizeBytes' | 'mtimeNs' | 'sha256' | 'proof'>, stats: BigIntStats): boolean {
  if (proof === null || sha256 === null) return false;
  const lastTouchedNs = stats.mtimeNs > stats.ctimeNs ? stats.mtimeNs : stats.ctimeNs;
  return (
    BigInt(sizeBytes ?? -1) === stats.size &&
    mtimeNs === String(stats.mtimeNs) &&
    proof.ctimeNs === String(stats.ctimeNs) &&
    proof.inode === String(stats.ino) &&
    lastTouchedNs + clockGranularityNs < BigInt(proof.provenAtNs)
  );
}

/** The line of an entry. */
export function formatEntry(entry: ManifestEntry): string {
  return `${JSON.stringify(entry)}\n`;
}

/** The last line of a complete manifest. */
export function formatSummary(summary: ManifestSummary): string {
  return `${JSON.stringify({ summary })}\n`;
}

/** Adds up entries, in the order in which they stand in the manifest. */
export function createSummary(): { add: (entry: ManifestEntry) => void; end: () => ManifestSummary } {
  const hash = createHash('sha256');
  const totals = { entries: 0, files: 0, sizeBytes: 0 };
  return {
    add: (entry) => {
      addCompared(hash, entry);
      totals.entries += 1;
      if (entry.type === 'file') totals.files += 1;
      if (entry.linkedTo === null) totals.sizeBytes += entry.sizeBytes ?? 0;
    },
    end: () => ({ digest: hash.digest('hex'), ...totals }),
  };
}

/**
 * The entries of a manifest's file.
 *
 * @throws {@link PermanentFailure} when the manifest is not complete, or not what its summary says.
 */
export async function* readCompleteManifest({ file }: { readonly file: string }): AsyncGenerator<ManifestEntry, ManifestSummary> {
  const sum = createSummary();
  for await (const line of readLines(file)) {
    const parsed: unknown = JSON.parse(line);
    const end = summarySchema.safeParse(parsed);
    if (!end.success) {
      const entry = entrySchema.parse(parsed);
      sum.add(entry);
      yield entry;
      continue;
    }
    const found = sum.end();
    if (found.digest !== end.data.summary.digest) {
      throw new PermanentFailure(`the manifest ${file} was changed after it was written`, 'make it anew');
    }
    return found;
  }
  throw new PermanentFailure(`the manifest ${file} is not complete`, 'let the run finish it, or make it anew');
}

/** The entries of a manifest that may have been cut off, up to its first line that is not whole. None where the file is absent. */
export async function* readPartialManifest({ file }: { readonly file: string }): AsyncGenerator<ManifestEntry> {
  for await (const line of readJsonLines(file)) {
    const entry = entrySchema.safeParse(line);
    if (!entry.success) return;
    yield entry.data;
  }
}

function addCompared(hash: Hash, entry: ManifestEntry): void {
  hash.update(JSON.stringify([entry.path, ...comparedFields.map((field) => entry[field])]));
  hash.update('\n');
}

function readLines(file: string): AsyncIterable<string> {
  return createInterface({ input: createReadStream(file, 'utf8'), crlfDelay: Infinity });
}

/** The lines of a file that may be absent, or have been cut off: one that is not whole is undefined. */
export async function* readJsonLines(file: string): AsyncGenerator {
  if ((await ifPresent(stat(file))) === undefined) return;
  for await (const line of readLines(file)) yield parseOrUndefined(line);
}

function parseOrUndefined(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
