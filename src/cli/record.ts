import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigNotAtHand } from '../config/load.js';
import type { RunRecord } from '../contract/record.js';
import { ifPresent } from '../host/failure.js';
import type { RunReference } from './runs.js';
import { loadSessionConfig, type HostOptions, type Session } from './session.js';

/** A run record where it lies. */
export interface FoundRecord {
  /** Of the page to read. */
  readonly path: string;
  readonly record: RunRecord;
}

/** Finds a run's record, where this is the run's host and its reader may read it. */
export async function findRecord(session: Session, options: HostOptions, { runbook, runId }: RunReference): Promise<FoundRecord | undefined> {
  if (options.host !== undefined && options.config === undefined) return undefined;
  const loaded = await loadSessionConfig(session, options).catch(ignoreNotAtHand);
  if (loaded === undefined) return undefined;
  const { config } = loaded;
  const directory = join(config.stateDirectory, 'runs', `${runbook}-${runId}`);
  const text = await ifPresent(readFile(join(directory, 'record.json'), 'utf8'), ['ENOENT', 'ENOTDIR', 'EACCES']);
  return text === undefined ? undefined : { path: join(directory, 'record.md'), record: JSON.parse(text) as RunRecord };
}

function ignoreNotAtHand(error: unknown): undefined {
  if (!(error instanceof ConfigNotAtHand)) throw error;
}
