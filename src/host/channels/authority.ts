import { readFile } from 'node:fs/promises';
import { NotTaken } from './channel.js';

/**
 * Reads the certificate of the authority that a channel's server is vouched for by, each time anew: a new one counts at once.
 *
 * @throws {@link NotTaken} where it can not be read.
 */
export async function readAuthority(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch {
    throw new NotTaken(`can not be asked: the certificate of its authority, ${path}, can not be read`);
  }
}
