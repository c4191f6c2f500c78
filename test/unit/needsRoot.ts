import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Stops a suite that only root can run, in words, rather than with a heap of EPERM. */
export function assertRoot(why: string): void {
  if (process.getuid?.() !== 0) throw new Error(`these tests need root, because ${why}; run them with sudo`);
}

/** A directory for one test, owned by whoever runs it and closed to others. */
export async function withDirectory(use: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'lockstep-unit-'));
  try {
    await use(directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}
