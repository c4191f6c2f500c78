import type { Stage } from '../processes/pipelineStage.js';
import { execArguments, type DatabaseConnection } from './postgresSession.js';

/**
 * A dump of one database, given out as one stream, uncompressed, for the stages behind it.
 *
 * @param format - `custom` restores selectively and in parallel, `plain` is SQL.
 * @param snapshot - An exported snapshot that the dump shall be of.
 */
export function dumpStage(options: DatabaseConnection & { readonly database: string; readonly format: 'custom' | 'plain'; readonly snapshot?: string }): Stage {
  const { user, database, format, snapshot } = options;
  return inContainer(options, false, [
    ...['pg_dump', '--no-password', '--username', user, '--dbname', database, `--format=${format}`, '--compress=0'],
    ...(snapshot === undefined ? [] : [`--snapshot=${snapshot}`]),
  ]);
}

/** Roles with their password hashes, and tablespaces, as SQL: what a dump of one database leaves out. */
export function globalsStage(connection: DatabaseConnection): Stage {
  const { user, database = 'postgres' } = connection;
  return inContainer(connection, false, ['pg_dumpall', '--no-password', '--username', user, '--database', database, '--globals-only']);
}

/** The whole cluster as SQL: roles with their password hashes, and every database with its owner and rights; a superuser's to take. */
export function clusterDumpStage(connection: DatabaseConnection): Stage {
  const { user, database = 'postgres' } = connection;
  return inContainer(connection, false, ['pg_dumpall', '--no-password', '--username', user, '--database', database]);
}

/**
 * Takes what {@link clusterDumpStage} gave out into a cluster that is new: it goes from database to
 * database, ends at the first error, and a part of it is of no use.
 */
export function clusterRestoreStages(connection: DatabaseConnection): readonly Stage[] {
  const { user } = connection;
  return [
    // The new cluster has its first superuser already, of the same name; what the dump says of its rights and password counts.
    { file: 'sed', args: ['--expression', `0,/^CREATE ROLE ${toPattern(user)};$/{//d}`], env: { LC_ALL: 'C' } },
    inContainer(connection, true, [
      ...['psql', '--no-psqlrc', '--quiet', '--no-password', '-v', 'ON_ERROR_STOP=1', '--output', '/dev/null'],
      ...['--username', user, '--dbname', 'postgres', '--file', '-'],
    ]),
  ];
}

/** A role's name as pg_dumpall writes it, quoted where it has to be. */
function toPattern(role: string): string {
  return `"\\?${role.replaceAll('"', '""').replace(/[.*[\]^$\\/]/g, String.raw`\$&`)}"\\?`;
}

/** The files of the whole cluster as one tar, with the WAL that makes them whole; refused with tablespaces. */
export function baseBackupStage(connection: DatabaseConnection): Stage {
  const { user } = connection;
  return inContainer(connection, false, [
    ...['pg_basebackup', '--no-password', '--username', user, '--pgdata=-', '--format=tar', '--wal-method=fetch', '--checkpoint=fast'],
  ]);
}

/**
 * Takes SQL into a database, as one transaction that ends at the first error and is committed by the
 * pipeline's last bytes only: `--single-transaction` would commit at any end of the input, also where
 * a stage before it failed and the client in front of the container is killed. SQL that commits by
 * itself, such as a plain dump with large objects, escapes that; the custom format does not.
 */
export function psqlStage(connection: DatabaseConnection & { readonly database: string }): Stage {
  const { user, database } = connection;
  const stage = inContainer(connection, true, [
    ...['psql', '--no-psqlrc', '--quiet', '--no-password', '-v', 'ON_ERROR_STOP=1', '--output', '/dev/null'],
    ...['--username', user, '--dbname', database, '--command', 'BEGIN', '--file', '-'],
  ]);
  return { ...stage, finalInput: '\nCOMMIT;\n' };
}

/** Takes a dump in the custom format into a database, as one transaction that ends at the first error, a missing end included. */
export function pgRestoreStage(connection: DatabaseConnection & { readonly database: string }): Stage {
  const { user, database } = connection;
  return inContainer(connection, true, [
    ...['pg_restore', '--no-password', '--exit-on-error', '--single-transaction', '--username', user, '--dbname', database],
  ]);
}

function inContainer(connection: DatabaseConnection, isInteractive: boolean, program: readonly string[]): Stage {
  return { file: 'docker', name: program[0] ?? 'docker exec', args: execArguments(connection, program, { isInteractive }) };
}
