import { mkdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { copyActivities, verifyEqual } from '../../../src/activities/copy.js';
import { keepFact } from '../../../src/activities/runFacts.js';
import type { JournalEntry } from '../../../src/activities/wrapper/journal.js';
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

/** The copy step of a run with that journal; tells how rsync was called. */
async function copyWith(directory: string, ...entries: readonly JournalEntry[]): Promise<{ checksum?: boolean } | undefined> {
  let called: { checksum?: boolean } | undefined;
  const copy = (request: { checksum?: boolean }) => {
    called = request;
    return Promise.resolve({ regularFiles: 1, totalBytes: 8, transferredBytes: 8, transferredFiles: 1 });
  };
  const attempt = createAttempt({ directory, tools: { rsync: { copy }, filesystem: { syncFilesystem: () => Promise.resolve() } } });
  await keepFact(attempt, 'source', { root: join(directory, 'source') });
  await attempt.journal(...entries);
  await copyActivities.copyData.perform(attempt, undefined);
  return called;
}

test('nothing is copied over what users may have written on the volume', () =>
  withDirectory(async (directory) => {
    const mark: JournalEntry = { kind: 'mark', at: '2026-10-01T20:02:00Z', mark: 'users may write on the new volume' };
    await expect(copyWith(directory, mark)).rejects.toThrow(/since 2026-10-01T20:02:00Z: copying over it would lose that; roll back, with carry-over/);
  }));

test('a copy that a lost run had begun goes by content: nobody knows whether the power was cut since', () =>
  withDirectory(async (directory) => {
    const settings = { filesystemCopy: false, testAccount: false, firstHourSeconds: 1, daySeconds: 1 };
    const taken = { runbook: 'migrate', runId: 'lost', startedAt: '', state: 'left without an end', nodes: [], toUndo: [] };
    const adopted = (...begun: readonly string[]): JournalEntry => ({ kind: 'adopted', at: '', directory: '', adopted: { ...taken, reached: { found: [], begun, settings } } });
    expect(await copyWith(directory, adopted('stop-database', 'copy-data'))).toMatchObject({ checksum: true });
    expect(await copyWith(directory, adopted('stop-database'))).toMatchObject({ checksum: false });
  }));
