import { CommandFailed } from './processes/runner.js';

/** One way in which a command is known to fail, and what to say then. */
export interface KnownFailure {
  /** Exit status; any when left out. */
  readonly exitCode?: number;
  /** Matched against standard error; any when left out. */
  readonly says?: RegExp;
  /** @param words - What `says` caught, the whole first. */
  readonly then: (words: readonly string[]) => Error;
}

/**
 * Throws the first known failure's own error, or the original one.
 *
 * @param error - What the runner threw.
 * @param known - Tried in order.
 */
export function explain(error: unknown, known: readonly KnownFailure[]): never {
  if (!(error instanceof CommandFailed)) throw error;
  for (const { exitCode, says, then } of known) {
    if (exitCode !== undefined && exitCode !== error.exitCode) continue;
    const words = says === undefined ? [] : says.exec(error.stderr);
    if (words !== null) throw then(words);
  }
  throw error;
}

/** The code of an error of node:fs, such as `ENOENT`; undefined for anything else. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/**
 * Undefined where the promise fails because something is not there (or, for a process, gone).
 *
 * @param reading - A read through node:fs.
 * @param absent - Codes that mean absence.
 * @throws whatever else it fails with.
 */
export async function ifPresent<T>(
  reading: Promise<T>,
  absent: readonly string[] = ['ENOENT', 'ENOTDIR', 'ESRCH'],
): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (absent.includes(errorCode(error) ?? '')) return undefined;
    throw error;
  }
}
