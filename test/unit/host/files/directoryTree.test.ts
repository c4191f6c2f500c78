import { link, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readLinksLeaving, readTreeSize, walkTree } from '../../../../src/host/files/directoryTree.js';

let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tree-'));
  await mkdir(join(directory, 'base/1'), { recursive: true });
  await writeFile(join(directory, 'base/1/10'), 'x'.repeat(100));
  await writeFile(join(directory, 'base/1/9'), 'x'.repeat(50));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

describe('a directory tree', () => {
  it('is walked in the order of names, parents first, without what is excluded', async () => {
    await mkdir(join(directory, 'lost+found'));
    await writeFile(join(directory, 'lost+found/x'), '');
    const paths: string[] = [];
    for await (const { path } of walkTree({ directory, exclude: ['lost+found'] })) paths.push(path);
    expect(paths).toEqual(['.', 'base', 'base/1', 'base/1/10', 'base/1/9']);
  });

  it('counts linked content once', async () => {
    await link(join(directory, 'base/1/10'), join(directory, 'base/1/11'));
    expect(await readTreeSize({ directory })).toEqual({ sizeBytes: 150, files: 3, directories: 3 });
  });

  it('refuses names that could be mistaken for one another', async () => {
    await writeFile(Buffer.concat([Buffer.from(`${directory}/`), Buffer.from([0x61, 0xff])]), '');
    await expect(readTreeSize({ directory })).rejects.toThrow(/not UTF-8/);
  });
});

describe('links', () => {
  it('that leave the directory are found, absolute ones always', async () => {
    await mkdir(join(directory, 'pg_tblspc'));
    await symlink('../base', join(directory, 'pg_tblspc/inside'));
    await symlink('/mnt/fast', join(directory, 'pg_tblspc/16400'));
    await symlink(join(directory, 'base'), join(directory, 'pg_tblspc/absolute'));
    await symlink('../elsewhere', join(directory, 'pg_wal'));
    await symlink('..hidden', join(directory, 'dotted'));
    expect(await readLinksLeaving({ directory })).toEqual([
      { path: 'pg_tblspc/16400', target: '/mnt/fast' },
      { path: 'pg_tblspc/absolute', target: join(directory, 'base') },
      { path: 'pg_wal', target: '../elsewhere' },
    ]);
  });
});
