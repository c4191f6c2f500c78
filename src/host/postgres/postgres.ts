import { stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { createDocker } from '../docker/docker.js';
import { createThrowaways } from '../docker/dockerThrowaway.js';
import { parseControlData, type ControlData } from './postgresControlData.js';
import { readFigures, readFiguresOfAll, type DatabaseFigures } from './postgresFigures.js';
import { createPostgresSession, type DatabaseConnection } from './postgresSession.js';
import { withSnapshot } from './postgresSnapshot.js';
import type { Run } from '../processes/runner.js';

/** A database of a cluster. */
export interface DatabaseSize {
  readonly name: string;
  readonly owner: string;
  /** The template databases are listed too. */
  readonly isTemplate: boolean;
  /** Whether anyone can connect, and so whether it can be counted. */
  readonly allowsConnections: boolean;
  readonly encoding: string;
  readonly collation: string;
  readonly sizeBytes: number;
}

/** A role, without its password. */
export interface RoleFacts {
  readonly name: string;
  readonly isSuperuser: boolean;
  readonly canLogin: boolean;
  readonly memberOf: readonly string[];
}

/** A client's session, this tool's own left out. */
export interface SessionFacts {
  readonly processId: number;
  readonly database: string;
  readonly user: string;
  readonly applicationName: string;
  readonly state: string;
}

const sizeSchema = z.object({
  name: z.string(),
  owner: z.string(),
  isTemplate: z.boolean(),
  allowsConnections: z.boolean(),
  encoding: z.string(),
  collation: z.string(),
  sizeBytes: z.number(),
});
const roleSchema = z.object({ name: z.string(), isSuperuser: z.boolean(), canLogin: z.boolean(), memberOf: z.array(z.string()) });
const sessionSchema = z.object({ processId: z.number(), database: z.string(), user: z.string(), applicationName: z.string(), state: z.string() });
const countSchema = z.object({ count: z.number() });

/** How long sessions that were told to end are waited for. */
const endingSeconds = 10;

/** PostgreSQL through the client programs of its own image. */
export function createPostgres({ run }: { run: Run }) {
  const session = createPostgresSession({ run });
  const throwaways = createThrowaways({ run, docker: createDocker({ run }) });
  return {
    /** SQL on standard input; see {@link createPostgresSession}. */
    runSql: session.runSql,
    query: session.query,

    /** Whether the server takes connections; false also where the container does not run. */
    isReady: async (connection: DatabaseConnection): Promise<boolean> => {
      const program = ['pg_isready', '--quiet', '--username', connection.user, '--dbname', connection.database ?? 'postgres'];
      const { exitCode } = await session.exec(connection, program, { answers: [0, 1, 2, 3] });
      return exitCode === 0;
    },

    /** Such as `15.18`. */
    serverVersion: async (connection: DatabaseConnection): Promise<string> => {
      const version = await session.runSql(connection, 'SHOW server_version;');
      return version.trim().split(' ')[0] ?? '';
    },

    /** Every database with its size, as psql's `\l+` lists them. */
    databaseSizes: (connection: DatabaseConnection): Promise<readonly DatabaseSize[]> => session.query(connection, sizeSchema, listDatabases),

    /** Exact counts of a database's tables, with its sequences and large objects; see {@link readFigures}. */
    rowCounts: (options: Parameters<typeof readFigures>[1] & { readonly database: string }): Promise<DatabaseFigures> => readFigures(session, options),

    /**
     * Everything of a cluster that a copy of it has to hold: the figures of every database that can be
     * connected to (templates left out), sizes and roles. Two sessions in all.
     */
    readCluster: async (connection: DatabaseConnection & { readonly signal?: AbortSignal }): Promise<ClusterFacts> => {
      const kinds = z.discriminatedUnion('kind', [sizeSchema.extend({ kind: z.literal('size') }), roleSchema.extend({ kind: z.literal('role') })]);
      const rows = await session.query(connection, kinds, [tagged('size', listDatabases), tagged('role', listRoles)].join('\n'));
      const sizes = rows.flatMap((row) => (row.kind === 'size' ? [row] : []));
      const databases = sizes.filter(({ isTemplate, allowsConnections }) => !isTemplate && allowsConnections).map(({ name }) => name);
      return {
        databases: await readFiguresOfAll(session, { ...connection, databases }),
        sizes: sizes.map(({ name, sizeBytes }) => ({ name, sizeBytes })),
        roles: rows.flatMap((row) => (row.kind === 'role' ? [{ name: row.name, isSuperuser: row.isSuperuser, canLogin: row.canLogin, memberOf: row.memberOf }] : [])),
      };
    },

    /** What the cluster was made with, for another one to be made in the same way. */
    readClusterSettings: async (connection: DatabaseConnection): Promise<ClusterSettings> => {
      const [settings] = await session.query(connection, clusterSettingsSchema, listClusterSettings);
      if (settings === undefined) throw new Error(`there is no database template1 in ${connection.container}`);
      return settings;
    },

    /** The cluster's own roles; those that PostgreSQL brings (`pg_…`) are left out. */
    roles: (connection: DatabaseConnection): Promise<readonly RoleFacts[]> => session.query(connection, roleSchema, listRoles),

    /** Runs `use` while an exported snapshot is held, and counts in it; see {@link withSnapshot}. */
    withSnapshot: <Result>(connection: DatabaseConnection & { readonly signal?: AbortSignal }, use: (snapshot: string) => Promise<Result>) =>
      withSnapshot(session, connection, use),

    /** Clients' sessions other than this one. */
    sessions: (connection: DatabaseConnection): Promise<readonly SessionFacts[]> => session.query(connection, sessionSchema, listSessions),

    /** How many of them there are. */
    connectionCount: async (connection: DatabaseConnection): Promise<number> => (await session.query(connection, sessionSchema, listSessions)).length,

    /**
     * Ends the sessions of that application name (by default the connection's own), which go on when
     * the client that started them was killed, and waits until they are gone.
     *
     * @throws Error where one is still there after 10 s.
     */
    terminateSessions: async (connection: DatabaseConnection & { readonly applicationName: string }): Promise<{ terminated: number }> => {
      const variables = { application: connection.applicationName };
      const count = async (what: string) => (await session.query(connection, countSchema, `SELECT json_build_object('count', ${what}) ${ofApplication}`, { variables }))[0]?.count ?? 0;
      const terminated = await count('count(pg_terminate_backend(pid))');
      const deadline = performance.now() + endingSeconds * 1000;
      while (terminated > 0) {
        const left = await count('count(*)');
        if (left === 0) break;
        if (performance.now() > deadline) throw new Error(`${left} sessions named ${connection.applicationName} did not end within ${endingSeconds} s`);
        await sleep(200);
      }
      return { terminated };
    },

    /** Pages whose checksum was wrong when they were read, since the statistics were last reset; 0 of a cluster without checksums. */
    checksumFailures: async (connection: DatabaseConnection): Promise<number> => (await session.query(connection, countSchema, countChecksumFailures))[0]?.count ?? 0,

    /** Writes out what is dirty, so that the stop that follows is short. */
    checkpoint: async (connection: DatabaseConnection): Promise<void> => {
      await session.runSql(connection, 'CHECKPOINT;', { timeout: 'service' });
    },

    /** The control file of a running cluster. */
    controlData: async ({ dataDirectory, ...connection }: DatabaseConnection & { readonly dataDirectory: string }): Promise<ControlData> =>
      parseControlData(await session.exec(connection, ['pg_controldata', '--pgdata', dataDirectory]), dataDirectory),

    /**
     * The control file of a stopped cluster, read by the program of its own image in a throw-away
     * container that can write nothing and reaches no network.
     *
     * @param directory - The data directory on the host.
     * @param user - `uid:gid`; default: the directory's owner.
     * @param label - The run's id; see {@link createThrowaways}.
     */
    readStoppedControlData: async (options: { image: string; directory: string; user?: string; label: string }): Promise<ControlData> => {
      const { image, directory, label } = options;
      const user = options.user ?? (await ownerOf(directory));
      const target = '/var/lib/postgresql/data';
      const result = await throwaways.run({
        image,
        runId: label,
        user,
        entrypoint: 'pg_controldata',
        args: ['--pgdata', target],
        environment: { LC_ALL: 'C' },
        mounts: [{ type: 'bind', source: directory, target, isReadOnly: true }],
      });
      return parseControlData(result, directory);
    },
  };
}

/** What initdb was given, directly or by its environment. */
export interface ClusterSettings {
  readonly encoding: string;
  readonly collation: string;
  readonly characterType: string;
  readonly hasChecksums: boolean;
}

/** What a cluster holds. */
export interface ClusterFacts {
  readonly databases: Readonly<Record<string, DatabaseFigures>>;
  readonly sizes: readonly { readonly name: string; readonly sizeBytes: number }[];
  readonly roles: readonly RoleFacts[];
}

/** Says of each row which list it belongs to. */
function tagged(kind: string, list: string): string {
  return list.replace('json_build_object(', `json_build_object('kind', '${kind}', `);
}

/** What {@link createPostgres} makes. */
export type Postgres = ReturnType<typeof createPostgres>;

async function ownerOf(directory: string): Promise<string> {
  const { uid, gid } = await stat(directory);
  return `${uid}:${gid}`;
}

const listDatabases = `
SELECT json_build_object('name', datname, 'owner', pg_get_userbyid(datdba), 'isTemplate', datistemplate,
  'allowsConnections', datallowconn, 'encoding', pg_encoding_to_char(encoding), 'collation', datcollate,
  'sizeBytes', pg_database_size(oid))
FROM pg_database ORDER BY datname COLLATE "C";`;

const clusterSettingsSchema = z.object({ encoding: z.string(), collation: z.string(), characterType: z.string(), hasChecksums: z.boolean() });

const listClusterSettings = `
SELECT json_build_object('encoding', pg_encoding_to_char(encoding), 'collation', datcollate, 'characterType', datctype,
  'hasChecksums', current_setting('data_checksums') = 'on')
FROM pg_database WHERE datname = 'template1';`;

const listRoles = `
SELECT json_build_object('name', r.rolname, 'isSuperuser', r.rolsuper, 'canLogin', r.rolcanlogin, 'memberOf', ARRAY(
  SELECT g.rolname FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid WHERE m.member = r.oid ORDER BY g.rolname COLLATE "C"))
FROM pg_roles r WHERE r.rolname !~ '^pg_' ORDER BY r.rolname COLLATE "C";`;

const listSessions = `
SELECT json_build_object('processId', pid, 'database', coalesce(datname, ''), 'user', coalesce(usename, ''),
  'applicationName', application_name, 'state', coalesce(state, ''))
FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() ORDER BY pid;`;

// Through JSON, since servers before 12 have no such column.
const countChecksumFailures =
  "SELECT json_build_object('count', coalesce(sum((to_jsonb(d) ->> 'checksum_failures')::bigint), 0)) FROM pg_stat_database d;";

const ofApplication = "FROM pg_stat_activity WHERE application_name = :'application' AND pid <> pg_backend_pid();";
