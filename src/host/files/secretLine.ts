import { constants, type Stats } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { PermanentFailure } from '../../contract/errors.js';
import { findSecretFault } from '../../contract/secretRules.js';
import { errorCode } from '../failure.js';

const newline = 0x0a;

/** No secret is near that; what is longer is some other file, and is not read. */
const largestFileBytes = 64 * 1024;

/** A file that holds a secret, and the words in which its faults are told. */
export interface LineFile {
  readonly path: string;
  /** How messages call it: `the secret file /etc/lockstep/backup`. */
  readonly label: string;
  /** What to do where it is not there. */
  readonly whenAbsent: string;
  /** What to do where its content is no secret. */
  readonly whenUnfit: string;
  /** @throws {@link PermanentFailure} where others than root could read or write it. */
  readonly assertPrivate: (stats: Stats) => void;
}

/**
 * Reads the one line of a file that is looked at as it was opened. No message carries anything of it.
 *
 * @returns The line without its newline, in a buffer that the caller may overwrite after use.
 * @throws {@link PermanentFailure} where the file is missing, a link, no regular file, not private, or holds no secret.
 */
export async function readLineFile(source: LineFile): Promise<Buffer> {
  const file = await openLineFile(source);
  try {
    const stats = await file.stat();
    if (!stats.isFile()) throw new PermanentFailure(`${source.label} is not a regular file`, 'name a regular file in lockstep.yaml');
    source.assertPrivate(stats);
    if (stats.size > largestFileBytes) throw new PermanentFailure(`${source.label} is ${stats.size} bytes long`, source.whenUnfit);
    return toSecretLine(await file.readFile(), source.label, source.whenUnfit);
  } finally {
    await file.close();
  }
}

/**
 * What was read, without the one newline that may end it; nothing else is taken off.
 *
 * @param content - Overwritten where it is refused; else the line is a part of it.
 * @param label - How the message calls where it came from.
 * @throws {@link PermanentFailure} where that is no secret; see {@link findSecretFault}.
 */
export function toSecretLine(content: Buffer, label: string, nextMove: string): Buffer {
  const line = content.at(-1) === newline ? content.subarray(0, -1) : content;
  const fault = findSecretFault(line);
  if (fault === undefined) return line;
  content.fill(0);
  throw new PermanentFailure(`${label} ${fault}`, nextMove);
}

async function openLineFile({ path, label, whenAbsent }: LineFile): Promise<FileHandle> {
  try {
    // Without O_NONBLOCK the opening of a pipe waits for someone who writes.
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const fact = openFailures[errorCode(error) ?? ''];
    if (fact === undefined) throw error;
    throw new PermanentFailure(`${label} ${fact}`, whenAbsent);
  }
}

const openFailures: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  ENOTDIR: 'does not exist',
  ELOOP: 'is a symbolic link',
  ENXIO: 'is not a regular file',
};
