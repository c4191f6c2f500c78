import { open } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Waits until a file's content is on the disk. */
export async function syncFile(file: string): Promise<void> {
  await sync(file);
}

/** Waits until the names in a file's directory are on the disk: without it a rename may be undone by a power cut. */
export async function syncDirectoryOf(file: string): Promise<void> {
  await sync(dirname(file));
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
