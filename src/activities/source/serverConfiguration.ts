import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from '../../host/failure.js';

const accessFile = 'pg_hba.conf';
const files = [accessFile, 'pg_ident.conf', 'postgresql.conf', 'postgresql.auto.conf'] as const;

/**
 * Gives a restored cluster the configuration of the one that it replaces. Who may connect is never left
 * as it was during the restore, when everybody might: where the old rules cannot be read, every
 * connection over the network needs a password.
 *
 * @returns What was taken over, in words.
 */
export async function takeOverConfiguration({ from, to }: { readonly from: string; readonly to: string }): Promise<string> {
  const missing: string[] = [];
  for (const file of files) {
    const content = await readOld(join(from, file));
    if (content !== undefined) await writeFile(join(to, file), content, { mode: 0o600 });
    else missing.push(file);
  }
  if (missing.includes(accessFile)) await writeFile(join(to, accessFile), safeAccess, { mode: 0o600 });
  return missing.length === 0
    ? `taken over from ${from}`
    : `${missing.join(', ')} could not be read in ${from}: ${missing.includes(accessFile) ? 'connections over the network need a password (scram-sha-256), and ' : ''}the rest is as PostgreSQL makes it`;
}

const safeAccess = ['local all all trust', 'host all all all scram-sha-256', 'local replication all trust', ''].join('\n');

async function readOld(path: string): Promise<string | undefined> {
  try {
    const content = await readFile(path, 'utf8');
    // Zeros are what a damaged filesystem leaves; and an empty list of rules lets nobody in.
    return content.trim() === '' || content.includes('\0') ? undefined : content;
  } catch (error) {
    if (['ENOENT', 'EIO', 'EUCLEAN', 'ENOTDIR', 'EISDIR', 'EBADMSG'].includes(errorCode(error) ?? '')) return undefined;
    throw error;
  }
}
