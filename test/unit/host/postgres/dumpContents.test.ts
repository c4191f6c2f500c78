import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readDump } from '../../../../src/host/postgres/dumpContents.js';
import { withDirectory } from '../../needsRoot.js';
import { startPostgres, type TestServer } from './postgresServer.js';

async function contentsOf(content: string | Buffer) {
  let found: unknown;
  await withDirectory(async (directory) => {
    await writeFile(join(directory, 'dump'), content);
    found = await readDump({ path: join(directory, 'dump') }).catch((error: unknown) => (error as Error).message);
  });
  return found;
}

describe('what dumps of a real server hold', () => {
  let server: TestServer;
  const everything = ['odd "name".a.b', 'public.empty', 'public.measured_1', 'public.users'];

  const dump = async (program: 'pg_dump' | 'pg_dumpall', ...args: readonly string[]) => {
    const { file, args: own, env } = server.unwrap(['exec', 'db', program, '--username', 'supersync', ...args]);
    return Buffer.from((await execa(file, own, { env, encoding: 'buffer' })).stdout);
  };
  const psql = async (database: string, sql: string) => {
    const { file, args, env } = server.unwrap(['exec', 'db', 'psql', '--username', 'supersync', '--dbname', database, '--command', sql]);
    await execa(file, args, { env });
  };
  const sorted = (found: unknown) => (Array.isArray(found) ? (found as { name?: string; tables: string[] }[]).map((each) => ({ ...each, tables: each.tables.toSorted() })) : found);

  beforeAll(async () => {
    server = await startPostgres();
    await psql('postgres', 'CREATE DATABASE shop');
    await psql('postgres', `CREATE DATABASE "odd 'one'"`);
    await psql('shop', 'CREATE SCHEMA "odd ""name"""; CREATE TABLE "odd ""name"""."a.b" (id int); CREATE UNLOGGED TABLE empty (id int); CREATE TABLE users (id int, note text)');
    await psql('shop', 'CREATE TABLE measured (at int) PARTITION BY RANGE (at); CREATE TABLE measured_1 PARTITION OF measured FOR VALUES FROM (0) TO (9); INSERT INTO measured VALUES (1)');
    await psql('shop', String.raw`INSERT INTO users VALUES (1, E'line\nCREATE TABLE public.trap (id int);'), (2, E'\\connect trap')`);
    await psql(`odd 'one'`, 'CREATE TABLE patients (id int)');
  });
  afterAll(() => server.remove());

  test.each(['plain', 'custom', 'tar'])('the tables of one, in the format %s, packed or not', async (format) => {
    const made = await dump('pg_dump', `--format=${format}`, 'shop');
    const expected = [{ ...(format === 'plain' ? {} : { name: 'shop' }), tables: everything }];
    expect(sorted(await contentsOf(made))).toEqual(expected);
    expect(sorted(await contentsOf(gzipSync(made)))).toEqual(expected);
  });

  test.each(['plain', 'custom', 'tar'])('those of rows alone, and of one table, in the format %s', async (format) => {
    const rows = sorted(await contentsOf(await dump('pg_dump', `--format=${format}`, '--data-only', 'shop')));
    expect(rows).toMatchObject([{ tables: everything.filter((table) => format === 'plain' || table !== 'public.measured') }]);
    expect(await contentsOf(await dump('pg_dump', `--format=${format}`, '--table=users', 'shop'))).toMatchObject([{ tables: ['public.users'] }]);
  });

  test('every database that a plain one names, to its end', async () => {
    expect(sorted(await contentsOf(await dump('pg_dump', '--create', 'shop')))).toEqual([{ name: 'shop', tables: everything }]);
    const found = sorted(await contentsOf(await dump('pg_dumpall')));
    expect(found).toContainEqual({ name: 'shop', tables: everything });
    expect(found).toContainEqual({ name: `odd 'one'`, tables: ['public.patients'] });
    // What was appended is no part of the database before it.
    const appended = Buffer.concat([await dump('pg_dump', '--create', 'shop'), await dump('pg_dump', `odd 'one'`)]);
    expect(sorted(await contentsOf(appended))).toEqual([{ name: 'shop', tables: everything }, { tables: ['public.patients'] }]);
  });

  test('one in a directory shows that its rows lie elsewhere', () =>
    withDirectory(async (directory) => {
      await mkdir(join(directory, 'parent'));
      const target = join(directory, 'parent', 'dump');
      await dump('pg_dump', '--format=directory', '--file', target, 'shop');
      expect(await contentsOf(await readFile(join(target, 'toc.dat')))).toContain('whose rows lie in files beside it');
    }));

  test('an archive that is cut off in its table of contents, or another tar with one in it, is not taken for whole', async () => {
    const archive = await dump('pg_dump', '--format=custom', 'shop');
    expect(await contentsOf(archive.subarray(0, 900))).toContain('cut off, or not understood');
    const tar = await dump('pg_dump', '--format=tar', 'shop');
    expect(await contentsOf(Buffer.concat([Buffer.from('shop.dump'.padEnd(100, '\0')), tar.subarray(100)]))).toContain('a tar that holds a dump, and maybe more');
    expect(await contentsOf(Buffer.concat([Buffer.from('PGDMP\u0001\u0063')]))).toContain('version 1.99, which is not understood');
  });

  test('a packed one that is cut off is not taken for whole', async () => {
    const packed = gzipSync(await dump('pg_dump', 'shop'));
    expect(await contentsOf(packed.subarray(0, packed.length - 12))).toContain('cannot be unpacked to its end');
  });
});

test('tables far behind the beginning, and behind a row of any length, are seen', async () => {
  const head = '--\n-- PostgreSQL database dump\n--\nCREATE TABLE public.a (id text);\nCOPY public.a (id) FROM stdin;\n';
  const long = `${'CREATE TABLE public.trap '.repeat(200_000)}\n`;
  expect(await contentsOf(`${head}${long}\\.\nCREATE TABLE public.b (id text);\n`)).toEqual([{ tables: ['public.a', 'public.b'] }]);
  expect(await contentsOf(`--\r\n-- PostgreSQL database dump\r\nINSERT INTO public.c VALUES (1);\r\nCREATE TABLE unqualified (\r\n`)).toEqual([{ tables: ['public.c', 'unqualified'] }]);
});
