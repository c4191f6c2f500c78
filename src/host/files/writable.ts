import { randomBytes } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { syncDirectoryOf } from './durable.js';

/**
 * Proves that a directory takes data, down to its device: a file is written, synced and removed again. That the mode
 * allows it says nothing of a device that has become read-only or full.
 *
 * @throws the system's error where it does not.
 */
export async function assertTakesData(directory: string): Promise<void> {
  const path = join(directory, `.lockstep-write-test-${randomBytes(6).toString('hex')}`);
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(randomBytes(4096));
    await file.sync();
  } finally {
    await file.close();
    await rm(path, { force: true });
  }
  await syncDirectoryOf(path);
}
