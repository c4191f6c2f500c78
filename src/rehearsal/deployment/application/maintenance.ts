import { readFile } from 'node:fs/promises';

/** Whether writes are refused, and until when in the words of who announced it. */
export type Maintenance = { readonly on: false } | { readonly on: true; readonly expectedCompletion: string | null };

/**
 * Reads the maintenance mode. A file that is there but cannot be read counts as maintenance: a write
 * accepted by mistake could be lost, a refused one is sent again.
 *
 * @param file - The file whose existence means maintenance.
 */
export async function readMaintenance(file: string): Promise<Maintenance> {
  try {
    const text = (await readFile(file, 'utf8')).trim();
    return { on: true, expectedCompletion: text === '' ? null : text };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    return code === 'ENOENT' || code === 'ENOTDIR' ? { on: false } : { on: true, expectedCompletion: null };
  }
}
