import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createOutbox } from '../../../../src/activities/alerts/outbox.js';
import { createRun } from '../../../../src/host/processes/runner.js';
import { assertRoot, withDirectory } from '../../needsRoot.js';
import { alertWith } from './alerts.js';

async function onlyFile(directory: string): Promise<string> {
  const [name = '', ...more] = await readdir(join(directory, 'alerts'));
  expect(more).toEqual([]);
  return join(directory, 'alerts', name);
}

describe('the outbox', () => {
  it('keeps an alert in a file that root alone reads, under a name without its words', () =>
    withDirectory(async (directory) => {
      const alert = alertWith('../../etc/passwd');
      expect(await createOutbox(directory).raise(alert)).toEqual({ isNew: true });
      const path = await onlyFile(directory);
      expect(path).toMatch(/\/alerts\/[0-9a-f]{64}\.json$/);
      expect((await stat(path)).mode & 0o777).toBe(0o600);
      expect((await stat(join(directory, 'alerts'))).mode & 0o777).toBe(0o700);
      // Another process, as after a crash.
      expect(await createOutbox(directory).read()).toEqual({ entries: [{ alert, channels: {} }], damaged: [] });
    }));

  it('is empty where nothing was ever raised', () =>
    withDirectory(async (directory) => {
      expect(await createOutbox(directory).read()).toEqual({ entries: [], damaged: [] });
    }));

  it('raises an alert once for each id, also after it got out', () =>
    withDirectory(async (directory) => {
      const outbox = createOutbox(directory);
      await outbox.raise(alertWith('a'));
      await outbox.change('a', (entry) => ({ ...entry, settled: { at: '2026-11-01T20:00:01.000Z', how: 'taken' } }));
      for (const other of [outbox, createOutbox(directory)]) {
        expect(await other.raise(alertWith('a', { subject: 'again', at: '2026-11-02T00:00:00.000Z' }))).toEqual({ isNew: false });
        expect((await other.read()).entries).toMatchObject([{ alert: { subject: 'a is parked' }, settled: { how: 'taken' } }]);
      }
      expect(await Promise.all([outbox.raise(alertWith('b')), outbox.raise(alertWith('b'))])).toEqual([{ isNew: true }, { isNew: false }]);
    }));

  it('gives alerts in the order in which they were raised', () =>
    withDirectory(async (directory) => {
      const outbox = createOutbox(directory);
      for (const second of [3, 1, 2]) await outbox.raise(alertWith(`a${second}`, { at: `2026-11-01T20:00:0${second}.000Z` }));
      expect((await outbox.read()).entries.map(({ alert }) => alert.id)).toEqual(['a1', 'a2', 'a3']);
    }));

  it('loses no change of two at a time', () =>
    withDirectory(async (directory) => {
      const outbox = createOutbox(directory);
      await outbox.raise(alertWith('a'));
      await Promise.all(['one', 'two', 'three'].map((name) => outbox.change('a', (entry) => ({ ...entry, channels: { ...entry.channels, [name]: { attempts: 1 } } }))));
      expect(Object.keys((await createOutbox(directory).read()).entries[0]?.channels ?? {})).toEqual(['one', 'two', 'three']);
    }));

  it.each([
    ['a torn one', '{"alert": {"id": "a"'],
    ['one of another form', '{"alert": {"id": "a"}}'],
    ['an empty one', ''],
  ])('tells of a damaged file and passes it over: %s', (_, content) =>
    withDirectory(async (directory) => {
      const outbox = createOutbox(directory);
      await outbox.raise(alertWith('a'));
      const path = await onlyFile(directory);
      await writeFile(path, content);
      await outbox.raise(alertWith('b'));
      const { entries, damaged } = await outbox.read();
      expect(entries.map(({ alert }) => alert.id)).toEqual(['b']);
      expect(damaged).toEqual([{ path, reason: 'it is no alert' }]);
      // Whoever raises it once more mends it.
      expect(await outbox.raise(alertWith('a'))).toEqual({ isNew: true });
      expect((await outbox.read()).damaged).toEqual([]);
    }),
  );

  it('takes nothing else in its directory for an alert', () =>
    withDirectory(async (directory) => {
      const outbox = createOutbox(directory);
      await outbox.raise(alertWith('a'));
      const path = await onlyFile(directory);
      const name = path.slice(path.lastIndexOf('/') + 1);
      await writeFile(join(directory, 'alerts', `.${name}.lockstep-partial`), '{');
      await writeFile(join(directory, 'alerts', 'notes.txt'), 'mine');
      expect((await outbox.read()).damaged).toEqual([]);
      expect((await outbox.read()).entries).toHaveLength(1);
    }));

  it('keeps in memory what can not be written, and writes it when that succeeds', () =>
    withDirectory(async (directory) => {
      const outbox = createOutbox(directory);
      // A file where the directory belongs, as a disk that takes nothing.
      await writeFile(join(directory, 'alerts'), '');
      const { isNew, failure } = await outbox.raise(alertWith('a'));
      expect(isNew).toBe(true);
      expect(failure).toBeInstanceOf(Error);
      expect((await outbox.raise(alertWith('a'))).isNew).toBe(false);
      expect(await outbox.read()).toMatchObject({ entries: [{ alert: { id: 'a' } }], damaged: [{ path: join(directory, 'alerts') }] });
      await rm(join(directory, 'alerts'));
      await mkdir(join(directory, 'alerts'));
      expect((await outbox.read()).entries).toHaveLength(1);
      await outbox.change('a', (entry) => entry);
      expect(JSON.parse(await readFile(await onlyFile(directory), 'utf8'))).toMatchObject({ alert: { id: 'a' } });
    }));

  it('says of a full disk that it is full, and keeps both what is raised then and what became of the others', () =>
    withDirectory(async (directory) => {
      assertRoot('it mounts a filesystem that is full');
      const run = createRun();
      await run('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'small', directory]);
      try {
        const outbox = createOutbox(directory);
        await outbox.raise(alertWith('before'));
        const filler = join(directory, 'filler');
        await writeFile(filler, Buffer.alloc(1024 * 1024)).catch(() => undefined);
        const { isNew, failure } = await outbox.raise(alertWith('full'));
        expect(isNew).toBe(true);
        expect(failure).toMatchObject({ message: expect.stringMatching(/is full \(ENOSPC\); free room there/) as unknown });
        const taken = { channels: { mail: { attempts: 1, takenAt: '2026-11-01T20:00:01.000Z' } } };
        expect((await outbox.change('before', (entry) => ({ ...entry, ...taken }))).failure).toBeInstanceOf(Error);
        expect((await outbox.read()).entries).toMatchObject([{ alert: { id: 'before' }, ...taken }, { alert: { id: 'full' } }]);
        await rm(filler);
        for (const id of ['before', 'full']) expect(await outbox.change(id, (entry) => entry)).toEqual({});
        expect((await createOutbox(directory).read()).entries).toMatchObject([{ alert: { id: 'before' }, ...taken }, { alert: { id: 'full' } }]);
      } finally {
        await run('umount', [directory]);
      }
    }));

  it('forgets what is removed', () =>
    withDirectory(async (directory) => {
      const outbox = createOutbox(directory);
      await outbox.raise(alertWith('a'));
      await outbox.remove('a');
      expect(await outbox.read()).toEqual({ entries: [], damaged: [] });
      expect(await outbox.raise(alertWith('a'))).toEqual({ isNew: true });
    }));
});
