import { execFile } from 'node:child_process';
import { appendFile, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, expect, test } from 'vitest';
import { appendLines } from '../../../../src/host/files/appendLines.js';
import { assertRoot, withDirectory } from '../../needsRoot.js';

const execute = promisify(execFile);
const pageBytes = 4096;

beforeAll(() => assertRoot('a small filesystem is mounted, to be full'));

/** A filesystem of four pages, one of them taken by something that can be removed. */
const withSmallFilesystem = (use: (at: { readonly path: string; readonly makeRoom: () => Promise<void> }) => Promise<void>) =>
  withDirectory(async (directory) => {
    await execute('mount', ['-t', 'tmpfs', '-o', `size=${4 * pageBytes}`, 'tmpfs', directory]);
    try {
      const filler = join(directory, 'filler');
      await writeFile(filler, Buffer.alloc(pageBytes));
      await use({ path: join(directory, 'lines'), makeRoom: () => rm(filler) });
    } finally {
      await execute('umount', [directory]);
    }
  });

test('lines are added behind those that are there', () =>
  withDirectory(async (directory) => {
    const path = join(directory, 'lines');
    await appendLines(path, ['one']);
    await appendLines(path, ['two', 'three']);
    expect(await readFile(path, 'utf8')).toBe('one\ntwo\nthree\n');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  }));

test('what the disk took only in part is taken back: with room again the next line stands by itself', () =>
  withSmallFilesystem(async ({ path, makeRoom }) => {
    await appendLines(path, ['kept']);
    await expect(appendLines(path, ['whole', 'x'.repeat(4 * pageBytes)])).rejects.toThrow(/^the filesystem of \S+ is full \(ENOSPC\)/);
    // Before the next one too: whoever reads meanwhile finds no half of it.
    expect(await readFile(path, 'utf8')).toBe('kept\n');
    await makeRoom();
    await appendLines(path, ['next']);
    expect(await readFile(path, 'utf8')).toBe('kept\nnext\n');
  }));

test('an end that is torn all the same is cut off before the next line', () =>
  withDirectory(async (directory) => {
    const path = join(directory, 'lines');
    await appendLines(path, ['kept – ü']);
    await appendFile(path, '{"kind":"beg');
    await appendLines(path, ['next']);
    expect(await readFile(path, 'utf8')).toBe('kept – ü\nnext\n');
  }));
