import { mkdir } from 'node:fs/promises';
import { explainHostFault } from '../hostFault.js';

/**
 * Makes a directory and those above it, where they are missing.
 *
 * @param mode - Of directories that are made; one that is there keeps its own.
 * @throws PermanentFailure where the filesystem is full, read-only or failing.
 */
export async function ensureDirectory(path: string, mode: number): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode });
  } catch (error) {
    // On a full filesystem Node says ENOENT of the recursive call; the plain one says what the kernel said.
    const told = await mkdir(path, { mode }).then(() => undefined, (thrown: unknown) => thrown);
    if (told !== undefined) throw explainHostFault(told instanceof Error && 'code' in told && told.code !== 'ENOENT' ? told : error, path);
  }
}
