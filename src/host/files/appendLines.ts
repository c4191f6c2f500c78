import { open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { explainHostFault } from '../hostFault.js';

const newline = 0x0a;

/**
 * Adds lines to a file, all of them or none, and waits until they are on the disk. An end without a newline, which a
 * power cut or a full disk has left, is cut off first: it would become one line with the next. For a file that one
 * process writes, whose calls queue up: what one has half written the next would take for such an end.
 *
 * @param lines - Without their newlines.
 * @throws PermanentFailure where the filesystem is full, read-only or failing; the file has its former size then, or a torn end that the next call cuts off.
 */
export function appendLines(path: string, lines: readonly string[]): Promise<void> {
  const result = (lastOf.get(path) ?? Promise.resolve()).then(() => appendNow(path, lines));
  // The caller hears of a failure; the next call must not.
  const ended = result.catch(() => undefined).then(() => {
    if (lastOf.get(path) === ended) lastOf.delete(path);
  });
  lastOf.set(path, ended);
  return result;
}

const lastOf = new Map<string, Promise<void>>();

async function appendNow(path: string, lines: readonly string[]): Promise<void> {
  const file = await open(path, 'a+', 0o600);
  try {
    const sizeBytes = await cutTornEnd(file);
    try {
      await file.appendFile(lines.map((line) => `${line}\n`).join(''));
      await file.sync();
    } catch (error) {
      // Of the two failures the first one tells more, and the next call makes up for this one.
      await file.truncate(sizeBytes).catch(() => undefined);
      throw error;
    }
  } catch (error) {
    throw explainHostFault(error, dirname(path));
  } finally {
    await file.close();
  }
}

/** @returns The file's size in bytes, up to the end of its last whole line. */
async function cutTornEnd(file: FileHandle): Promise<number> {
  const { size } = await file.stat();
  if (size === 0) return 0;
  const last = Buffer.alloc(1);
  await file.read(last, 0, 1, size - 1);
  if (last[0] === newline) return size;
  const content = Buffer.alloc(size);
  const { bytesRead } = await file.read(content, 0, size, 0);
  const wholeBytes = content.subarray(0, bytesRead).lastIndexOf(newline) + 1;
  await file.truncate(wholeBytes);
  return wholeBytes;
}
