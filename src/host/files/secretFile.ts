import type { Stats } from 'node:fs';
import { PermanentFailure } from '../../contract/errors.js';
import { readLineFile } from './secretLine.js';

/**
 * Reads a secret of the kind `file:`: one line, in a regular file that root alone can read. No message
 * carries anything of the content.
 *
 * @param path - Absolute, as after `file:` in lockstep.yaml. A symbolic link at its end is refused.
 * @returns The line without its newline, in a buffer that the caller may overwrite after use.
 * @throws {@link PermanentFailure} naming what is wrong with the file, and the command that mends it.
 */
export function readSecretFile(path: string): Promise<Buffer> {
  const label = `the secret file ${path}`;
  return readLineFile({
    path,
    label,
    whenAbsent: 'put it there, or change its reference in lockstep.yaml',
    whenUnfit: 'write the secret into it as one line of text',
    assertPrivate: (stats) => assertOfRootAlone(stats, path, label),
  });
}

function assertOfRootAlone(stats: Stats, path: string, label: string): void {
  if (stats.uid !== 0) throw new PermanentFailure(`${label} belongs to user ${stats.uid}, not root`, `type "chown root:root ${path}"`);
  const mode = stats.mode & 0o7777;
  if (mode !== 0o600 && mode !== 0o400) {
    const shown = mode.toString(8).padStart(4, '0');
    throw new PermanentFailure(`${label} has mode ${shown}, not 0600 or 0400`, `type "chmod 600 ${path}"`);
  }
}
