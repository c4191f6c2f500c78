import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, rename, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { ensureSourceInPlace } from '../../../../src/activities/wayBack/carriedSource.js';
import { restoredSourceActivities } from '../../../../src/activities/wayBack/restoredSource.js';
import { keepFact, readFact } from '../../../../src/activities/run/runFacts.js';
import { withDirectory } from '../../needsRoot.js';
import { createAttempt } from '../attempt.js';

const mark = { kind: 'mark', at: '2026-11-01T20:00:00Z', mark: 'users may write on the new volume' } as const;
const statistics = { at: '', databases: { supersync: { tables: [{ schema: 'public', name: 'operations', rows: 3 }], sequences: [], largeObjects: 0 } }, roles: [], sizes: [] };

/** A damaged source that has been stopped, and the final backup of its run. */
async function damagedSource(directory: string, { availableBytes = 1e12, rows = 3, sequences = [] }: { readonly availableBytes?: number; readonly rows?: number; readonly sequences?: readonly object[] } = {}) {
  const root = join(directory, 'data');
  await mkdir(root);
  await writeFile(join(root, 'PG_VERSION'), 'damaged');
  await writeFile(join(directory, 'docker-compose.yaml'), 'services: {}\n');
  const file = join(directory, 'final.sql.zst.gpg');
  await writeFile(file, 'encrypted');
  const done: string[] = [];
  const attempt = createAttempt({
    directory,
    config: { deployment: { directory } },
    tools: {
      compose: () => ({ up: () => Promise.resolve(void done.push('up')) }),
      docker: { readContainer: (name: string) => Promise.resolve(name === 'database' && done.includes('up') ? { isRunning: true, state: 'running', processId: process.pid } : { isRunning: false, state: 'running' }) },
      filesystem: { readSpace: () => Promise.resolve({ availableBytes }) },
      postgres: {
        isReady: () => Promise.resolve(true),
        readCluster: () => Promise.resolve({ ...statistics, databases: { supersync: { ...statistics.databases.supersync, sequences, tables: [{ schema: 'public', name: 'operations', rows }] } } }),
      },
    },
  });
  await keepFact(attempt, 'source', { root, directory: root, container: 'database', applicationContainer: 'application', image: 'postgres:15', uid: 999, gid: 999, sizeBytes: 1e9 });
  await keepFact(attempt, 'statistics-stopped', statistics);
  const manifest = { file, sha256: createHash('sha256').update('encrypted').digest('hex'), takenAt: '2026-11-01T19:00:00Z', database: 'supersync', cluster: { statistics } };
  await keepFact(attempt, 'backup-final', manifest);
  const exchange = { root, incoming: `${root}.restored-1`, kept: `${root}.damaged-1` };
  /** As it is when the cluster beside the source has been proven. */
  const proven = async () => {
    await mkdir(exchange.incoming);
    await writeFile(join(exchange.incoming, 'PG_VERSION'), 'restored');
    await keepFact(attempt, 'restored-configuration', { configuration: 'taken over' });
    await keepFact(attempt, 'restored-exchange', exchange);
  };
  return { attempt, root, file, manifest, done, exchange, proven, contentOf: (place: string) => readFile(join(place, 'PG_VERSION'), 'utf8'), restore: () => restoredSourceActivities.restoreFinalBackup.perform(attempt, undefined) };
}

type Damaged = Awaited<ReturnType<typeof damagedSource>>;

test.each<[string, RegExp, (damaged: Damaged) => Promise<unknown>]>([
  ['a backup of one database alone', /holds the database supersync alone/, ({ attempt, manifest }) => keepFact(attempt, 'backup-final', { ...manifest, cluster: undefined })],
  ['a backup that is gone', /is gone/, ({ file }) => rename(file, `${file}.away`)],
  ['a backup with another digest', /its digest differs/, ({ file }) => writeFile(file, 'encrypteD')],
  ['a run that took none', /backup-final\.json is missing/, ({ attempt }) => rename(join(attempt.directory, 'backup-final.json'), join(attempt.directory, 'away'))],
  ['writes that were carried over', /older than what users wrote.*carried over/, ({ attempt }) => keepFact(attempt, 'carried-over', { kept: 'x', at: '' })],
  ['an overlay that is still selected, where the database would start on the encrypted volume', /still selects docker-compose\.encrypted\.yaml/, ({ attempt: { directory } }) => writeFile(join(directory, '.env'), 'COMPOSE_FILE=docker-compose.yaml:docker-compose.encrypted.yaml\n')],
  ['users who may have written on the new volume', /users may have written.*discard-writes/s, ({ attempt }) => attempt.journal(mark)],
])('%s: nothing is restored, and the source stays where it is', (_, message, change) =>
  withDirectory(async (directory) => {
    const damaged = await damagedSource(directory);
    await change(damaged);
    await expect(damaged.restore()).rejects.toThrow(message);
    expect(await damaged.contentOf(damaged.root)).toBe('damaged');
    expect((await readdir(directory)).filter((name) => name.startsWith('data'))).toEqual(['data']);
    expect(damaged.done).toEqual([]);
  }),
);

test('without room beside the source nothing is written', () =>
  withDirectory(async (directory) => {
    const { restore, root, contentOf } = await damagedSource(directory, { availableBytes: 1e9 });
    await expect(restore()).rejects.toThrow(/free, and the restored cluster takes up to .*; free space there, then retry/);
    expect(await contentOf(root)).toBe('damaged');
  }));

test.each([0, 1, 2])('a proven cluster takes the place of the damaged one, also where that was cut off after %i renames; done twice it has the effect of once', (renames) =>
  withDirectory(async (directory) => {
    const { attempt, restore, proven, root, exchange, contentOf, file } = await damagedSource(directory);
    await proven();
    if (renames > 0) await rename(root, exchange.kept);
    if (renames > 1) await rename(exchange.incoming, root);
    expect(await restore()).toEqual({ equal: true, restored: file, takenAt: '2026-11-01T19:00:00Z', kept: exchange.kept, configuration: 'taken over' });
    await restore();
    expect([await contentOf(root), await contentOf(exchange.kept)]).toEqual(['restored', 'damaged']);
    expect(attempt.entries.flatMap((entry) => (entry.kind === 'note' ? [entry.text] : []))).toEqual([expect.stringMatching(/the damaged directory is kept as .*damaged-1, and the backup until decommission/)]);
    expect(await ensureSourceInPlace(attempt)).toEqual({ carriedOver: false });
    expect(await contentOf(root)).toBe('restored');
  }),
);

test.each([0, 1, 2])('an exchange given up after %i renames leaves the damaged directory in its place, where it may have been mended', (renames) =>
  withDirectory(async (directory) => {
    const { attempt, proven, root, exchange, contentOf } = await damagedSource(directory);
    await proven();
    if (renames > 0) await rename(root, exchange.kept);
    if (renames > 1) await rename(exchange.incoming, root);
    await ensureSourceInPlace(attempt);
    expect([await contentOf(root), await contentOf(exchange.incoming)]).toEqual(['damaged', 'restored']);
    expect(await readFact(attempt, 'restored')).toBeUndefined();
    expect((await readdir(directory)).map((name) => basename(name))).not.toContain('data.damaged-1');
  }),
);

test('a restored cluster that does not hold what was recorded when it serves is told', () =>
  withDirectory(async (directory) => {
    const { restore, proven } = await damagedSource(directory, { rows: 4 });
    await proven();
    await expect(restore()).rejects.toThrow(/rows of supersync\.public\.operations: 3 before, 4 now/);
  }));

const withSequence = (rows: number) => ({ ...statistics, databases: { supersync: { tables: [{ schema: 'public', name: 'operations', rows }], sequences: [{ schema: 'public', name: 's', lastValue: '33', isCalled: true }], largeObjects: 0 } } });
const beforeIt = { ...statistics, databases: { supersync: { ...statistics.databases.supersync, sequences: [{ schema: 'public', name: 's', lastValue: '1', isCalled: true }] } } };

test('a backup that was taken before a recovery is held against the figures of before that: sequences have moved on since, and nobody has written', () =>
  withDirectory(async (directory) => {
    const { attempt, root, proven, restore, contentOf } = await damagedSource(directory, { sequences: beforeIt.databases.supersync.sequences });
    await proven();
    await keepFact(attempt, 'statistics-stopped', withSequence(3));
    await expect(restore()).rejects.toThrow(/figures differ/);
    await keepFact(attempt, 'statistics-before-recovery', beforeIt);
    expect(await restore()).toMatchObject({ equal: true });
    expect(await contentOf(root)).toBe('restored');
  }));

test('where nobody has recorded what was before the recovery, the backup has it', () =>
  withDirectory(async (directory) => {
    const { attempt, manifest, root, proven, restore, contentOf } = await damagedSource(directory, { sequences: beforeIt.databases.supersync.sequences });
    await proven();
    await keepFact(attempt, 'backup-final', { ...manifest, cluster: { statistics: beforeIt } });
    await keepFact(attempt, 'statistics-stopped', withSequence(4));
    await expect(restore()).rejects.toThrow(/rows of supersync\.public\.operations: 4 before, 3 now/);
    await keepFact(attempt, 'statistics-stopped', withSequence(3));
    expect(await restore()).toMatchObject({ equal: true });
    expect(await contentOf(root)).toBe('restored');
  }));

test('where somebody has written since the backup, a recovery besides excuses nothing', () =>
  withDirectory(async (directory) => {
    const { attempt, proven, restore } = await damagedSource(directory, { sequences: beforeIt.databases.supersync.sequences });
    await proven();
    await keepFact(attempt, 'statistics-before-recovery', beforeIt);
    await keepFact(attempt, 'statistics-stopped', withSequence(4));
    await expect(restore()).rejects.toThrow(/rows of supersync\.public\.operations: 4 before, 3 now/);
  }));
