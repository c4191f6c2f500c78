import { mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { assertMayReturn, carriedPlaces, ensureSourceInPlace, type Exchange, exchangeSource, settleExchange, takeCarriedPlaces } from '../../../../src/activities/wayBack/carriedSource.js';
import { readDigest } from '../../../../src/host/files/fileDigest.js';
import { volumeLayout } from '../../../../src/activities/volume/openVolume.js';
import { overlayActivities } from '../../../../src/activities/services/overlay.js';
import { keepFact, readFact } from '../../../../src/activities/run/runFacts.js';
import { serviceActivities } from '../../../../src/activities/services/services.js';
import { summarise, type JournalEntry } from '../../../../src/activities/wrapper/journal.js';
import { voidStaleCarryOver } from '../../../../src/activities/wayBack/staleCarryOver.js';
import { wasSourceStarted } from '../../../../src/activities/source/stoppedSource.js';
import { wayBackActivities } from '../../../../src/activities/wayBack/wayBack.js';
import { withDirectory } from '../../needsRoot.js';
import { createAttempt } from '../attempt.js';

const mark = { kind: 'mark', at: '2026-11-01T20:00:00Z', mark: 'users may write on the new volume' } as const;

function decided(answer: string, outcome: 'counted' | 'reason missing') {
  return { kind: 'decision', at: '2026-11-01T21:00:00Z', question: 'past-the-point-of-no-return', answer, by: 'ann', outcome } as const;
}

/** An old data directory, and the copy of what users wrote since, beside it. */
async function twoClusters(directory: string) {
  const mountPoint = join(directory, 'volume');
  const attempt = createAttempt({
    directory,
    config: { deployment: { directory }, volume: { mountPoint } },
    tools: {
      docker: { readContainer: () => Promise.resolve({ isRunning: false }) },
      cryptsetup: { status: () => Promise.resolve({ active: true }), readHeader: () => Promise.resolve({ uuid: 'v' }) },
      mounts: { mount: () => Promise.resolve(), readMount: () => Promise.resolve({}) },
    },
  });
  const root = join(directory, 'data');
  const control = join(volumeLayout(attempt.config).dataDirectory, 'global', 'pg_control');
  await mkdir(dirname(control), { recursive: true });
  await writeFile(volumeLayout(attempt.config).sentinel, JSON.stringify({ volume: 'v' }));
  await writeFile(control, 'as stopped');
  await keepFact(attempt, 'stopped-on-volume', { controlDigest: await readDigest({ file: control }) });
  await keepFact(attempt, 'source', { root, directory: root, mountTarget: '/data', pgdata: '/data' });
  const places = await carriedPlaces(attempt);
  for (const [place, content] of [
    [root, 'old'],
    [places.incoming, 'carried over'],
  ] as const) {
    await mkdir(join(place, 'global'), { recursive: true });
    await writeFile(join(place, 'PG_VERSION'), content);
    await writeFile(join(place, 'global', 'pg_control'), content === 'old' ? 'as stopped before the migration' : 'as stopped');
  }
  const contentOf = (place: string) => readFile(join(place, 'PG_VERSION'), 'utf8');
  return { attempt, ...places, contentOf, startOnVolume: () => writeFile(control, 'started since') };
}

test('an exchange keeps both clusters, and done twice it has the effect of once', () =>
  withDirectory(async (directory) => {
    const { attempt, root, kept, contentOf } = await twoClusters(directory);
    await exchangeSource(attempt);
    expect(await exchangeSource(attempt)).toMatchObject({ kept });
    expect([await contentOf(root), await contentOf(kept)]).toEqual(['carried over', 'old']);
    expect(await ensureSourceInPlace(attempt)).toEqual({ carriedOver: true });
    expect(attempt.entries).toEqual([{ kind: 'carried over', kept, at: '2026-11-01T20:00:00.000Z' }]);
  }));

test('an exchange that was cut off between its renames goes on, also past an empty directory that Docker made there', () =>
  withDirectory(async (directory) => {
    const { attempt, root, kept, contentOf } = await twoClusters(directory);
    await rename(root, kept);
    await mkdir(root);
    await exchangeSource(attempt);
    expect([await contentOf(root), await contentOf(kept)]).toEqual(['carried over', 'old']);
  }));

test.each([0, 1, 2])('an exchange given up after %i renames leaves the old cluster in its place', (renames) =>
  withDirectory(async (directory) => {
    const { attempt, root, incoming: carried, kept, contentOf } = await twoClusters(directory);
    await takeCarriedPlaces(attempt);
    if (renames > 0) await rename(root, kept);
    if (renames > 1) await rename(carried, root);
    expect(await ensureSourceInPlace(attempt)).toEqual({ carriedOver: false });
    expect([await contentOf(root), await contentOf(carried)]).toEqual(['old', 'carried over']);
  }),
);

test('an exchange whose copy is gone is not told as carried over, and the volume is what has everything', () =>
  withDirectory(async (directory) => {
    const { attempt, root, incoming, contentOf } = await twoClusters(directory);
    await rm(incoming, { recursive: true });
    await expect(exchangeSource(attempt)).rejects.toThrow(/does not hold what was carried over.*findmnt.*choose-again/s);
    await rm(root, { recursive: true });
    await expect(exchangeSource(attempt)).rejects.toThrow(/does not hold what was carried over/);
    expect(await ensureSourceInPlace(attempt)).toEqual({ carriedOver: false });
    expect(attempt.entries).toEqual([]);
    await expect(contentOf(root)).rejects.toThrow(/ENOENT/);
  }));

test.each(['01a218e6-faeb-760e-a6ee-82e34c0dc82f', '01a218e6-59a7-72a9-a1b8-e2e1f93eeac1'])('a run that has carried nothing over leaves in place what another one has, whatever both are called: %s', (runId) =>
  withDirectory(async (directory) => {
    const { attempt, root, kept, contentOf } = await twoClusters(directory);
    await takeCarriedPlaces(attempt);
    await exchangeSource(attempt);
    const later = { ...attempt, call: { ...attempt.call, runId }, directory: join(directory, 'later') };
    await mkdir(later.directory);
    await keepFact(later, 'source', { root, directory: root, mountTarget: '/data', pgdata: '/data' });
    expect(await ensureSourceInPlace(later)).toEqual({ carriedOver: false });
    expect([await contentOf(root), await contentOf(kept)]).toEqual(['carried over', 'old']);
    expect((await carriedPlaces(later)).kept).toMatch(/\.before-(82e34c0dc82f|e2e1f93eeac1)$/);
    // Even where it would give its own the same name.
    expect(await ensureSourceInPlace({ ...later, call: attempt.call })).toEqual({ carriedOver: false });
    expect(await contentOf(root)).toBe('carried over');
  }));

test('an exchange never removes files', () =>
  withDirectory(async (directory) => {
    const { attempt, root, kept } = await twoClusters(directory);
    await mkdir(kept);
    await expect(exchangeSource(attempt)).rejects.toThrow(`${root} and ${kept} both hold files`);
    expect(await readdir(root)).toEqual(['PG_VERSION', 'global']);
  }));

test('the old database starts and its compose files are selected only where what users wrote is saved or given up by name', () =>
  withDirectory(async (directory) => {
    const { attempt } = await twoClusters(directory);
    await expect(assertMayReturn(attempt)).resolves.toBeUndefined();
    await attempt.journal(mark);
    const refusal = /users may have written.*carry-over, or discard-writes/s;
    await expect(assertMayReturn(attempt)).rejects.toThrow(refusal);
    await expect(overlayActivities.deselectOverlay.perform(attempt, undefined)).rejects.toThrow(refusal);
    await writeFile(join(directory, 'docker-compose.yaml'), 'services: {}\n');
    await keepFact(attempt, 'source', { root: join(directory, 'data'), directory: join(directory, 'data'), container: 'database', mountTarget: '/data', pgdata: '/data' });
    await expect(serviceActivities.startApplicationOnSource.perform(attempt, undefined)).rejects.toThrow(refusal);
    await attempt.journal(decided('discard-writes', 'reason missing'), decided('continue', 'counted'));
    await expect(assertMayReturn(attempt)).rejects.toThrow(refusal);
    await attempt.journal(decided('discard-writes', 'counted'));
    await expect(assertMayReturn(attempt)).resolves.toBeUndefined();
    // Whoever went on afterwards has let users write again.
    await attempt.journal(decided('continue', 'counted'));
    await expect(assertMayReturn(attempt)).rejects.toThrow(refusal);
  }));

test('nothing is exchanged where the database was started on the encrypted volume since it was stopped', () =>
  withDirectory(async (directory) => {
    const { attempt, root, contentOf, startOnVolume } = await twoClusters(directory);
    await startOnVolume();
    await expect(exchangeSource(attempt)).rejects.toThrow(/started on the encrypted volume since it was stopped.*choose-again/s);
    expect(await contentOf(root)).toBe('old');
  }));

test('a copy that lacks what was written since leaves the place of the old database again, and what becomes of the writes is asked anew', () =>
  withDirectory(async (directory) => {
    const { attempt, root, incoming, contentOf, startOnVolume } = await twoClusters(directory);
    await writeFile(join(directory, 'docker-compose.yaml'), 'services: {}\n');
    await writeFile(join(directory, '.env'), 'COMPOSE_FILE=docker-compose.yaml:docker-compose.encrypted.yaml\n');
    await attempt.journal(mark);
    await exchangeSource(attempt);
    expect(await voidStaleCarryOver(attempt)).toBe(false);
    expect(summarise(attempt.entries)).toMatchObject({ carriedOver: true });
    await startOnVolume();
    await expect(overlayActivities.deselectOverlay.perform(attempt, undefined)).rejects.toThrow(/the copy is void; it is carried over anew, or given up/);
    expect([await contentOf(root), await contentOf(incoming)]).toEqual(['old', 'carried over']);
    expect(await readFact(attempt, 'carried-over')).toBeUndefined();
    expect(summarise(attempt.entries)).toEqual({ toUndo: [], usersMayWriteSince: mark.at });
    await expect(overlayActivities.deselectOverlay.perform(attempt, undefined)).rejects.toThrow('users may have written');
  }));

test('where Compose would not start it on the volume any more, nobody has to open that', () =>
  withDirectory(async (directory) => {
    const { attempt, startOnVolume } = await twoClusters(directory);
    await writeFile(join(directory, 'docker-compose.yaml'), 'services: {}\n');
    await exchangeSource(attempt);
    await startOnVolume();
    expect(await voidStaleCarryOver({ ...attempt, tools: {} as typeof attempt.tools })).toBe(false);
  }));

test('a run that takes up another finds the directories of its carry-over, and finishes or gives up its exchange', () =>
  withDirectory(async (directory) => {
    const { attempt, root, incoming, kept, contentOf } = await twoClusters(directory);
    await takeCarriedPlaces(attempt);
    await rename(root, kept);
    const later = { ...attempt, call: { ...attempt.call, runId: 'another-run' } };
    expect(await carriedPlaces(later)).toEqual({ root, incoming, kept });
    expect(await wayBackActivities.readWayBack.perform(later, undefined)).toMatchObject({ root: kept, databaseRuns: false });
    await takeCarriedPlaces(later);
    expect([await contentOf(root), await contentOf(incoming)]).toEqual(['old', 'carried over']);
  }));

test.each([
  ['after the first rename', async ({ root, kept }: Exchange) => rename(root, kept)],
  ['after the second', async ({ root, incoming, kept }: Exchange) => {
    await rename(root, kept);
    await rename(incoming, root);
  }],
])('an exchange that was cut off %s is taken back before a way back is chosen: the copy does not pass for a database that somebody started', (_, cutOff) =>
  withDirectory(async (directory) => {
    const { attempt, root, incoming, kept, contentOf } = await twoClusters(directory);
    await takeCarriedPlaces(attempt);
    await keepFact(attempt, 'stopped', { controlDigest: await readDigest({ file: join(root, 'global', 'pg_control') }) });
    await cutOff({ root, incoming, kept });
    await settleExchange(attempt);
    await settleExchange(attempt);
    expect([await contentOf(root), await contentOf(incoming)]).toEqual(['old', 'carried over']);
    expect(await wasSourceStarted(attempt)).toBe(false);
    expect(summarise(attempt.entries)).not.toHaveProperty('carriedOver');
  }));

test('one that came to its end, and did not come to tell, is told then', () =>
  withDirectory(async (directory) => {
    const { attempt, root, contentOf } = await twoClusters(directory);
    await takeCarriedPlaces(attempt);
    await exchangeSource(attempt);
    // It was killed before that line.
    const told: JournalEntry[] = [];
    const readJournal = () => Promise.resolve(told);
    await settleExchange({ ...attempt, readJournal, journal: (...entries) => Promise.resolve(void told.push(...entries)) });
    expect(await contentOf(root)).toBe('carried over');
    expect(summarise(told)).toMatchObject({ carriedOver: true });
  }));

test('the old database may start once its place holds what users wrote', () =>
  withDirectory(async (directory) => {
    const { attempt, kept } = await twoClusters(directory);
    await attempt.journal(mark);
    await exchangeSource(attempt);
    await rm(kept, { recursive: true });
    await expect(assertMayReturn(attempt)).resolves.toBeUndefined();
  }));
