import { existsSync } from 'node:fs';
import { PermanentFailure } from '../../contract/errors.js';
import { formatBytes, formatCount, formatCountOf, type Fact } from '../../contract/facts.js';
import { readDigest } from '../../host/files/fileDigest.js';
import { changes, reads, type Attempt } from '../activity.js';
import { backupActivities } from '../backup/backup.js';
import { readManifests, type BackupManifest } from '../backup/backupManifest.js';
import { assertAsListed, assertNobodyHolds, assertServiceOnVolume } from './guards.js';
import { listPlaintext, type Kept, type Listing } from './listing.js';
import type { Copy } from './measuredCopy.js';
import { hasBegun, readMigration, tellMigration, type MigrationFact } from './migration.js';
import { assertGone, nothingRemoved, removeListed, trimFilesystems, type RemovalFact } from './removal.js';
import { keepFact, needFact, readFact } from '../run/runFacts.js';
import { readHealth } from '../services/ensureServices.js';
import { countRows, readStatistics, tablesIn, type Statistics } from '../source/statistics.js';

const millisecondsOfDay = 24 * 3600 * 1000;
/** History is no place for thousands of paths: the rest is in the run's directory on the host. */
const shownAtMost = 60;
const explainedAtMost = 5;

/** The removal of every copy of the database in the clear that this host shows. */
export const decommissionActivities = {
  readMigrationToDecommission: reads(readMigration),

  /**
   * A verified backup of the whole encrypted cluster that is young enough; one is taken and verified where there is none.
   * Roles and other databases go with the old data directory, so that a backup of one database is not enough.
   */
  ensureVerifiedBackup: changes('BACKUP_ENSURE', async (attempt) => {
    const isTaken = (await readFact(attempt, 'backup-cluster')) !== undefined || (await readFact(attempt, 'backup-name-cluster')) !== undefined;
    const found = isTaken ? undefined : await findVerifiedBackup(attempt);
    if (found !== undefined) return { ...found, taken: false };
    await backupActivities.takeBackup.perform(attempt, { kind: 'cluster' });
    await backupActivities.verifyBackup.perform(attempt, { kind: 'cluster' });
    const made = await findVerifiedBackup(attempt);
    if (made === undefined) throw new PermanentFailure('the backup that was taken and verified is not in the backup directory', 'look at backup.directory in lockstep.yaml, then retry');
    return { ...made, taken: true };
  }),

  assertServiceOnVolume: changes('DECOMMISSION_CHECK', assertServiceOnVolume),

  /** Lists what is to go and what is not, and refuses where somebody uses any of it. */
  listPlaintextCopies: changes('PLAINTEXT_LIST', async (attempt) => {
    const listing = await listPlaintext(attempt);
    if (listing.copies.length === 0) {
      throw new PermanentFailure('no copy of the database in the clear was found that could be removed', `what was found and is not removed: ${nameKept(listing.kept)}; end this run`);
    }
    await keepFact(attempt, 'plaintext', listing);
    const { processes } = await assertNobodyHolds(attempt, listing.copies);
    return { ...sumUp(listing.copies), processes, copies: show(listing.copies.map(showCopy)), kept: show(listing.kept.map(showKept)) };
  }),

  /** After the decision, while the run can still be left: everything is as it was listed, and nobody uses it. */
  confirmPlaintextCopies: changes('DECOMMISSION_CHECK', async (attempt) => {
    const { copies } = await needFact<Listing>(attempt, 'plaintext');
    const { openFiles } = await assertServiceOnVolume(attempt);
    await assertAsListed(attempt, copies);
    const { processes } = await assertNobodyHolds(attempt, copies);
    if ((await findVerifiedBackup(attempt)) === undefined) {
      throw new PermanentFailure('no verified backup of the whole cluster is young enough any more (decommission.backupNewerThanDays)', 'end this run, and start it again: it takes one');
    }
    await keepFact(attempt, 'statistics-before-removal', await readStatistics(attempt));
    return { openFiles, processes };
  }),

  /** The only removal of a source that there is. */
  removePlaintextCopies: changes('PLAINTEXT_REMOVE', async (attempt) => {
    const { copies } = await needFact<Listing>(attempt, 'plaintext');
    const { removed, closedPlaces } = await removeListed(attempt);
    const gone = copies.filter(({ path }) => removed.includes(path));
    const sums = sumUp(gone);
    await attempt.audit('PLAINTEXT_REMOVED', { paths: gone.map(({ path }) => path).join(', '), ...sums });
    return { ...sums, copies: show(gone.map(showCopy)), closedPlaces };
  }),

  trimFreedBlocks: changes('FILESYSTEM_TRIM', async (attempt) => ({
    trimmed: await trimFilesystems(attempt, (await needFact<Listing>(attempt, 'plaintext')).copies),
  })),

  /** The copies are gone, and the service runs on the encrypted volume with everything in it. */
  proveDecommission: changes('DECOMMISSION_PROVEN', async (attempt) => {
    const { copies, kept } = await needFact<Listing>(attempt, 'plaintext');
    const { removed } = (await readFact<RemovalFact>(attempt, 'removal')) ?? nothingRemoved;
    await assertGone(copies, removed);
    const { openFiles } = await assertServiceOnVolume(attempt);
    const health = await readHealth(attempt);
    if (health !== 200) throw new PermanentFailure(`the application answers with status ${health}`, 'look at its logs, then retry');
    const before = await needFact<Statistics>(attempt, 'statistics-before-removal');
    const after = await readStatistics(attempt);
    assertNothingVanished(before, after);
    const left = copies.filter(({ path }) => !removed.includes(path));
    if (left.length === 0 && (await hasBegun(attempt))) await tellMigration(attempt, 'decommissioned');
    return {
      openFiles,
      rowsBefore: countRows(tablesIn(before)),
      rowsAfter: countRows(tablesIn(after)),
      tables: tablesOf(after).size,
      kept: show([...left.map((copy) => [copy.path, 'NOT removed: the step was left'] as const), ...kept.map(showKept)]),
    };
  }),
};

/** A backup that a removal may rely on. */
interface VerifiedBackup {
  readonly file: string;
  /** ISO time, as is `verifiedAt`. */
  readonly takenAt: string;
  readonly verifiedAt: string;
  readonly sizeBytes: number;
  readonly ageDays: number;
  /** What was counted in its restore; absent in what runs of earlier versions recorded. */
  readonly counted?: { readonly databases: readonly string[]; readonly tables: number; readonly roles: number };
}

/** Of the whole cluster, taken since the volume is in use, so that it holds what users wrote; and still the file that was verified. */
async function findVerifiedBackup({ config, now, directory, signal }: Attempt): Promise<VerifiedBackup | undefined> {
  const { inUseSince } = await needFact<MigrationFact>({ directory }, 'migration');
  const isYoung = ({ takenAt }: BackupManifest) => takenAt > inUseSince && now().getTime() - Date.parse(takenAt) <= config.decommission.backupNewerThanDays * millisecondsOfDay;
  const manifests = (await readManifests(config.backup.directory)).filter(isYoung).toSorted((a, b) => b.takenAt.localeCompare(a.takenAt));
  for (const { file, takenAt, verifiedAt, sizeBytes, sha256, cluster } of manifests) {
    if (cluster === undefined || verifiedAt === undefined || !existsSync(file) || (await readDigest({ file, signal })) !== sha256) continue;
    const { databases, roles } = cluster.statistics;
    const counted = { databases: Object.keys(databases), tables: tablesOf(cluster.statistics).size, roles: roles.length };
    return { file, takenAt, verifiedAt, sizeBytes, ageDays: (now().getTime() - Date.parse(takenAt)) / millisecondsOfDay, counted };
  }
  return undefined;
}

function sumUp(copies: readonly Copy[]) {
  const sum = (of: (copy: Copy) => number) => copies.reduce((total, copy) => total + of(copy), 0);
  return { places: copies.length, files: sum(({ files }) => files), sizeBytes: sum(({ sizeBytes }) => sizeBytes), freedBytes: sum(({ allocatedBytes }) => allocatedBytes) };
}

function showCopy({ path, what, sizeBytes, files, namedElsewhere }: Copy): Fact {
  const elsewhere = namedElsewhere === 0 ? '' : `; ${formatCount(namedElsewhere)} of them ${namedElsewhere === 1 ? 'has' : 'have'} another name elsewhere (hard links), where their content stays`;
  return [path, `${what}, ${formatBytes(sizeBytes)} in ${formatCountOf(files, 'file')}${elsewhere}`];
}

function showKept({ where, what, why }: Kept): Fact {
  return [where, `${what}, not removed: ${why}`];
}

/** In one sentence: of the first ones why, since a parked step shows no list. */
function nameKept(kept: readonly Kept[]): string {
  if (kept.length === 0) return 'nothing';
  const rest = kept.length - explainedAtMost;
  return `${kept.slice(0, explainedAtMost).map(({ what, where, why }) => `${where} (${what}: ${why})`).join(', ')}${rest > 0 ? `, and ${rest} more` : ''}`;
}

function show(facts: readonly Fact[]): readonly Fact[] {
  const rest = facts.length - shownAtMost;
  return rest <= 0 ? facts : [...facts.slice(0, shownAtMost), ['more', `${rest}, in plaintext.json in the run's directory on the host`]];
}

/** Users write on, so figures move; what must not happen is that something is not there any more. */
function assertNothingVanished(before: Statistics, after: Statistics): void {
  const now = tablesOf(after);
  const roles = new Set<string>(after.roles.map(({ name }) => name));
  const missing: readonly string[] = [...[...tablesOf(before)].filter((table) => !now.has(table)), ...before.roles.flatMap(({ name }) => (roles.has(name) ? [] : [`role ${name}`]))];
  if (missing.length > 0) throw new PermanentFailure(`the database has lost ${missing.slice(0, 5).join(', ')} since before the removal`, 'find out who dropped it; the removal touched no file of the encrypted volume');
}

function tablesOf({ databases }: Statistics): ReadonlySet<string> {
  return new Set(Object.entries(databases).flatMap(([database, { tables }]) => tables.map(({ schema, name }) => `${database}.${schema}.${name}`)));
}
