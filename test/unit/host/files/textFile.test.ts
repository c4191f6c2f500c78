import { chmod, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { partialPathOf, publishFile } from '../../../../src/host/files/atomicFile.js';
import { appendText, ensureBackup, ensureTextFile, readBackups, readTextFile } from '../../../../src/host/files/textFile.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lockstep-text-'));
});
afterEach(() => rm(directory, { recursive: true }));

test('writes once, and changes nothing the second time', async () => {
  const path = join(directory, 'a');
  expect(await ensureTextFile({ path, content: 'one', mode: 0o640 })).toEqual({ changed: true });
  const before = await stat(path);
  expect(await ensureTextFile({ path, content: 'one', mode: 0o640 })).toEqual({ changed: false });
  expect((await stat(path)).ino).toBe(before.ino);
  expect(before.mode & 0o7777).toBe(0o640);
  expect(await readdir(directory)).toEqual(['a']);
});

test('a file that holds secrets is born closed, and a present one keeps its mode', async () => {
  const path = join(directory, '.env');
  await ensureTextFile({ path, content: 'one' });
  expect((await stat(path)).mode & 0o7777).toBe(0o600);
  await chmod(path, 0o644);
  await ensureTextFile({ path, content: 'two' });
  expect((await stat(path)).mode & 0o7777).toBe(0o644);
});

test('a mode that differs is a change', async () => {
  const path = join(directory, 'a');
  await writeFile(path, 'one', { mode: 0o644 });
  expect(await ensureTextFile({ path, content: 'one', mode: 0o600 })).toEqual({ changed: true });
});

test('writes to the target of a symbolic link', async () => {
  await writeFile(join(directory, 'real'), 'one');
  await symlink('real', join(directory, 'link'));
  await ensureTextFile({ path: join(directory, 'link'), content: 'two' });
  expect(await readlink(join(directory, 'link'))).toBe('real');
  expect(await readTextFile(join(directory, 'real'))).toBe('two');
});

test('a write that fails leaves the old file and nothing else', async () => {
  const path = join(directory, 'a');
  await writeFile(path, 'one');
  const attempt = publishFile({
    path,
    write: async (file) => {
      await file.writeFile('half');
      throw new Error('disk full');
    },
  });
  await expect(attempt).rejects.toThrow('disk full');
  expect(await readFile(path, 'utf8')).toBe('one');
  expect(await readdir(directory)).toEqual(['a']);
});

test('what a power cut left is replaced', async () => {
  const path = join(directory, 'a');
  await writeFile(partialPathOf(path), 'left over, and longer than the new content');
  await ensureTextFile({ path, content: 'new' });
  expect(await readFile(path, 'utf8')).toBe('new');
  expect(await readdir(directory)).toEqual(['a']);
});

test('backups never overwrite one another, and the same content is kept once', async () => {
  const path = join(directory, '.env');
  const now = new Date('2031-02-03T04:05:06Z');
  expect(await ensureBackup({ path, now })).toBeUndefined();
  await writeFile(path, 'one', { mode: 0o640 });
  const first = await ensureBackup({ path, now });
  expect(first?.backupPath).toBe(`${path}.20310203T040506Z.backup`);
  expect((await stat(first?.backupPath ?? '')).mode & 0o7777).toBe(0o640);
  expect(await ensureBackup({ path, now: new Date('2031-02-03T04:05:07Z') })).toEqual(first);
  await writeFile(path, 'two');
  expect((await ensureBackup({ path, now }))?.backupPath).toBe(`${path}.20310203T040506Z-2.backup`);
  await writeFile(path, 'three');
  await ensureBackup({ path, now: new Date('2031-01-01T00:00:00Z') });
  const backups = await readBackups(path);
  expect(await Promise.all(backups.map(readTextFile))).toEqual(['three', 'one', 'two']);
});

test('appends', async () => {
  const path = join(directory, 'log');
  await appendText({ path, text: 'one\n' });
  await appendText({ path, text: 'two\n' });
  expect(await readFile(path, 'utf8')).toBe('one\ntwo\n');
  expect((await stat(path)).mode & 0o7777).toBe(0o600);
});
