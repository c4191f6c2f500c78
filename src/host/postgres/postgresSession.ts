import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { z } from 'zod';
import { CommandFailed, type Run, type RunOptions, type RunResult } from '../processes/runner.js';

/** Where a database is reached: through its own client programs, inside its container. */
export interface DatabaseConnection {
  readonly container: string;
  /** A role that needs no password over the container's local socket. */
  readonly user: string;
  /** Default `postgres`, which every cluster has. */
  readonly database?: string;
  /** The session's name, by which {@link toApplicationName} finds it again; default `lockstep`. */
  readonly applicationName?: string;
}

/** Programs in a database's container. */
export interface PostgresSession {
  /** Runs a client program, such as `pg_isready`. */
  readonly exec: (connection: DatabaseConnection, program: readonly string[], options?: RunOptions) => Promise<RunResult>;
  /**
   * Runs SQL through psql, given on standard input, a stream as it comes; the first error ends it.
   *
   * @param variables - Put into the text where it says `:'name'`, quoted by psql.
   * @throws CommandFailed named psql: status 2 where the connection failed, 3 where a statement did.
   */
  readonly runSql: (connection: DatabaseConnection, sql: string | Readable, options?: SqlOptions) => Promise<string>;
  /** Runs SQL whose every row is one JSON value, and checks each of them. */
  readonly query: <Row>(connection: DatabaseConnection, schema: z.ZodType<Row>, sql: string, options?: SqlOptions) => Promise<readonly Row[]>;
}

/** How SQL is run. */
export interface SqlOptions extends Pick<RunOptions, 'timeout' | 'signal' | 'onLine'> {
  readonly variables?: Readonly<Record<string, string>>;
}

// One less than NAMEDATALEN: PostgreSQL cuts what is longer.
const longestNameBytes = 63;

/** Client programs through `docker exec`. */
export function createPostgresSession({ run }: { run: Run }): PostgresSession {
  const exec: PostgresSession['exec'] = async (connection, program, options = {}) => {
    try {
      return await run('docker', execArguments(connection, program, { isInteractive: options.input !== undefined }), options);
    } catch (error) {
      if (!(error instanceof CommandFailed)) throw error;
      throw new CommandFailed(program[0] ?? 'docker exec', error.exitCode, `${error.how} in ${connection.container}`, error);
    }
  };
  const runSql: PostgresSession['runSql'] = async (connection, sql, { variables = {}, ...options } = {}) => {
    const program = [
      ...['psql', '--no-psqlrc', '--no-align', '--tuples-only', '--quiet', '--no-password', '-v', 'ON_ERROR_STOP=1'],
      ...['--username', connection.user, '--dbname', connection.database ?? 'postgres'],
      ...Object.entries(variables).flatMap(([name, value]) => ['-v', `${name}=${value}`]),
    ];
    return (await exec(connection, program, { timeout: 'standard', ...options, input: sql })).stdout;
  };
  return {
    exec,
    runSql,
    query: async (connection, schema, sql, options) => {
      const output = await runSql(connection, sql, options);
      return output.split('\n').filter(Boolean).map((line) => schema.parse(JSON.parse(line)));
    },
  };
}

/** The arguments of `docker exec` that start a client program in a database's container. */
export function execArguments(
  { container, applicationName = 'lockstep' }: DatabaseConnection,
  program: readonly string[],
  { isInteractive }: { isInteractive: boolean },
): readonly string[] {
  const interactive = isInteractive ? ['--interactive'] : [];
  // Output of tools is parsed: it must not change with the image's language.
  return ['exec', ...interactive, '--env', 'LC_ALL=C', '--env', `PGAPPNAME=${applicationName}`, container, ...program];
}

/**
 * A run's id as a session's name. PostgreSQL cuts names at 63 bytes and replaces what is not printable
 * ASCII; an id that would suffer keeps its beginning and gets its digest as its end.
 */
export function toApplicationName(runId: string): string {
  const printable = runId.replace(/[^\x20-\x7e]/g, '?');
  if (printable === runId && runId.length <= longestNameBytes) return runId;
  const digest = createHash('sha256').update(runId).digest('hex').slice(0, 12);
  return `${printable.slice(0, longestNameBytes - digest.length - 1)}-${digest}`;
}
