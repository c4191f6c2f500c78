import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { PermanentFailure } from '../../contract/errors.js';
import { findPassphraseFault } from '../../contract/passphrases/passphraseRules.js';
import { errorCode } from '../failure.js';

/**
 * Reads a secret of the kind `file:`: one line, in a regular file that root alone can read. No message
 * carries anything of the content.
 *
 * @param path - Absolute, as after `file:` in lockstep.yaml. A symbolic link at its end is refused.
 * @returns The line without its newline, in a buffer that the caller may overwrite after use.
 * @throws {@link PermanentFailure} naming what is wrong with the file, and the command that mends it.
 */
export async function readSecretFile(path: string): Promise<Buffer> {
  const file = await openSecretFile(path);
  try {
    await assertPrivate(path, file);
    return toLine(path, await file.readFile());
  } finally {
    await file.close();
  }
}

async function openSecretFile(path: string): Promise<FileHandle> {
  try {
    // Without O_NONBLOCK the opening of a pipe waits for someone who writes.
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const fact = openFailures[errorCode(error) ?? ''];
    if (fact === undefined) throw error;
    throw new PermanentFailure(`the secret file ${path} ${fact}`, 'put it there, or change its reference in lockstep.yaml');
  }
}

const openFailures: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  ENOTDIR: 'does not exist',
  ELOOP: 'is a symbolic link',
  ENXIO: 'is not a regular file',
};

async function assertPrivate(path: string, file: FileHandle): Promise<void> {
  const stats = await file.stat();
  if (!stats.isFile()) throw new PermanentFailure(`the secret file ${path} is not a regular file`, 'name a regular file in lockstep.yaml');
  if (stats.uid !== 0) {
    throw new PermanentFailure(`the secret file ${path} belongs to user ${stats.uid}, not root`, `type "chown root:root ${path}"`);
  }
  const mode = stats.mode & 0o7777;
  if (mode !== 0o600 && mode !== 0o400) {
    const shown = mode.toString(8).padStart(4, '0');
    throw new PermanentFailure(`the secret file ${path} has mode ${shown}, not 0600 or 0400`, `type "chmod 600 ${path}"`);
  }
}

function toLine(path: string, content: Buffer): Buffer {
  const line = content.at(-1) === 0x0a ? content.subarray(0, -1) : content;
  const fault = findPassphraseFault(line);
  if (fault === undefined) return line;
  content.fill(0);
  throw new PermanentFailure(`the secret file ${path} ${fault}`, 'write the secret into it as one line of text');
}
