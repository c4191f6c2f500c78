import { join, relative } from 'node:path';
import { PermanentFailure } from '../../contract/errors.js';
import { readSystemIdentifier } from '../../host/postgres/plaintextCopy.js';
import type { Attempt } from '../activity.js';
import { hasActed, isOfRunbook, readOtherRuns, type RunOnHost } from '../run/runsOnHost.js';
import { volumeLayout } from '../volume/openVolume.js';
import { keepFact, needFact, readFact } from '../run/runFacts.js';
import type { SourceFacts } from '../source/source.js';
import { openJournal, summarise } from '../wrapper/journal.js';

/** The migration whose source is to be removed, as its journal tells. */
export interface MigrationFact {
  readonly runId: string;
  readonly directory: string;
  /** ISO time since which users may write on the encrypted volume. */
  readonly inUseSince: string;
  /** ISO time at which an earlier removal began that did not come to its end. */
  readonly removalBegunAt: string | null;
}

const millisecondsOfDay = 24 * 3600 * 1000;

/**
 * Finds the migration that put the service onto the volume, and takes up what it knew of its source.
 *
 * @throws {@link PermanentFailure} where the last one is not over, was undone, or is younger than the retention period.
 */
export async function readMigration(attempt: Attempt) {
  const migration = findMigration(await readOtherRuns(attempt));
  const inUseDays = (attempt.now().getTime() - Date.parse(migration.inUseSince)) / millisecondsOfDay;
  const { retentionDays } = attempt.config.decommission;
  if (inUseDays < retentionDays) {
    throw new PermanentFailure(
      `the encrypted volume has been in use for ${inUseDays.toFixed(2)} days (since ${migration.inUseSince}), and decommission.retentionDays is ${retentionDays}`,
      `come back on ${new Date(Date.parse(migration.inUseSince) + retentionDays * millisecondsOfDay).toISOString()}; until then the old data is the way back`,
    );
  }
  for (const fact of ['source', 'statistics-stopped']) await keepFact(attempt, fact, await needFact(migration, fact));
  await keepFact(attempt, 'migration', migration);
  return { runId: migration.runId, inUseSince: migration.inUseSince, inUseDays, retentionDays, removalBegunAt: migration.removalBegunAt };
}

/** @throws {@link PermanentFailure} naming what stands against it. */
export function findMigration(runs: readonly RunOnHost[]): MigrationFact {
  // One that began nothing to be undone, such as a no-go at its first gate, left the host as it was.
  const [last, ...others] = runs.filter((run) => isOfRunbook(run, 'migrate') && (hasActed(run) || isLostWayBack(run))).toReversed();
  if (last === undefined) throw new PermanentFailure('no migrate has run on this host', 'there is no old data that Lockstep knows of');
  const closed = last.entries.findLast((entry) => entry.kind === 'closed');
  const runId = last.name.slice(last.name.indexOf('-') + 1);
  if (closed === undefined) throw new PermanentFailure(`${last.name} was left without an end`, 'finish it, or go back from it, before the old data is removed');
  // A rollback that was left with the service on the volume, changed nothing.
  const migrated = last.name.startsWith('migrate-') ? last : others.find(({ name }) => name.startsWith('migrate-'));
  const since = migrated && summarise(migrated.entries).usersMayWriteSince;
  const isUndone = closed.state === 'rolled back' || migrated?.entries.some(({ kind }) => kind === 'rolled back') === true;
  if (migrated === undefined || since === undefined || isUndone) {
    throw new PermanentFailure(`the last migration (run ${runId}) ended as ${closed.state}: the service does not run on the encrypted volume by it`, 'nothing is removed before a migration has come to its end');
  }
  const begun = migrated.entries.find((entry) => entry.kind === 'decommission begun');
  const isOver = migrated.entries.some(({ kind }) => kind === 'decommissioned');
  return { runId: migrated.name.slice('migrate-'.length), directory: migrated.directory, inUseSince: since, removalBegunAt: begun !== undefined && !isOver ? begun.at : null };
}

function isLostWayBack({ name, entries }: RunOnHost): boolean {
  return !name.startsWith('migrate-') && !entries.some(({ kind }) => kind === 'closed');
}

/**
 * The identifier that every copy of this cluster bears, read from the cluster on the encrypted volume.
 *
 * @throws {@link PermanentFailure} where there is none.
 */
export async function needSystemIdentifier(attempt: Pick<Attempt, 'config' | 'directory'>): Promise<string> {
  const source = await needFact<SourceFacts>(attempt, 'source');
  const directory = join(volumeLayout(attempt.config).dataDirectory, relative(source.root, source.directory));
  const identifier = await readSystemIdentifier(directory);
  if (identifier !== undefined) return identifier;
  throw new PermanentFailure(`${directory} is no data directory of PostgreSQL`, 'is the encrypted volume the one of this migration? Nothing is removed');
}

/** Written into the migration's own journal before anything is removed: from then on nobody goes back from it. */
export async function tellMigration(attempt: Attempt, kind: 'decommission begun' | 'decommissioned'): Promise<void> {
  const { directory } = await needFact<MigrationFact>(attempt, 'migration');
  const journal = await openJournal(join(directory, 'journal.jsonl'));
  if (journal.earlier.some((entry) => entry.kind === kind)) return;
  await journal.append({ kind, at: attempt.now().toISOString(), byRun: attempt.call.runId });
}

/** Whether the removal of this run has begun: an attempt of it was killed, or another run's was. */
export async function hasBegun(attempt: Attempt): Promise<boolean> {
  const migration = await readFact<MigrationFact>(attempt, 'migration');
  if (migration === undefined) return false;
  return (await openJournal(join(migration.directory, 'journal.jsonl'))).earlier.some(({ kind }) => kind === 'decommission begun');
}
