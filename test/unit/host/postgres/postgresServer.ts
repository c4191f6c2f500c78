import { existsSync } from 'node:fs';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { createRun, type Run } from '../../../../src/host/processes/runner.js';
import { createCluster } from '../../postgresCluster.js';

const programs = ['/usr/lib/postgresql/15/bin', '/usr/lib/postgresql/16/bin', '/usr/lib/postgresql/17/bin'].find((path) => existsSync(path));

/** A PostgreSQL of the machine's own programs, reached as if it were in a container. */
export interface TestServer {
  /** Takes `docker exec … CONTAINER program …` and runs the program on the machine. */
  readonly run: Run;
  /** The same for the arguments of a pipeline's stage. */
  readonly unwrap: (args: readonly string[]) => { file: string; args: readonly string[]; env: Record<string, string> };
  readonly dataDirectory: string;
  readonly stop: () => Promise<void>;
  readonly remove: () => Promise<void>;
}

/** Starts a new cluster, which listens on a Unix socket only, with the superuser `supersync`. */
export async function startPostgres(): Promise<TestServer> {
  if (programs === undefined) throw new Error('this machine has no PostgreSQL programs');
  const directory = await mkdtemp(join(tmpdir(), 'lockstep-pg-'));
  const dataDirectory = join(directory, 'data');
  const asOwner = await becomeOwner(directory);
  const start = (...args: readonly string[]) => execa(asOwner[0] ?? '', [...asOwner.slice(1), ...args], { cwd: directory, stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' });
  await createCluster(programs, dataDirectory, (program, args) => start(program, ...args));
  const pgCtl = join(programs, 'pg_ctl');
  await start(pgCtl, 'start', '--wait', '--pgdata', dataDirectory, '--options', `-c listen_addresses='' -c fsync=off -k ${directory}`);
  const run = createRun();
  const unwrap: TestServer['unwrap'] = (args) => {
    const env: Record<string, string> = { PGHOST: directory };
    let index = 1;
    for (; args[index]?.startsWith('--') === true; index += 1) {
      if (args[index] !== '--env') continue;
      index += 1;
      const [name = '', value = ''] = (args[index] ?? '').split('=');
      env[name] = value;
    }
    const [program = '', ...rest] = args.slice(index + 1);
    return { file: join(programs, program), args: rest, env };
  };
  return {
    run: (file, args, options = {}) => {
      if (file !== 'docker' || args[0] !== 'exec') return Promise.reject(new Error(`the test knows no command ${file} ${args[0] ?? ''}`));
      const { env, ...inner } = unwrap(args);
      return run(inner.file, inner.args, { ...options, env });
    },
    unwrap,
    dataDirectory,
    stop: async () => {
      await start(pgCtl, 'stop', '--wait', '--mode', 'fast', '--pgdata', dataDirectory);
    },
    remove: async () => {
      await execa(asOwner[0] ?? '', [...asOwner.slice(1), pgCtl, 'stop', '--mode', 'immediate', '--pgdata', dataDirectory], { reject: false, cwd: directory });
      await rm(directory, { recursive: true });
    },
  };
}

/** PostgreSQL refuses to run as root. */
async function becomeOwner(directory: string): Promise<readonly string[]> {
  if (userInfo().uid !== 0) return ['env'];
  const uid = Number((await execa('id', ['-u', 'postgres'])).stdout);
  const gid = Number((await execa('id', ['-g', 'postgres'])).stdout);
  await chown(directory, uid, gid);
  return ['setpriv', '--reuid', String(uid), '--regid', String(gid), '--clear-groups'];
}
