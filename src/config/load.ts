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

/** lockstep.yaml is not there, or not for this user to read: a command that asks it for a name alone can be told that. */
export class ConfigNotAtHand extends PermanentFailure {
  override readonly name = 'ConfigNotAtHand';
}

/**
 * Reads lockstep.yaml, which holds all that is executable, path-like or secret: so it is refused
 * where anyone but root could have written it.
 *
 * @throws {@link ConfigNotAtHand} where the file is missing or may not be read; {@link PermanentFailure}
 * where it is not safe to trust, no valid YAML, or does not fit the schema; all problems of one kind at once.
 */
export async function loadConfig(path?: string): Promise<LoadedConfig> {
  return createConfigReader(path)();
}

/**
 * Reads lockstep.yaml again and again: who may write it is looked at each time, and its text is understood
 * anew where it has changed.
 *
 * @param read - Default: what only root can have written.
 * @returns A reader that does and throws what {@link loadConfig} does.
 */
export function createConfigReader(path: string = defaultConfigPath, read: (path: string) => Promise<Buffer> = readTrustedFile): () => Promise<LoadedConfig> {
  let last: LoadedConfig | undefined;
  return async () => {
    const bytes = await read(path).catch((error: unknown) => {
      throw explain(path, error);
    });
    const digest = digestOf(bytes);
    if (last?.digest !== digest) last = { config: parseConfig(decode(bytes, path), path), digest, path };
    return last;
  };
}

function explain(path: string, error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EACCES') return new ConfigNotAtHand(`${path} can be read by root alone`, 'use sudo');
  if (code !== 'ENOENT' && code !== 'ENOTDIR') return error;
  return new ConfigNotAtHand(
    `${path} does not exist`,
    'write it after docs/lockstep.sample.yaml (only "host" is required), or name another file with --config or in LOCKSTEP_CONFIG',
  );
}

function decode(bytes: Buffer, path: string): string {
  const text = bytes.toString('utf8');
  if (Buffer.from(text, 'utf8').equals(bytes)) return text;
  throw new PermanentFailure(`${path} is not UTF-8`, 'save it as UTF-8');
}

function digestOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
