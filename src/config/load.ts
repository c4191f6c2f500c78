import { createHash } from 'node:crypto';
import { PermanentFailure } from '../contract/errors.js';
import { defaultConfigPath } from './environment.js';
import { parseConfig } from './parse.js';
import type { Config } from './schema.js';
import { readTrustedFile } from './trustedFile.js';

/** lockstep.yaml as it was read from the host. */
export interface LoadedConfig {
  readonly config: Config;
  /** SHA-256 of the file's bytes, in hexadecimal: recorded at the start of a run. */
  readonly digest: string;
  readonly path: string;
}

/**
 * Reads lockstep.yaml, which holds all that is executable, path-like or secret: so it is refused
 * where anyone but root could have written it.
 *
 * @throws {@link PermanentFailure} where the file is missing, not safe to trust, no valid YAML, or
 * does not fit the schema; all problems of one kind at once.
 */
export async function loadConfig(path?: string): Promise<LoadedConfig> {
  return createConfigReader(path)();
}

/**
 * Reads lockstep.yaml again and again: who may write it is looked at each time, and its text is understood
 * anew where it has changed.
 *
 * @returns A reader that does and throws what {@link loadConfig} does.
 */
export function createConfigReader(path: string = defaultConfigPath): () => Promise<LoadedConfig> {
  let last: LoadedConfig | undefined;
  return async () => {
    const bytes = await readBytes(path);
    const digest = digestOf(bytes);
    if (last?.digest !== digest) last = { config: parseConfig(decode(bytes, path), path), digest, path };
    return last;
  };
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}

function decode(bytes: Buffer, path: string): string {
  const text = bytes.toString('utf8');
  if (Buffer.from(text, 'utf8').equals(bytes)) return text;
  throw new PermanentFailure(`${path} is not UTF-8`, 'save it as UTF-8');
}

async function readBytes(path: string): Promise<Buffer> {
  try {
    return await readTrustedFile(path);
  } catch (error) {
    if (!isMissing(error)) throw error;
    throw new PermanentFailure(
      `${path} does not exist`,
      'write it after docs/lockstep.sample.yaml (only "host" is required), or name another file in LOCKSTEP_CONFIG',
    );
  }
}

function digestOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
