import { UnclearDump, type DumpedDatabase } from '../../host/postgres/dumpArchive.js';
import { readDump } from '../../host/postgres/dumpContents.js';
import { formatCountOf } from '../../contract/facts.js';
import type { Statistics } from '../source/statistics.js';

/** The tables of each database of the cluster, as `schema.name`. */
export type KnownDatabases = ReadonlyMap<string, ReadonlySet<string>>;

/** What of a cluster a dump's contents are held against. */
export function toKnownDatabases({ databases }: Pick<Statistics, 'databases'>): KnownDatabases {
  return new Map(Object.entries(databases).map(([name, { tables }]) => [name, new Set(tables.map((table) => `${table.schema}.${table.name}`))]));
}

/** Every cluster has one of that name, so that it shows nothing. */
const commonName = 'postgres';
const namedAtMost = 3;

/**
 * What stands against taking a dump for one of this cluster; undefined where it is shown to be one.
 * Another application may have a table of the same name, so all that a dump holds is looked at: each of
 * its tables has to be in the database that it names itself. A dump that names none has to have the very
 * tables of one.
 */
export async function whyNotOfCluster(path: string, known: KnownDatabases, signal?: AbortSignal): Promise<string | undefined> {
  try {
    return whyNotKnown(await readDump({ path, ...(signal === undefined ? {} : { signal }) }), known);
  } catch (error) {
    if (error instanceof UnclearDump) return error.message;
    throw error;
  }
}

function whyNotKnown(dumped: readonly DumpedDatabase[], known: KnownDatabases): string | undefined {
  if (dumped.every(({ tables }) => tables.length === 0)) return 'it names no table, so that nothing shows whose it is: look whose it is';
  for (const { name, tables } of dumped) {
    const why = name === undefined || name === commonName ? whyOfNone(tables, known) : whyNotOf(name, tables, known.get(name));
    if (why !== undefined) return `${why}: look whose it is`;
  }
  return undefined;
}

function whyNotOf(name: string, tables: readonly string[], own: ReadonlySet<string> | undefined): string | undefined {
  // Of the template a dump of the whole cluster says that it is there.
  if (own === undefined) return name === 'template1' && tables.length === 0 ? undefined : `it is of a database ${name}, which this cluster did not have when it was migrated`;
  const foreign = tables.filter((table) => !own.has(table));
  return foreign.length === 0 ? undefined : `it names ${listed(foreign)}, which database ${name} did not have when it was migrated`;
}

function whyOfNone(tables: readonly string[], known: KnownDatabases): string | undefined {
  if (tables.length === 0) return undefined;
  const foreignTo = (own: ReadonlySet<string>) => tables.filter((table) => !own.has(table));
  const missingIn = (own: ReadonlySet<string>) => [...own].filter((table) => !tables.includes(table));
  const [nearest] = [...known]
    .map(([name, own]) => ({ name, own, foreign: foreignTo(own), missing: missingIn(own) }))
    .toSorted((a, b) => a.foreign.length - b.foreign.length || a.missing.length - b.missing.length);
  if (nearest === undefined) return 'this cluster had no database when it was migrated';
  const { name, own, foreign, missing } = nearest;
  if (foreign.length > 0) return whyNotOf(name, tables, own);
  if (missing.length === 0) return undefined;
  return `it tells no database's name and lacks ${missing.length} of the ${formatCountOf(own.size, 'table')} of ${name} (${listed(missing)}); another application's may be named alike`;
}

function listed(tables: readonly string[]): string {
  const rest = tables.length - namedAtMost;
  return `${tables.slice(0, namedAtMost).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}
