import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { assertTakesData } from '../../../../src/host/files/writable.js';
import { withDirectory } from '../../needsRoot.js';

test('a directory that takes data is left as it was', () =>
  withDirectory(async (directory) => {
    await assertTakesData(directory);
    expect(await readdir(directory)).toEqual([]);
  }));

test('one that is not there, or whose filesystem takes nothing, is told of', async () => {
  await withDirectory((directory) => expect(assertTakesData(join(directory, 'missing'))).rejects.toThrow('ENOENT'));
  await expect(assertTakesData('/proc')).rejects.toThrow(/ENOENT|EACCES|EPERM|EROFS/);
});
