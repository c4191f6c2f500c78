import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../../..');

/** What a script imports from the build, as its source: a build that is there may still have files that its sources have no longer. */
function sourceOf(path: string): string {
  const inBuild = relative(join(root, 'dist'), path);
  // Those are made of the scripts beside this one.
  const bundled = inBuild.startsWith('bin/') ? join(root, 'scripts/bundle', inBuild.slice('bin/'.length)) : path;
  return inBuild.startsWith('..') || bundled !== path ? bundled.replace(/\.js$/, '.mjs') : join(root, 'src', inBuild.replace(/\.js$/, '.ts'));
}

test('whatever a script imports is there', async () => {
  const scripts = (await readdir(join(root, 'scripts'), { recursive: true })).filter((name) => name.endsWith('.mjs')).map((name) => join(root, 'scripts', name));
  const imported = await Promise.all(
    scripts.map(async (script) => [...(await readFile(script, 'utf8')).matchAll(/(?:from |import\()'(\.[^']+)'/g)].map(([, name = '']) => join(dirname(script), name))),
  );
  expect(imported.flat().length).toBeGreaterThan(5);
  expect(imported.flat().filter((path) => !existsSync(sourceOf(path)))).toEqual([]);
});
