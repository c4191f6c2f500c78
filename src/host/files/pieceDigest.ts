import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { openUntouched } from './fileDigest.js';

/** Bytes of a piece: as much of a file is read again after a kill. */
export const pieceBytes = 2 * 1024 * 1024;

/** How large the pieces are over which a file's digest is made, in bytes; null: it is one over the content. */
export function piecesOf(sizeBytes: number): number | null {
  return sizeBytes > pieceBytes ? pieceBytes : null;
}

/** Digests of pieces that were read before, and where those that are read go. */
export interface KnownPieces {
  /** @returns The SHA-256 of a piece in hexadecimal, or undefined where it has to be read. */
  readonly find: (number: number) => string | undefined;
  readonly keep: (number: number, sha256: string) => Promise<void>;
}

/**
 * The SHA-256 over the SHA-256s of a file's pieces, in lower-case hexadecimal. Unlike a digest of the content it
 * can be gone on with after a kill. It is what `split --bytes=2M --filter=sha256sum FILE | sha256sum` prints, so
 * each piece is a line as sha256sum writes it.
 *
 * It reads through the page cache, as `readDigest` does, and leaves the access time as it was.
 *
 * @param sizeBytes - The file's size; whether it still has it is for the caller to look at.
 * @param onPiece - Called after each piece with its size in bytes, and whether it had to be read.
 * @param signal - Ends the reading between two pieces.
 */
export async function readPieceDigest({
  file,
  sizeBytes,
  pieces,
  onPiece,
  signal,
}: {
  readonly file: string;
  readonly sizeBytes: number;
  readonly pieces?: KnownPieces | undefined;
  readonly onPiece?: (bytes: number, wasRead: boolean) => void;
  readonly signal?: AbortSignal | undefined;
}): Promise<string> {
  const handle = await openUntouched(file);
  try {
    const whole = createHash('sha256');
    const buffer = Buffer.allocUnsafe(pieceBytes);
    for (let number = 0; number * pieceBytes < sizeBytes; number += 1) {
      signal?.throwIfAborted();
      const before = pieces?.find(number);
      const bytes = Math.min(pieceBytes, sizeBytes - number * pieceBytes);
      const sha256 = before ?? createHash('sha256').update(await readPiece(handle, buffer.subarray(0, bytes), number)).digest('hex');
      if (before === undefined) await pieces?.keep(number, sha256);
      whole.update(`${sha256}  -\n`);
      onPiece?.(bytes, before === undefined);
    }
    return whole.digest('hex');
  } finally {
    await handle.close();
  }
}

/** Less than there should be only where the file was cut short meanwhile. */
async function readPiece(handle: FileHandle, buffer: Buffer, number: number): Promise<Buffer> {
  let filled = 0;
  while (filled < buffer.length) {
    const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled, number * pieceBytes + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}
