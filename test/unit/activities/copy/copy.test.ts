import { mkdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { copyActivities, verifyEqual } from '../../../../src/activities/copy/copy.js';
import { keepFact } from '../../../../src/activities/run/runFacts.js';
import type { JournalEntry } from '../../../../src/activities/wrapper/journal.js';
import { withDirectory } from '../../needsRoot.js';
import { createAttempt } from '../attempt.js';

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

interface Called {
  readonly checksum?: boolean;
  readonly holds?: string;
}

/** The copy step of a run with that journal; tells how rsync was called. */
async function copyWith(directory: string, { entries = [], bootId = 'boot 1', copies = () => Promise.resolve() }: { readonly entries?: readonly JournalEntry[]; readonly bootId?: string; readonly copies?: (target: string) => Promise<void> } = {}): Promise<Called | undefined> {
  let called: Called | undefined;
  const copy = async (request: Called & { target: string }) => {
    called = request;
    await copies(request.target);
    return { regularFiles: 1, totalBytes: 8, literalBytes: 8, transferredFiles: 1 };
  };
  const attempt = createAttempt({
    directory,
    config: { volume: { mountPoint: join(directory, 'volume') } },
    tools: { rsync: { copy }, filesystem: { syncFilesystem: () => Promise.resolve() }, system: { readBootId: () => Promise.resolve({ bootId }) } },
  });
  await writeControl(directory, 'stopped', { flag: 'a' });
  await keepFact(attempt, 'source', { root: join(directory, 'source'), directory: join(directory, 'source') });
  await attempt.journal(...entries);
  await copyActivities.copyData.perform(attempt, undefined).catch((error: unknown) => {
    if (!String(error).includes('killed')) throw error;
  });
  return called;
}

/** The source's control file, if it has none yet. */
async function writeControl(directory: string, content: string, { flag }: { readonly flag: 'a' | 'w' }): Promise<void> {
  await mkdir(join(directory, 'source', 'global'), { recursive: true });
  await writeFile(join(directory, 'source', 'global', 'pg_control'), flag === 'a' ? '' : content, { flag });
}

/** A copy that leaves a file in its target, and does not live to say so. */
async function diesCopying(target: string): Promise<void> {
  await mkdir(target, { recursive: true });
  await writeFile(join(target, '16384'), 'half');
  throw new Error('killed');
}

test('a copy into an empty directory that was killed is gone on with, and what a whole one left is not', () =>
  withDirectory(async (directory) => {
    expect(await copyWith(directory, { copies: diesCopying })).toMatchObject({ holds: 'nothing' });
    expect(await copyWith(directory, { copies: diesCopying })).toMatchObject({ holds: 'part of this copy' });
    expect(await copyWith(directory)).toMatchObject({ holds: 'part of this copy' });
    expect(await copyWith(directory)).toMatchObject({ holds: 'anything' });
  }));

test('what lay in the target before is not taken for a beginning', () =>
  withDirectory(async (directory) => {
    expect(await copyWith(directory)).toMatchObject({ holds: 'nothing' });
    await diesCopying(join(directory, 'volume', 'pgdata')).catch(() => undefined);
    expect(await copyWith(directory, { copies: diesCopying })).toMatchObject({ holds: 'anything' });
    expect(await copyWith(directory)).toMatchObject({ holds: 'anything' });
  }));

test('a copy of another state of the source, or before another boot, is not gone on with', () =>
  withDirectory(async (directory) => {
    await copyWith(directory, { copies: diesCopying });
    await writeControl(directory, 'started, and stopped again', { flag: 'w' });
    expect(await copyWith(directory, { copies: diesCopying })).toMatchObject({ holds: 'anything' });
  }).then(() =>
    withDirectory(async (directory) => {
      await copyWith(directory, { copies: diesCopying });
      expect(await copyWith(directory, { bootId: 'boot 2' })).toMatchObject({ holds: 'anything' });
    }),
  ));

test('nothing is copied over what users may have written on the volume', () =>
  withDirectory(async (directory) => {
    const mark: JournalEntry = { kind: 'mark', at: '2026-10-01T20:02:00Z', mark: 'users may write on the new volume' };
    await expect(copyWith(directory, { entries: [mark] })).rejects.toThrow(/since 2026-10-01T20:02:00Z: copying over it would lose that; roll back, with carry-over/);
  }));

test('a copy that a lost run had begun goes by content: nobody knows whether the power was cut since', () =>
  withDirectory(async (directory) => {
    const settings = { filesystemCopy: false, testAccount: false, firstHourSeconds: 1, daySeconds: 1 };
    const taken = { runbook: 'migrate', runId: 'lost', startedAt: '', state: 'left without an end', nodes: [], toUndo: [] };
    const adopted = (...begun: readonly string[]): JournalEntry => ({ kind: 'adopted', at: '', directory: '', adopted: { ...taken, begun } });
    const olderAdopted = (...begun: readonly string[]): JournalEntry => ({ kind: 'adopted', at: '', directory: '', adopted: { ...taken, reached: { found: [], begun, settings } } });
    for (const adopt of [adopted, olderAdopted]) {
      expect(await copyWith(directory, { entries: [adopt('stop-database', 'copy-data')] })).toMatchObject({ checksum: true, holds: 'anything' });
      expect(await copyWith(directory, { entries: [adopt('stop-database')] })).toMatchObject({ checksum: false });
    }
  }));
