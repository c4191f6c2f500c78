import { PermanentFailure } from '../contract/errors.js';
import type { RoleFacts } from '../host/postgres.js';
import { toApplicationName } from '../host/postgresSession.js';
import type { DatabaseFigures } from '../host/postgresFigures.js';
import { changes, reads, type Attempt } from './activity.js';
import { keepProof } from './proofs.js';
import { keepFact, needFact } from './runFacts.js';
import { needSource } from './source.js';

/** What a cluster holds, exactly: every database, every table, and the roles. */
export interface Statistics {
  readonly at: string;
  readonly databases: Readonly<Record<string, DatabaseFigures>>;
  readonly roles: readonly RoleFacts[];
  /** As psql's `\l+` has it. */
  readonly sizes: readonly { readonly name: string; readonly sizeBytes: number }[];
}

/** Counting, and comparing what was counted. */
export const statisticsActivities = {
  /** The plan's step 5 of the day before, and again with nobody writing: the figures to compare with. */
  documentStatistics: changes('STATISTICS_DOCUMENTED', async (attempt, { moment }: { readonly moment: 'before' | 'stopped' | 'carried' }) => {
    const statistics = await readStatistics(attempt);
    await keepFact(attempt, `statistics-${moment}`, statistics);
    return summarise(attempt, statistics);
  }),

  /** Exact row counts on the new volume against those of the stopped source. */
  verifyRows: reads(async (attempt) => {
    const recorded = await needFact<Statistics>(attempt, 'statistics-stopped');
    const now = await readStatistics(attempt);
    await keepFact(attempt, 'statistics-after', now);
    assertEqualStatistics(recorded, now);
    await keepProof(attempt, 'dataIntegrity');
    const { counted, tables, rows } = summarise(attempt, now);
    return { counted, tables, rows };
  }),
};

/** Reads them all; each database in a transaction of its own. */
export async function readStatistics(attempt: Attempt): Promise<Statistics> {
  const { config, tools, signal } = attempt;
  const connection = await connectionOf(attempt);
  const { databases, sizes, roles } = await tools.postgres.readCluster({ ...connection, signal });
  if (!databases[config.deployment.database.name]) {
    throw new PermanentFailure(`there is no database ${config.deployment.database.name} in ${connection.container}`, 'correct deployment.database.name in lockstep.yaml');
  }
  return { at: attempt.now().toISOString(), databases, roles, sizes };
}

/** How the database is reached: inside its container, under the run's name. */
export async function connectionOf(attempt: Attempt) {
  const { container } = await needSource(attempt);
  return { container, user: attempt.config.deployment.database.user, applicationName: toApplicationName(`lockstep ${attempt.call.runId}`) };
}

/** @throws {@link PermanentFailure} naming the first figures that differ. */
export function assertEqualStatistics(expected: Statistics, found: Statistics): void {
  const left = flatten(expected);
  const right = flatten(found);
  const differing = [...new Set([...left.keys(), ...right.keys()])].filter((key) => left.get(key) !== right.get(key));
  if (differing.length === 0) return;
  const named = differing.slice(0, 5).map((key) => `${key}: ${left.get(key) ?? 'absent'} before, ${right.get(key) ?? 'absent'} now`);
  throw new PermanentFailure(`${differing.length} figures differ from the stopped source (${named.join('; ')})`, 'roll back: the source has the figures of before');
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

function summarise({ config }: Attempt, { databases, sizes }: Statistics) {
  const { name, countedTables } = config.deployment.database;
  const all = Object.values(databases).flatMap(({ tables }) => tables);
  const own = databases[name]?.tables ?? [];
  return {
    counted: countedTables.flatMap((table) => own.filter((each) => each.name === table).map(({ rows }) => ({ table, rows }))),
    tables: all.length,
    rows: all.reduce((sum, { rows }) => sum + rows, 0),
    sizeBytes: sizes.reduce((sum, each) => sum + each.sizeBytes, 0),
  };
}
