import { mkdir, mkdtemp, readFile, rm, stat, symlink, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createPipeline } from '../../../../src/host/processes/pipeline.js';
import type { Stage } from '../../../../src/host/processes/pipelineStage.js';
import { createPostgres, type Postgres } from '../../../../src/host/postgres/postgres.js';
import { readContainerReadiness, readReadiness } from '../../../../src/host/postgres/postgresReadiness.js';
import { readDataDirectoryFacts } from '../../../../src/host/postgres/postgresDataDirectory.js';
import { toApplicationName } from '../../../../src/host/postgres/postgresSession.js';
import { baseBackupStage, clusterDumpStage, clusterRestoreStages, dumpStage, globalsStage, pgRestoreStage, psqlStage } from '../../../../src/host/postgres/postgresStages.js';
import { createRun } from '../../../../src/host/processes/runner.js';
import { startPostgres, type TestServer } from './postgresServer.js';

const runPipeline = createPipeline();
const supersync = { container: 'supersync-postgres', user: 'supersync', database: 'supersync' };
const postgres = { container: 'supersync-postgres', user: 'supersync' };

const schema = `
CREATE TABLE users (id serial PRIMARY KEY, email text UNIQUE);
INSERT INTO users (email) SELECT 'user' || n || '@example.org' FROM generate_series(1, 7) n;
CREATE SCHEMA "Odd ""schema""";
CREATE TABLE "Odd ""schema"""."it's a table" (a int);
INSERT INTO "Odd ""schema"""."it's a table" VALUES (1), (2);
CREATE TABLE operations (id int, at date) PARTITION BY RANGE (at);
CREATE TABLE operations_1 PARTITION OF operations FOR VALUES FROM ('2031-01-01') TO ('2032-01-01');
INSERT INTO operations SELECT n, '2031-02-03' FROM generate_series(1, 5) n;
CREATE TABLE parent (a int); CREATE TABLE child () INHERITS (parent);
INSERT INTO parent VALUES (1); INSERT INTO child VALUES (2), (3);
CREATE SEQUENCE big START 9007199254740993;
SELECT nextval('big');
CREATE VIEW seen AS SELECT * FROM users;
SELECT lo_create(0);
CREATE ROLE reader LOGIN PASSWORD 'canary';
GRANT pg_read_all_data TO reader;
`;

describe('a running database', { timeout: 30_000 }, () => {
  let server: TestServer;
  let database: Postgres;
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'lockstep-dump-'));
    server = await startPostgres();
    database = createPostgres({ run: server.run });
    await database.runSql(postgres, 'CREATE DATABASE supersync; CREATE DATABASE other;');
    await database.runSql(supersync, schema);
  }, 60_000);
  afterAll(async () => {
    await server.remove();
    await rm(directory, { recursive: true });
  });
  const here = (stage: Stage): Stage => ({ ...stage, ...server.unwrap(stage.args) });

  test('tells its version and that it is ready', async () => {
    expect(await database.serverVersion(supersync)).toMatch(/^\d+\.\d+$/);
    expect(await database.isReady(supersync)).toBe(true);
  });

  test('lists its databases with their sizes, and its roles', async () => {
    const sizes = await database.databaseSizes(postgres);
    expect(sizes.map(({ name }) => name)).toEqual(['other', 'postgres', 'supersync', 'template0', 'template1']);
    expect(sizes.find(({ name }) => name === 'supersync')).toMatchObject({ owner: 'supersync', encoding: 'UTF8', isTemplate: false, allowsConnections: true });
    expect(sizes[0]?.sizeBytes).toBeGreaterThan(1_000_000);
    const roles = await database.roles(postgres);
    expect(roles).toEqual([
      { name: 'reader', isSuperuser: false, canLogin: true, memberOf: ['pg_read_all_data'] },
      { name: 'supersync', isSuperuser: true, canLogin: true, memberOf: [] },
    ]);
  });

  test('counts each table of its own rows, exactly', async () => {
    const { tables, sequences, largeObjects } = await database.rowCounts(supersync);
    expect(tables.map(({ schema: name, name: table, rows }) => [name, table, rows])).toEqual([
      ['Odd "schema"', "it's a table", 2],
      ['public', 'child', 2],
      ['public', 'operations_1', 5],
      ['public', 'parent', 1],
      ['public', 'users', 7],
    ]);
    expect(sequences).toEqual([
      { schema: 'public', name: 'big', lastValue: '9007199254740993', isCalled: true },
      { schema: 'public', name: 'users_id_seq', lastValue: '7', isCalled: true },
    ]);
    expect(largeObjects).toBe(1);
  });

  test('counts every database that can be connected to', async () => {
    const { databases: all, roles } = await database.readCluster(postgres);
    expect(roles).toEqual(await database.roles(postgres));
    expect(Object.keys(all)).toEqual(['other', 'postgres', 'supersync']);
    expect(all['supersync']?.tables).toHaveLength(5);
  });

  test('fails rather than counts too few where row security hides rows', async () => {
    await database.runSql(supersync, 'CREATE TABLE hidden (a int); ALTER TABLE hidden ENABLE ROW LEVEL SECURITY; INSERT INTO hidden VALUES (1);');
    await expect(database.rowCounts({ ...supersync, user: 'reader' })).rejects.toThrow('psql exited with status 3 in supersync-postgres');
    await database.runSql(supersync, 'DROP TABLE hidden;');
  });

  test('keeps SQL, its errors and its variables out of the message', async () => {
    const failure = await database.runSql(supersync, "SELECT 'canary' FROM nowhere;").catch((error: unknown) => error);
    expect((failure as Error).message).not.toMatch(/canary|nowhere/);
    const rows = await database.runSql(supersync, "SELECT :'text';", { variables: { text: "it's; DROP TABLE users" } });
    expect(rows).toBe("it's; DROP TABLE users\n");
  });

  test('says over its socket whether it takes connections', async () => {
    const asked = { socketDirectory: dirname(server.dataDirectory), user: 'supersync', database: 'supersync' };
    expect(await readReadiness(asked)).toBe(true);
    expect(await readReadiness({ ...asked, socketDirectory: '/nowhere' })).toBeUndefined();
  });

  test("says so in a container too, whose links lead the host's eye elsewhere", async () => {
    const procDirectory = join(directory, 'proc');
    await mkdir(join(procDirectory, '7', 'root', 'run'), { recursive: true });
    await mkdir(join(procDirectory, '7', 'root', 'var'));
    await symlink('/nowhere', join(procDirectory, '7', 'root', 'var', 'run'));
    const asked = { user: 'supersync', database: 'supersync', procDirectory };
    expect(await readContainerReadiness({ ...asked, processId: 7 })).toBeUndefined();
    await symlink(dirname(server.dataDirectory), join(procDirectory, '7', 'root', 'run', 'postgresql'));
    expect(await readContainerReadiness({ ...asked, processId: 7 })).toBe(true);
  });

  test('reads its control file', async () => {
    const control = await database.controlData({ ...supersync, dataDirectory: server.dataDirectory });
    expect(control).toMatchObject({ state: 'in production', hasChecksums: true, timeline: 1 });
    expect(control.systemIdentifier).toMatch(/^\d{19}$/);
    await database.checkpoint(supersync);
    const later = await database.controlData({ ...supersync, dataDirectory: server.dataDirectory });
    expect(later.checkpointLocation).not.toBe(control.checkpointLocation);
    expect(later.systemIdentifier).toBe(control.systemIdentifier);
  });

  test('tells the facts of its directory', async () => {
    const facts = await readDataDirectoryFacts({ path: server.dataDirectory });
    expect(facts).toMatchObject({ uid: (await stat(server.dataDirectory)).uid, mode: 0o700, hasPostmasterPid: true, hasBackupLabel: false, isStandby: false });
    expect(facts.majorVersion).toMatch(/^\d+$/);
    await expect(readDataDirectoryFacts({ path: directory })).rejects.toThrow('holds no PostgreSQL cluster');
  });

  test('ends the sessions of a run, and no others', async () => {
    const applicationName = toApplicationName('host/migrate/0123');
    const waiting = database.runSql({ ...supersync, applicationName }, 'SELECT pg_sleep(60);').catch((error: unknown) => error);
    const other = database.runSql({ ...supersync, applicationName: 'other' }, 'SELECT pg_sleep(1);');
    while ((await database.connectionCount(supersync)) < 2) await sleep(20);
    expect((await database.sessions(supersync)).map((session) => session.applicationName).sort()).toEqual([applicationName, 'other']);
    expect(await database.terminateSessions({ ...supersync, applicationName })).toEqual({ terminated: 1 });
    expect(await waiting).toBeInstanceOf(Error);
    await other;
    expect(await database.terminateSessions({ ...supersync, applicationName })).toEqual({ terminated: 0 });
  });

  test('dumps and counts at the moment of one snapshot, which no session outlives', async () => {
    const path = join(directory, 'dump');
    const { result, figures: counts } = await database.withSnapshot(supersync, async (snapshot) => {
      await database.runSql(supersync, 'DELETE FROM users WHERE id > 3;');
      return runPipeline({ stages: [here(dumpStage({ ...supersync, format: 'custom', snapshot }))], output: { path } });
    });
    expect(result.sizeBytes).toBeGreaterThan(0);
    expect(counts.tables.find(({ name }) => name === 'users')?.rows).toBe(7);
    expect((await database.rowCounts(supersync)).tables.find(({ name }) => name === 'users')?.rows).toBe(3);
    expect(await database.connectionCount(supersync)).toBe(0);

    await database.runSql(postgres, 'CREATE DATABASE restored TEMPLATE template0;');
    await runPipeline({ stages: [here(pgRestoreStage({ ...supersync, database: 'restored' }))], input: { path }, output: 'discard' });
    expect(await database.rowCounts({ ...supersync, database: 'restored' })).toEqual(counts);
  });

  test('lets the snapshot go when its use fails', async () => {
    await expect(database.withSnapshot(supersync, () => Promise.reject(new Error('disk full')))).rejects.toThrow('disk full');
    expect(await database.connectionCount(supersync)).toBe(0);
  });

  test('says when no snapshot can be had', async () => {
    await expect(database.withSnapshot({ ...supersync, database: 'nowhere' }, () => Promise.resolve())).rejects.toThrow('psql exited with status 2');
  });

  describe('a restore', () => {
    const sql = 'CREATE TABLE t (a int); INSERT INTO t VALUES (1);';

    test('commits when everything before it succeeded', async () => {
      await database.runSql(postgres, 'CREATE DATABASE whole TEMPLATE template0;');
      await runPipeline({ stages: [{ file: 'echo', args: [sql] }, here(psqlStage({ ...supersync, database: 'whole' }))], output: 'discard' });
      expect((await database.rowCounts({ ...supersync, database: 'whole' })).tables).toHaveLength(1);
    });

    test('commits nothing where its input breaks off', async () => {
      await database.runSql(postgres, 'CREATE DATABASE broken TEMPLATE template0;');
      const decrypt: Stage = { name: 'decrypt', file: '/bin/sh', args: ['-c', `echo '${sql}'; sleep 0.3; exit 2`] };
      const restore = psqlStage({ ...supersync, database: 'broken' });
      await expect(runPipeline({ stages: [decrypt, here(restore)], output: 'discard' })).rejects.toThrow('decrypt exited with status 2');
      while ((await database.connectionCount(supersync)) > 0) await sleep(20);
      expect((await database.rowCounts({ ...supersync, database: 'broken' })).tables).toEqual([]);
    });

    test('commits nothing where its input ends with the death of its client', async () => {
      const { file, args, env } = server.unwrap(psqlStage({ ...supersync, database: 'broken' }).args);
      await createRun()(file, args, { env, input: sql });
      expect((await database.rowCounts({ ...supersync, database: 'broken' })).tables).toEqual([]);
    });

    test('of a custom dump commits nothing where the dump is cut', async () => {
      const path = join(directory, 'to-cut');
      const { sizeBytes } = await runPipeline({ stages: [here(dumpStage({ ...supersync, format: 'custom' }))], output: { path } });
      await truncate(path, sizeBytes - 100);
      const restore = here(pgRestoreStage({ ...supersync, database: 'broken' }));
      await expect(runPipeline({ stages: [restore], input: { path }, output: 'discard' })).rejects.toThrow('pg_restore exited with status 1');
      expect((await database.rowCounts({ ...supersync, database: 'broken' })).tables).toEqual([]);
    });
  });

  test('a dump of the cluster makes a new one equal: roles with passwords, every database with its owner, sequences, large objects', async () => {
    await database.runSql(postgres, "CREATE ROLE owner_of_ledger LOGIN PASSWORD 'its own'; CREATE DATABASE ledger OWNER owner_of_ledger;");
    await database.runSql({ ...postgres, database: 'ledger' }, 'CREATE TABLE entries AS SELECT generate_series(1, 10) n; CREATE SEQUENCE numbers; SELECT nextval(\'numbers\'); SELECT lo_create(0);');
    const path = join(directory, 'cluster.sql');
    await runPipeline({ stages: [here(clusterDumpStage(postgres))], output: { path } });
    const other = await startPostgres();
    try {
      const stages = clusterRestoreStages(postgres).map((stage) => (stage.file === 'docker' ? { ...stage, ...other.unwrap(stage.args) } : stage));
      await runPipeline({ stages, input: { path }, output: 'discard' });
      const restored = createPostgres({ run: other.run });
      const [before, after] = await Promise.all([database.readCluster(postgres), restored.readCluster(postgres)]);
      expect(after.databases).toEqual(before.databases);
      expect(after.roles).toEqual(before.roles);
      expect(await restored.readClusterSettings(postgres)).toEqual({ encoding: 'UTF8', collation: 'C', characterType: 'C', hasChecksums: true });
      const secrets = "SELECT json_build_object('hash', rolpassword) FROM pg_authid WHERE rolname = 'owner_of_ledger';";
      expect(await restored.runSql(postgres, secrets)).toBe(await database.runSql(postgres, secrets));
      const owner = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'ledger';";
      expect((await restored.runSql(postgres, owner)).trim()).toBe('owner_of_ledger');
    } finally {
      await other.remove();
    }
  });

  test('a dump of the cluster that cannot be restored says so', async () => {
    const other = await startPostgres();
    try {
      const stages = clusterRestoreStages(postgres).map((stage) => (stage.file === 'docker' ? { ...stage, ...other.unwrap(stage.args) } : stage));
      const sql = 'CREATE ROLE supersync;\nCREATE ROLE supersync;\n';
      await expect(runPipeline({ stages: [{ file: 'printf', args: [sql] }, ...stages], output: 'discard' })).rejects.toThrow('psql exited with status 3');
    } finally {
      await other.remove();
    }
  });

  test('gives out roles, and the files of the whole cluster', async () => {
    const globals = join(directory, 'globals');
    await runPipeline({ stages: [here(globalsStage(postgres))], output: { path: globals } });
    expect(await readFile(globals, 'utf8')).toContain('CREATE ROLE reader');
    const files = await runPipeline({ stages: [here(baseBackupStage(postgres)), { file: 'tar', args: ['--list'] }], output: { path: join(directory, 'list') } });
    expect(files.stages[0]?.sizeBytes).toBeGreaterThan(20_000_000);
    expect(await readFile(join(directory, 'list'), 'utf8')).toContain('global/pg_control\n');
  });
});

test('a session has a name that PostgreSQL does not cut', () => {
  expect(toApplicationName('host/migrate/0123')).toBe('host/migrate/0123');
  const long = 'a-host-with-a-rather-long-name.example.org/verifyBackup/0192f7c5-1111-7000-8000-000000000001';
  expect(toApplicationName(long)).toHaveLength(63);
  expect(toApplicationName(long)).toMatch(/^a-host-with-a-rather-long-name\.example\.org\/verif.*-[0-9a-f]{12}$/);
  expect(toApplicationName(long)).not.toBe(toApplicationName(long.replace('001', '002')));
  expect(toApplicationName('höst')).toMatch(/^h\?st-[0-9a-f]{12}$/);
});
