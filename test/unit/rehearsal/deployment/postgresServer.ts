import { chown, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRun } from '../../../../src/host/processes/runner.js';
import { findFreePort } from '../../../workflows/freePort.js';
import { createCluster } from '../../postgresCluster.js';

const run = createRun();
const database = 'supersync';

/** A PostgreSQL 15 of the test's own, on a loopback port. */
export interface PostgresServer {
  readonly url: string;
  readonly psql: (sql: string) => Promise<string>;
  /** Stops it as `docker stop` does, sessions ended. */
  stop(): Promise<void>;
  start(): Promise<void>;
  /** Stops it and removes its files. */
  remove(): Promise<void>;
}

/** Initialises and starts a PostgreSQL 15 with an empty database `supersync`. */
export async function startPostgres(): Promise<PostgresServer> {
  const binaries = await findBinaries();
  const directory = await mkdtemp(join(tmpdir(), 'lockstep-postgres-'));
  const port = await findFreePort();
  const asRoot = process.getuid?.() === 0;
  if (asRoot) await chown(directory, await readId('-u'), await readId('-g'));
  const data = join(directory, 'data');
  const runAsOwner = (path: string, args: readonly string[]) =>
    asRoot ? run('setpriv', ['--reuid=postgres', '--regid=postgres', '--clear-groups', path, ...args]) : run(path, args);
  const runControl = (...args: readonly string[]) => runAsOwner(join(binaries, 'pg_ctl'), ['-D', data, ...args]);
  const connection = ['-h', '127.0.0.1', '-p', String(port), '-U', database];
  const server: PostgresServer = {
    url: `postgres://${database}@127.0.0.1:${port}/${database}`,
    psql: async (sql) => {
      const args = [...connection, '-d', database, '-qAtX', '-v', 'ON_ERROR_STOP=1'];
      return (await run(join(binaries, 'psql'), args, { input: sql, timeout: 'standard' })).stdout;
    },
    stop: async () => {
      await runControl('-m', 'fast', '-w', 'stop');
    },
    start: async () => {
      const options = `-p ${port} -k ${directory} -c listen_addresses=127.0.0.1 -c fsync=off -c shared_buffers=16MB`;
      await runControl('-l', join(directory, 'log'), '-o', options, '-w', 'start');
    },
    remove: async () => {
      const status = await run(join(binaries, 'pg_isready'), connection, { answers: [0, 1, 2] });
      if (status.exitCode === 0) await server.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
  await createCluster(binaries, data, runAsOwner);
  await server.start();
  await run(join(binaries, 'createdb'), [...connection, database]);
  return server;
}

async function findBinaries(): Promise<string> {
  const directory = '/usr/lib/postgresql/15/bin';
  const found = await readdir(directory).catch((): string[] => []);
  if (!found.includes('initdb')) throw new Error(`no initdb in ${directory}; install the package postgresql-15`);
  return directory;
}

async function readId(flag: '-u' | '-g'): Promise<number> {
  return Number((await run('id', [flag, 'postgres'])).stdout);
}
