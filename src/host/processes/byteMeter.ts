import { createHash } from 'node:crypto';

/** How much passed, and its digest where one was asked for. */
export interface Measure {
  readonly sizeBytes: number;
  /** Lower-case hexadecimal. */
  readonly sha256: string | undefined;
}

/** Counts, and digests, what passes through one place of a pipeline. */
export interface ByteMeter {
  readonly add: (chunk: Uint8Array) => void;
  readonly sizeBytes: () => number;
  /** Ends the measuring; to be called once. */
  readonly read: () => Measure;
}

/** @param digest - Whether to compute SHA-256, which costs CPU time for every byte. */
export function createByteMeter({ digest }: { digest: boolean }): ByteMeter {
  const hash = digest ? createHash('sha256') : undefined;
  let sizeBytes = 0;
  return {
    add: (chunk) => {
      sizeBytes += chunk.byteLength;
      hash?.update(chunk);
    },
    sizeBytes: () => sizeBytes,
    read: () => ({ sizeBytes, sha256: hash?.digest('hex') }),
  };
}
