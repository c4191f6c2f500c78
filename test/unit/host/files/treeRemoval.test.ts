import { link, mkdir, readFile, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createRun } from '../../../../src/host/processes/runner.js';
import { readIdentity, removeTree } from '../../../../src/host/files/treeRemoval.js';
import { withDirectory } from '../../needsRoot.js';

const { signal } = new AbortController();

/** A cluster, and beside it what must stay. */
async function twoTrees(directory: string) {
  const root = join(directory, 'old');
  const other = join(directory, 'other');
  for (const path of [join(root, 'base', '1'), other]) await mkdir(path, { recursive: true });
  await writeFile(join(other, 'precious'), 'stays');
  await writeFile(join(root, 'PG_VERSION'), '15\n');
  await writeFile(join(root, 'base', '1', '1259'), 'rows');
  const identity = await readIdentity(root);
  if (identity === undefined) throw new Error('there is no tree');
  return { root, other, identity, precious: () => readFile(join(other, 'precious'), 'utf8') };
}

test('a tree goes with everything in it, names that are not UTF-8 included', () =>
  withDirectory(async (directory) => {
    const { root, identity } = await twoTrees(directory);
    await writeFile(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0xff, 0xfe])]), '');
    let files = 0;
    await removeTree({ path: root, identity, signal, onFile: () => (files += 1) });
    expect(files).toBe(3);
    expect(await readdir(directory)).toEqual(['other']);
  }));

test('the place itself can stay', () =>
  withDirectory(async (directory) => {
    const { root, identity } = await twoTrees(directory);
    await removeTree({ path: root, identity, keepRoot: true, signal });
    expect(await readdir(root)).toEqual([]);
    // Killed after that and begun again, it has the effect of once.
    await removeTree({ path: root, identity, keepRoot: true, signal });
  }));

test('symbolic links go, and what they lead to stays', () =>
  withDirectory(async (directory) => {
    const { root, other, identity, precious } = await twoTrees(directory);
    await symlink(other, join(root, 'link'));
    await symlink(join(other, 'precious'), join(root, 'base', 'link'));
    await link(join(other, 'precious'), join(root, 'hard'));
    await removeTree({ path: root, identity, signal });
    expect(await precious()).toBe('stays');
  }));

test('what was exchanged since it was listed is not touched: a directory, a link to one, a link on the way', () =>
  withDirectory(async (directory) => {
    const { root, other, identity, precious } = await twoTrees(directory);
    await rename(root, join(directory, 'away'));
    await rename(other, root);
    await expect(removeTree({ path: root, identity, signal })).rejects.toThrow('is not what was listed');
    await rename(root, other);
    await symlink(other, root);
    await expect(removeTree({ path: root, identity, signal })).rejects.toThrow('is not what was listed');
    expect(await precious()).toBe('stays');
    await rm(root);
    await symlink(directory, join(directory, 'way'));
    await expect(removeTree({ path: join(directory, 'way', 'away'), identity, signal })).rejects.toThrow('is not what was listed');
    expect(await readdir(join(directory, 'away'))).toEqual(['PG_VERSION', 'base']);
  }));

test('a bind mount of the same filesystem inside ends the removal before it is entered', () =>
  withDirectory(async (directory) => {
    const { root, other, identity, precious } = await twoTrees(directory);
    const run = createRun();
    await mkdir(join(root, 'base', 'mounted'));
    await run('mount', ['--bind', other, join(root, 'base', 'mounted')]);
    try {
      await expect(removeTree({ path: root, identity, signal })).rejects.toThrow('base/mounted lies on another mount');
    } finally {
      await run('umount', [join(root, 'base', 'mounted')]);
    }
    expect(await precious()).toBe('stays');
  }));
