import { mkdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { verifyEqual } from '../../../src/activities/copy.js';
import { withDirectory } from '../needsRoot.js';
import { createAttempt } from './attempt.js';

const old = new Date('2026-10-01T00:00:00Z');

/** Two equal directories of one file, and what proves them equal. */
async function sides(directory: string) {
  const fileOf = (side: string) => join(directory, side, '16384');
  for (const side of ['source', 'copy']) {
    await mkdir(join(directory, side));
    await write(side, 'the same');
  }
  async function write(side: string, content: string): Promise<void> {
    await writeFile(fileOf(side), content);
    await utimes(fileOf(side), old, old);
  }
  const attempt = createAttempt({ directory, tools: { filesystem: { dropPageCache: () => Promise.resolve() } } });
  const side = (name: string) => ({ name, directory: join(directory, name) });
  return { write, fileOf, prove: () => verifyEqual(attempt, { source: side('source'), target: side('copy'), sizeBytes: 8, nextMove: 'look' }) };
}

test('a bit that turned in a copy is told with the file and when each side was changed last', () =>
  withDirectory(async (directory) => {
    const { write, fileOf, prove } = await sides(directory);
    await write('copy', 'the sama');
    const changed = (await stat(fileOf('copy'))).ctime.toISOString();
    await expect(prove()).rejects.toThrow(`1 different, 0 extra (16384 differs in sha256: source last changed`);
    await expect(prove()).rejects.toThrow(`copy last changed ${changed}); look`);
    expect(await readFile(fileOf('source'), 'utf8')).toBe('the same');
  }));

test('what differed is read anew by the next proof, and not taken from the one before', () =>
  withDirectory(async (directory) => {
    const { write, prove } = await sides(directory);
    await write('copy', 'the sama');
    await expect(prove()).rejects.toThrow(/differs/);
    await expect(readFile(join(directory, 'copy.manifest.jsonl'))).rejects.toThrow(/ENOENT/);
    await write('copy', 'the same');
    expect(await prove()).toMatchObject({ equalDigests: 1, bytesRead: 16 });
  }));
