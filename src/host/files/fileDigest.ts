import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';

const blockBytes = 1024 * 1024;

/**
 * The SHA-256 of a file, in lower-case hexadecimal. It reads through the page cache: who wants the
 * device's own bytes drops the cache before. The access time stays as it was, since sources are not touched.
 *
 * @param onBytes - Called after each block with its size in bytes.
 * @param signal - Ends the reading between two blocks.
 */
export async function readDigest({
  file,
  onBytes,
  signal,
}: {
  readonly file: string;
  readonly onBytes?: ((bytes: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}): Promise<string> {
  const handle = await openUntouched(file);
  try {
    const hash = createHash('sha256');
    const block = Buffer.allocUnsafe(blockBytes);
    for (;;) {
      signal?.throwIfAborted();
      const { bytesRead } = await handle.read(block, 0, blockBytes, null);
      if (bytesRead === 0) return hash.digest('hex');
      hash.update(block.subarray(0, bytesRead));
      onBytes?.(bytesRead);
    }
  } finally {
    await handle.close();
  }
}

/** Opens a file to be read so that nothing of it changes, its access time included; a symbolic link is refused. */
export function openUntouched(file: string): Promise<FileHandle> {
  return open(file, constants.O_RDONLY | constants.O_NOATIME | constants.O_NOFOLLOW);
}
