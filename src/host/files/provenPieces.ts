import type { BigIntStats } from 'node:fs';
import { open } from 'node:fs/promises';
import { z } from 'zod';
import { isStillProven, proofSchema, readJsonLines } from './manifestEntry.js';
import { pieceBytes, type KnownPieces } from './pieceDigest.js';

const pieceSchema = z.strictObject({
  path: z.string(),
  number: z.int(),
  /** Into pieces of what size the file was divided: a number of another division is another part of the file. */
  pieceBytes: z.number(),
  sha256: z.string(),
  sizeBytes: z.number(),
  mtimeNs: z.string(),
  proof: proofSchema,
});
type Piece = z.infer<typeof pieceSchema>;

/** Pieces of the files that a manifest is being made of, kept on disk until it is complete. */
export interface ProvenPieces {
  /** Those of one file, as far as they still speak for it. */
  readonly of: (file: { readonly path: string; readonly stats: BigIntStats; readonly provenAtNs: string }) => KnownPieces;
  readonly close: () => Promise<void>;
}

/**
 * Opens the file of pieces that a killed attempt has left, or a new one. It is only ever added to: about
 * 300 bytes for each piece that is read.
 *
 * @param isNeeded - Whether a path is still to be read; the pieces of the others are passed over.
 */
export async function openProvenPieces({ file, isNeeded }: { readonly file: string; readonly isNeeded: (path: string) => boolean }): Promise<ProvenPieces> {
  const known = new Map<string, Map<number, Piece>>();
  for await (const line of readJsonLines(file)) {
    const piece = pieceSchema.safeParse(line);
    if (!piece.success || piece.data.pieceBytes !== pieceBytes || !isNeeded(piece.data.path)) continue;
    const ofPath = known.get(piece.data.path) ?? new Map<number, Piece>();
    known.set(piece.data.path, ofPath.set(piece.data.number, piece.data));
  }
  const handle = await open(file, 'a', 0o600);
  // What a kill has cut off must not swallow the next line.
  await handle.write('\n');
  return {
    of: ({ path, stats, provenAtNs }) => {
      const proof = { inode: String(stats.ino), ctimeNs: String(stats.ctimeNs), provenAtNs };
      const before = known.get(path);
      known.delete(path);
      return {
        find: (number) => {
          const piece = before?.get(number);
          return piece !== undefined && isStillProven(piece, stats) ? piece.sha256 : undefined;
        },
        keep: async (number, sha256) => {
          const piece: Piece = { path, number, pieceBytes, sha256, sizeBytes: Number(stats.size), mtimeNs: String(stats.mtimeNs), proof };
          await handle.write(`${JSON.stringify(piece)}\n`);
        },
      };
    },
    close: () => handle.close(),
  };
}
