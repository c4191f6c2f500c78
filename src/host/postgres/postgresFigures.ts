import { z } from 'zod';
import type { DatabaseConnection, PostgresSession } from './postgresSession.js';

/** Exact figures of one database, all of one moment. */
export interface DatabaseFigures {
  /** Every table of its own rows (a partition counts for itself), by schema and name. */
  readonly tables: readonly TableRows[];
  readonly sequences: readonly SequenceValue[];
  readonly largeObjects: number;
}

/** A table's rows. */
export interface TableRows {
  readonly schema: string;
  readonly name: string;
  readonly rows: number;
}

/** Where a sequence stands. */
export interface SequenceValue {
  readonly schema: string;
  readonly name: string;
  /** A 64-bit number in decimal. */
  readonly lastValue: string;
  readonly isCalled: boolean;
}

const recordSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('table'), schema: z.string(), name: z.string(), rows: z.number() }),
  z.object({ kind: z.literal('sequence'), schema: z.string(), name: z.string(), lastValue: z.string(), isCalled: z.boolean() }),
  z.object({ kind: z.literal('largeObjects'), count: z.number() }),
]);

/** Counts in one repeatable-read transaction. */
export async function readFigures(
  session: PostgresSession,
  options: DatabaseConnection & { readonly signal?: AbortSignal },
): Promise<DatabaseFigures> {
  const { signal } = options;
  return toFigures(await session.query(options, recordSchema, transactionSql, { timeout: 'unlimited', ...(signal ? { signal } : {}) }));
}

/** The figures from the lines that {@link countingSql} makes psql write. */
export function parseFigures(lines: readonly string[]): DatabaseFigures {
  return toFigures(lines.map((line) => recordSchema.parse(JSON.parse(line))));
}

/** The same of several databases, each of a moment of its own, through one session that goes from one to the next. */
export async function readFiguresOfAll(
  session: PostgresSession,
  options: DatabaseConnection & { readonly databases: readonly string[]; readonly signal?: AbortSignal },
): Promise<Readonly<Record<string, DatabaseFigures>>> {
  const { databases, signal } = options;
  const announce = "SELECT json_build_object('kind', 'database', 'name', current_database());";
  const sql = databases.map((_, index) => [`\\connect :"database${index}"`, announce, transactionSql].join('\n')).join('\n');
  const records = await session.query(options, z.discriminatedUnion('kind', [...recordSchema.options, databaseSchema]), sql, {
    timeout: 'unlimited',
    variables: Object.fromEntries(databases.map((name, index) => [`database${index}`, name])),
    ...(signal ? { signal } : {}),
  });
  const figures: Record<string, DatabaseFigures> = {};
  let own: FigureRecord[] = [];
  let name = '';
  for (const record of [...records, undefined]) {
    if (record !== undefined && record.kind !== 'database') {
      own.push(record);
      continue;
    }
    if (name !== '') figures[name] = toFigures(own);
    own = [];
    name = record?.name ?? '';
  }
  return figures;
}

type FigureRecord = z.infer<typeof recordSchema>;

const databaseSchema = z.object({ kind: z.literal('database'), name: z.string() });

function toFigures(records: readonly FigureRecord[]): DatabaseFigures {
  return {
    tables: records.flatMap((record) => (record.kind === 'table' ? [{ schema: record.schema, name: record.name, rows: record.rows }] : [])),
    sequences: records.flatMap((record) =>
      record.kind === 'sequence' ? [{ schema: record.schema, name: record.name, lastValue: record.lastValue, isCalled: record.isCalled }] : [],
    ),
    largeObjects: records.find((record) => record.kind === 'largeObjects')?.count ?? 0,
  };
}

const ownSchemas = "n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'";

// psql's \gexec runs each row that the query gives as a statement of its own.
const countRows = `
SELECT format(
  'SELECT json_build_object(''kind'', ''table'', ''schema'', %L, ''name'', %L, ''rows'', (SELECT count(*) FROM ONLY %I.%I))',
  n.nspname, c.relname, n.nspname, c.relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND ${ownSchemas}
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"
\\gexec`;

const readSequences = `
SELECT format(
  'SELECT json_build_object(''kind'', ''sequence'', ''schema'', %L, ''name'', %L, ''lastValue'', last_value::text, ''isCalled'', is_called) FROM %I.%I',
  n.nspname, c.relname, n.nspname, c.relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'S' AND c.relpersistence <> 't' AND ${ownSchemas}
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"
\\gexec`;

/**
 * Counts in the transaction that it stands in. Row security is switched off, so that a role that it
 * binds gets an error instead of too few rows.
 */
export const countingSql = [
  'SET LOCAL row_security = off;',
  countRows,
  readSequences,
  "SELECT json_build_object('kind', 'largeObjects', 'count', (SELECT count(*) FROM pg_largeobject_metadata));",
].join('\n');

const transactionSql = ['SET statement_timeout = 0;', 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;', countingSql, 'COMMIT;'].join('\n');
