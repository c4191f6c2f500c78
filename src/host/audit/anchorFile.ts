import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { PermanentFailure } from '../../contract/errors.js';
import { errorCode } from '../failure.js';
import { renderAnchor, type AnchorPlace } from './anchor.js';

const newline = 0x0a;

/**
 * A file elsewhere, as on a network mount, that may take the anchors of several hosts. It is never made
 * here: where its filesystem is not mounted, an anchor would stay on this host unnoticed.
 */
export function createAnchorFile(path: string): AnchorPlace {
  return {
    name: `file ${path}`,
    async send(anchor) {
      const file = await openPresent(path);
      try {
        const line = Buffer.from(`${(await endsTorn(file)) ? '\n' : ''}${renderAnchor(anchor)}\n`);
        // One write at the end: lines of several hosts do not mix.
        const { bytesWritten } = await file.write(line);
        if (bytesWritten !== line.length) throw new Error(`${path} took ${bytesWritten} of ${line.length} bytes; look for room on its filesystem`);
        await file.sync();
      } finally {
        await file.close();
      }
    },
  };
}

async function openPresent(path: string): Promise<FileHandle> {
  try {
    return await open(path, constants.O_RDWR | constants.O_APPEND | constants.O_NOFOLLOW);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') throw new PermanentFailure(`${path} does not exist`, `mount its filesystem, or begin the file: touch ${path}`);
    throw error;
  }
}

async function endsTorn(file: FileHandle): Promise<boolean> {
  const { size } = await file.stat();
  if (size === 0) return false;
  const last = Buffer.alloc(1);
  await file.read(last, 0, 1, size - 1);
  return last[0] !== newline;
}
