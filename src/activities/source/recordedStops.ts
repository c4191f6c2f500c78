import { join } from 'node:path';
import { readDigest } from '../../host/files/fileDigest.js';
import { readControlTime } from '../../host/postgres/plaintextCopy.js';
import type { Attempt } from '../activity.js';
import { readOtherRuns } from '../run/runsOnHost.js';
import { needFact, readFact } from '../run/runFacts.js';
import type { MigrationFact } from '../decommission/migration.js';
import type { Statistics } from './statistics.js';
import { stoppedFacts, type StoppedFact } from './stoppedSource.js';

/** Every clean stop that runs of this host recorded, of the old cluster and of the one on the volume: what went on from there holds all that a copy of that moment holds. */
export interface RecordedStops {
  /** SHA-256 of the control file at each. */
  readonly digests: ReadonlySet<string>;
  /** Whether the migration itself recorded one. */
  readonly hasMigration: boolean;
  /** When the migration counted the old cluster's rows, with users kept out. */
  readonly countedAt: Date;
}

/** Reads what the runs of this host kept. */
export async function readRecordedStops(attempt: Attempt): Promise<RecordedStops> {
  const migration = await needFact<MigrationFact>(attempt, 'migration');
  const { at } = await needFact<Statistics>(attempt, 'statistics-stopped');
  const directories = [migration.directory, ...(await readOtherRuns(attempt)).map(({ directory }) => directory)];
  const digests = new Set<string>();
  for (const directory of directories) {
    for (const fact of Object.values(stoppedFacts)) {
      // Runs of earlier versions kept none.
      const stopped = await readFact<Partial<StoppedFact>>({ directory }, fact);
      if (stopped?.controlDigest !== undefined) digests.add(stopped.controlDigest);
    }
  }
  const own = await readFact<Partial<StoppedFact>>(migration, stoppedFacts.source);
  return { digests, hasMigration: own?.controlDigest !== undefined, countedAt: new Date(at) };
}

/** The file that every start of a cluster rewrites. */
export function controlFileOf(cluster: string): string {
  return join(cluster, 'global', 'pg_control');
}

/**
 * What stands against taking a directory of the old volume for what was stopped there; undefined where
 * nothing does. Where it was started since, users may have written what no other place holds.
 */
export async function whyNotAsStopped(cluster: string, { digests, hasMigration }: RecordedStops): Promise<string | undefined> {
  if (digests.has(await readDigest({ file: controlFileOf(cluster) }))) return undefined;
  return hasMigration
    ? 'it was started since Lockstep stopped it (its global/pg_control is another), so it may hold writes that nothing else holds: look what was written there, bring that over to the encrypted volume, then remove it yourself'
    : 'the migration, by an earlier version of Lockstep, recorded no digest of its global/pg_control, so nothing shows whether it was started since and holds writes of its own: look what is in it, then remove it yourself';
}

/**
 * The same of a copy that somebody made, at a time of their own: what it holds was in the old cluster
 * where it was last running before the migration counted that, with users kept out.
 */
export async function whyNotOlder(cluster: string, stops: RecordedStops): Promise<string | undefined> {
  if (stops.digests.has(await readDigest({ file: controlFileOf(cluster) }))) return undefined;
  const writtenAt = await readControlTime(cluster);
  if (writtenAt !== undefined && writtenAt < stops.countedAt) return undefined;
  return `a server ran on it, or on what it was copied from, after the migration had stopped the old one (${writtenAt?.toISOString() ?? 'no time in its global/pg_control'}), so it may hold writes that nothing else holds: look what is in it, then remove it yourself`;
}
