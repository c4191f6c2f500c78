import { DatabaseError, Pool, type PoolClient, type QueryResultRow } from 'pg';
import { schemaSql } from '../schema.js';
import type { Log } from './log.js';

/** Runs one statement and gives its rows. */
export type Query = <Row extends QueryResultRow>(sql: string, values?: readonly unknown[]) => Promise<Row[]>;

/** The application's database, which may come and go. */
export interface Database {
  /** @throws {@link DatabaseUnavailable} while the database cannot be reached. */
  readonly query: Query;
  /**
   * Runs statements in one transaction, and returns only after its COMMIT was answered.
   *
   * @throws {@link DatabaseUnavailable} when the connection is lost; whether a COMMIT under way took
   * effect is then unknown.
   */
  transaction<T>(work: (query: Query) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** The database cannot be reached, shuts down or starts up. */
export class DatabaseUnavailable extends Error {
  override readonly name = 'DatabaseUnavailable';
}

/**
 * A pool that connects when it is needed, and again after the database was away. The tables are made
 * before the first statement. An outage is logged once when it begins and once when it ends, since
 * the plan's checks count lines.
 *
 * @param url - `postgres://user:password@host:port/database`.
 */
export function createDatabase({ url, log }: { readonly url: string; readonly log: Log }): Database {
  const pool = new Pool({
    connectionString: url,
    max: 10,
    connectionTimeoutMillis: 3_000,
    idleTimeoutMillis: 30_000,
    query_timeout: 60_000,
    keepAlive: true,
    application_name: 'supersync-server',
  });
  let schema: Promise<void> | undefined;
  let available = true;
  let closing = false;

  const noteOutage = (error: Error) => {
    if (available && !closing) log('ERROR', `database unavailable: ${error.message}`);
    available = false;
  };
  // Without a listener of its own a connection lost between two statements would end the process.
  pool.on('connect', (client) => client.on('error', noteOutage));
  pool.on('error', noteOutage);

  const guard = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      const result = await work();
      if (!available) log('INFO', 'database available again');
      available = true;
      return result;
    } catch (error) {
      if (!isOutage(error)) throw error;
      noteOutage(error);
      throw new DatabaseUnavailable(error.message, { cause: error });
    }
  };
  const ensureSchema = () => {
    schema ??= pool.query(schemaSql).then(
      () => undefined,
      (error: unknown) => {
        schema = undefined;
        throw error;
      },
    );
    return schema;
  };

  return {
    query: (sql, values = []) =>
      guard(async () => {
        await ensureSchema();
        return (await pool.query(sql, [...values])).rows as never;
      }),
    transaction: (work) =>
      guard(async () => {
        await ensureSchema();
        return inTransaction(await pool.connect(), work);
      }),
    close: async () => {
      closing = true;
      await pool.end();
    },
  };
}

async function inTransaction<T>(client: PoolClient, work: (query: Query) => Promise<T>): Promise<T> {
  const query: Query = async (sql, values = []) => (await client.query(sql, [...values])).rows as never;
  try {
    await query('BEGIN');
    const result = await work(query);
    await query('COMMIT');
    client.release();
    return result;
  } catch (error) {
    // Closing the connection rolls back whatever the state, also when it is lost already.
    client.release(true);
    throw error;
  }
}

/**
 * Everything but an answer to the statement itself: socket errors, timeouts, and the SQLSTATE classes
 * 08 (connection), 53 (resources) and 57P (shutting down, starting up).
 */
function isOutage(error: unknown): error is Error {
  if (error instanceof DatabaseError) return /^(08|53|57P)/.test(error.code ?? '');
  if (!(error instanceof Error)) return false;
  return 'code' in error || /connect|terminated|timeout|not queryable/i.test(error.message);
}
