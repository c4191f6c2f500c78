import { PermanentFailure, RollbackTrigger } from '../../contract/errors.js';
import { formatCount } from '../../contract/facts.js';
import type { RoleFacts } from '../../host/postgres/postgres.js';
import { toApplicationName } from '../../host/postgres/postgresSession.js';
import type { DatabaseFigures, TableRows } from '../../host/postgres/postgresFigures.js';
import { CommandFailed } from '../../host/processes/runner.js';
import { changes, reads, type Attempt } from '../activity.js';
import { keepProof } from '../run/proofs.js';
import { dropFact, keepFact, needFact } from '../run/runFacts.js';
import { needDeployment } from '../services/deployment.js';

/** psql's status where the server refused a statement. */
export const failedStatement = 3;

/** What a cluster holds, exactly: every database, every table, and the roles. */
export interface Statistics {
  readonly at: string;
  readonly databases: Readonly<Record<string, DatabaseFigures>>;
  readonly roles: readonly RoleFacts[];
  /** As psql's `\l+` has it. */
  readonly sizes: readonly { readonly name: string; readonly sizeBytes: number }[];
}

/** The figures of the stopped source as they were before a recovery: a backup that was taken before it holds these. */
export const beforeRecoveryFact = 'statistics-before-recovery';

/** Counting, and comparing what was counted. */
export const statisticsActivities = {
  /** The plan's step 5 of the day before, and again with nobody writing: the figures to compare with. */
  documentStatistics: changes('STATISTICS_DOCUMENTED', async (attempt, { moment }: { readonly moment: 'before' | 'stopped' | 'carried' }) => {
    const statistics = await readStatistics(attempt);
    if (moment === 'stopped') await dropFact(attempt, beforeRecoveryFact);
    await keepFact(attempt, `statistics-${moment}`, statistics);
    return summarise(attempt, statistics);
  }),

  /** Exact row counts on the new volume against those of the stopped source. */
  verifyRows: reads(async (attempt) => {
    const recorded = await needFact<Statistics>(attempt, 'statistics-stopped');
    const now = await readOnVolume(attempt);
    await keepFact(attempt, 'statistics-after', now);
    assertEqualStatistics(recorded, now);
    await keepProof(attempt, 'dataIntegrity');
    const { counted, tables, rows } = summarise(attempt, now);
    return { counted, tables, rows };
  }),
};

/**
 * Reads them all; each database in a transaction of its own.
 *
 * @param container - Another server than the database's own, such as one that a backup is restored into.
 */
export async function readStatistics(attempt: Attempt, container?: string): Promise<Statistics> {
  const { config, tools, signal } = attempt;
  const connection = { ...(await connectionOf(attempt)), ...(container === undefined ? {} : { container }) };
  const { databases, sizes, roles } = await tools.postgres.readCluster({ ...connection, signal });
  if (!databases[config.deployment.database.name]) {
    throw new PermanentFailure(`there is no database ${config.deployment.database.name} in ${connection.container}`, 'correct deployment.database.name in lockstep.yaml');
  }
  return { at: attempt.now().toISOString(), databases, roles, sizes };
}

/** How the database is reached: inside its container, under the run's name. */
export async function connectionOf(attempt: Attempt) {
  const { container } = await needDeployment(attempt);
  return { container, user: attempt.config.deployment.database.user, applicationName: toApplicationName(`lockstep ${attempt.call.runId}`) };
}

/** Counting reads every row: what PostgreSQL cannot read, or finds with a wrong checksum, is damaged. */
async function readOnVolume(attempt: Attempt): Promise<Statistics> {
  const nextMove = "look at the database's log and dmesg; roll back: the source is untouched";
  const connection = await connectionOf(attempt);
  const before = await attempt.tools.postgres.checksumFailures(connection);
  try {
    return await readStatistics(attempt);
  } catch (error) {
    if (!(error instanceof CommandFailed) || error.exitCode !== failedStatement) throw error;
    const wrong = Math.max(0, (await attempt.tools.postgres.checksumFailures(connection)) - before);
    throw new RollbackTrigger('PostgreSQL cannot count what lies on the encrypted volume: a table or a catalog of it cannot be read', nextMove, [
      ['pages with a wrong checksum', formatCount(wrong)],
    ]);
  }
}

/** @throws {@link RollbackTrigger} naming the first figures that differ. */
export function assertEqualStatistics(expected: Statistics, found: Statistics, nextMove = 'roll back: the source has the figures of before'): void {
  const left = flatten(expected);
  const right = flatten(found);
  const all = [...new Set([...left.keys(), ...right.keys()])];
  const differing = all.filter((key) => left.get(key) !== right.get(key));
  if (differing.length === 0) return;
  const named = differing.slice(0, 5).map((key) => `${key}: ${left.get(key) ?? 'absent'} before, ${right.get(key) ?? 'absent'} now`);
  throw new RollbackTrigger(`${differing.length} figures differ from the stopped source (${named.join('; ')})`, nextMove, [
    ['figures that differ', `${formatCount(differing.length)} of ${formatCount(all.length)}`],
  ]);
}

/**
 * Whether a recovery alone explains how two readings differ: it moves sequences on and empties unlogged tables. Anything
 * else was written by somebody.
 */
export function differByRecovery(before: Statistics, after: Statistics): boolean {
  const was = flatten(before);
  const is = flatten(after);
  const isExplained = (key: string) => was.get(key) === is.get(key) || (was.has(key) && (key.startsWith('sequence ') || (key.startsWith('rows of ') && is.get(key) === '0')));
  return was.size === is.size && [...is.keys()].every(isExplained);
}

/** Of two readings what neither changed: sessions of the application's own may go on while users are kept out. */
export function agreedStatistics(before: Statistics, after: Statistics): Statistics {
  const still = flatten(after);
  const was = flatten(before);
  const agrees = (key: string) => still.get(key) === was.get(key);
  const databases = Object.entries(before.databases).flatMap(([database, { tables, sequences, largeObjects }]) =>
    agrees(`large objects of ${database}`)
      ? [
          [
            database,
            {
              tables: tables.filter(({ schema, name }) => agrees(`rows of ${database}.${schema}.${name}`)),
              sequences: sequences.filter(({ schema, name }) => agrees(`sequence ${database}.${schema}.${name}`)),
              largeObjects,
            },
          ] as const,
        ]
      : [],
  );
  return { ...before, databases: Object.fromEntries(databases), roles: before.roles.filter(({ name }) => agrees(`role ${name}`)) };
}

/** @throws {@link PermanentFailure} where a restored cluster lacks anything that its backup says it held, or has it otherwise. */
export function assertHoldsStatistics(held: Statistics, found: Statistics): void {
  const wanted = flatten(held);
  const restored = flatten(found);
  const differing = [...wanted].filter(([key, value]) => restored.get(key) !== value);
  const [first] = differing;
  if (!first) return;
  const [key, value] = first;
  throw new PermanentFailure(
    `${differing.length} figures of the restored backup differ (${key}: ${value} in the dump, ${restored.get(key) ?? 'absent'} restored)`,
    'the backup does not hold what it should: roll back, find out why, and start again',
  );
}

function flatten({ databases, roles }: Statistics): ReadonlyMap<string, string> {
  const figures = new Map<string, string>();
  for (const [database, { tables, sequences, largeObjects }] of Object.entries(databases)) {
    for (const { schema, name, rows } of tables) figures.set(`rows of ${database}.${schema}.${name}`, String(rows));
    for (const { schema, name, lastValue, isCalled } of sequences) figures.set(`sequence ${database}.${schema}.${name}`, `${lastValue} ${isCalled}`);
    figures.set(`large objects of ${database}`, String(largeObjects));
  }
  for (const role of roles) figures.set(`role ${role.name}`, JSON.stringify(role));
  return figures;
}

/** The tables of all databases. */
export function tablesIn({ databases }: Pick<Statistics, 'databases'>): readonly TableRows[] {
  return Object.values(databases).flatMap(({ tables }) => tables);
}

/** All rows of some tables. */
export function countRows(tables: readonly TableRows[]): number {
  return tables.reduce((sum, { rows }) => sum + rows, 0);
}

function summarise({ config }: Attempt, { databases, sizes }: Statistics) {
  const { name, countedTables } = config.deployment.database;
  const all = tablesIn({ databases });
  const own = databases[name]?.tables ?? [];
  return {
    counted: countedTables.flatMap((table) => own.filter((each) => each.name === table).map(({ rows }) => ({ table, rows }))),
    tables: all.length,
    rows: countRows(all),
    sizeBytes: sizes.reduce((sum, each) => sum + each.sizeBytes, 0),
  };
}
