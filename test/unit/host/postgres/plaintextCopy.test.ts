import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { readControlTime, readSystemIdentifier, recogniseFile } from '../../../../src/host/postgres/plaintextCopy.js';
import { withDirectory } from '../../needsRoot.js';

const dump = `--\n-- PostgreSQL database dump\n--\n\nCREATE TABLE public.operations (\n    id bigint\n);\nCREATE TABLE "Odd".users (id bigint);\n`;

async function recognised(content: string | Buffer, name = 'file') {
  let found: unknown;
  await withDirectory(async (directory) => {
    await writeFile(join(directory, name), content);
    found = await recogniseFile(join(directory, name), name);
  });
  return found;
}

test('a plain dump is known by its first lines, packed or not, and not by the same lines further in', async () => {
  expect(await recognised(dump)).toEqual({ kind: 'dump' });
  expect(await recognised(gzipSync(dump))).toEqual({ kind: 'dump' });
  // Longer than what is read of it: the end of the packed file is missing.
  const noise = Array.from({ length: 400_000 }, (_, at) => String((at * 7919) % 100_003)).join('\n');
  expect(await recognised(gzipSync(dump + noise))).toEqual({ kind: 'dump' });
  expect(await recognised(`#!/bin/sh\n${dump}`)).toEqual({ kind: 'unknown', why: 'it holds a dump of PostgreSQL after something else: look into it' });
});

test('an archive of pg_dump is known by its mark, alone or in a tar', async () => {
  expect(await recognised('PGDMP\u0001\u000e')).toEqual({ kind: 'dump' });
  expect(await recognised(Buffer.concat([Buffer.alloc(512), Buffer.from('PGDMP')]))).toEqual({ kind: 'dump' });
});

test('a WAL segment and a cluster tell whose they are', async () => {
  const page = Buffer.alloc(64);
  page.writeBigUInt64LE(7301482217345678901n, 24);
  expect(await recognised(page, '000000010000000000000042')).toEqual({ kind: 'WAL segment', systemIdentifier: '7301482217345678901' });
  await withDirectory(async (directory) => {
    expect(await readSystemIdentifier(directory)).toBeUndefined();
    await mkdir(join(directory, 'global'));
    const control = Buffer.alloc(8192);
    control.writeBigUInt64LE(7301482217345678901n, 0);
    control.writeBigInt64LE(1_788_000_000n, 24);
    expect(await readControlTime(directory)).toBeUndefined();
    await writeFile(join(directory, 'global', 'pg_control'), control);
    expect(await readControlTime(directory)).toEqual(new Date(1_788_000_000_000));
    expect(await readSystemIdentifier(directory)).toBeUndefined();
    await writeFile(join(directory, 'PG_VERSION'), '15\n');
    expect(await readSystemIdentifier(directory)).toBe('7301482217345678901');
    control.writeBigInt64LE(2n ** 62n, 24);
    await writeFile(join(directory, 'global', 'pg_control'), control);
    expect(await readControlTime(directory)).toBeUndefined();
  });
});

test('what is encrypted is no copy in the clear, and what is not recognised is left to a person', async () => {
  expect(await recognised(Buffer.from([0x8c, 0x0d, 0x04, 0x09]))).toEqual({ kind: 'encrypted' });
  expect(await recognised(Buffer.from([0xc3, 0x0d, 0x04, 0x09]))).toEqual({ kind: 'encrypted' });
  expect(await recognised(Buffer.from('LUKS\xba\xbe', 'latin1'))).toEqual({ kind: 'encrypted' });
  expect(await recognised(Buffer.from('28b52ffd00', 'hex'))).toEqual({ kind: 'unknown', why: 'compressed in a way that is not looked into' });
  expect(await recognised('call the printer company\n')).toEqual({ kind: 'unknown', why: 'not recognised as data of PostgreSQL' });
  expect(await recognised('')).toEqual({ kind: 'unknown', why: 'not recognised as data of PostgreSQL' });
});
