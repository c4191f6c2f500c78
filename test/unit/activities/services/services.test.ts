import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { serviceActivities } from '../../../../src/activities/services/services.js';
import { PermanentFailure, RollbackTrigger } from '../../../../src/contract/errors.js';
import { assertSourceUntouched } from '../../../../src/activities/source/stoppedSource.js';
import { keepFact, readFact } from '../../../../src/activities/run/runFacts.js';
import { readDigest } from '../../../../src/host/files/fileDigest.js';
import { CommandFailed } from '../../../../src/host/processes/runner.js';
import { withDirectory } from '../../needsRoot.js';
import { createAttempt } from '../attempt.js';

const counted = { at: '', databases: { supersync: { tables: [{ schema: 'public', name: 'operations', rows: 3 }], sequences: [], largeObjects: 0 } }, roles: [], sizes: [] };

/** A stopped source, whose control file a start rewrites. */
async function stoppedSource(directory: string, { rows = 3, container = {}, readCluster }: { readonly rows?: number; readonly container?: object; readonly readCluster?: () => Promise<never> } = {}) {
  const data = join(directory, 'data');
  await mkdir(join(data, 'global'), { recursive: true });
  const control = join(data, 'global', 'pg_control');
  await writeFile(control, 'shut down');
  await writeFile(join(directory, 'compose.yaml'), 'services: {}\n');
  const attempt = createAttempt({
    directory,
    config: { deployment: { directory } },
    tools: {
      compose: () => ({ up: () => writeFile(control, 'in production') }),
      docker: {
        readContainer: () => Promise.resolve({ processId: process.pid, state: 'running', ...container }),
        readLogs: ({ wanted }: { wanted: (text: string) => boolean }) =>
          Promise.resolve(['starting', 'PANIC:  could not locate a valid checkpoint record', 'FATAL:  the database system is starting up'].filter(wanted).map((text) => ({ at: '', text }))),
      },
      postgres: {
        isReady: () => Promise.resolve(true),
        readCluster: readCluster ?? (() => Promise.resolve({ ...counted, databases: { supersync: { ...counted.databases.supersync, tables: [{ schema: 'public', name: 'operations', rows }] } } })),
        readStoppedControlData: () => Promise.resolve({ systemIdentifier: '1', state: 'in production', checkpointLocation: '0/2' }),
      },
    },
  });
  await keepFact(attempt, 'source', { container: 'database', directory: data, mountTarget: '/data', pgdata: '/data', image: 'postgres:15', uid: 999, gid: 999 });
  await keepFact(attempt, 'stopped', { systemIdentifier: '1', state: 'shut down', checkpoint: '0/1', controlDigest: await readDigest({ file: control }) });
  await keepFact(attempt, 'statistics-stopped', counted);
  return { attempt, control, start: () => writeFile(control, 'in production'), goBack: () => serviceActivities.startDatabaseOnSource.perform(attempt, undefined) };
}

test('a copy is void once its source was started', () =>
  withDirectory(async (directory) => {
    const { attempt, start } = await stoppedSource(directory);
    await expect(assertSourceUntouched(attempt)).resolves.toBeUndefined();
    await start();
    await expect(assertSourceUntouched(attempt)).rejects.toThrow(/state shut down then, in production now.*the copy is void/);
  }));

test('a control file with other bytes that says the same was damaged, and is told of', () =>
  withDirectory(async (directory) => {
    const { attempt, start } = await stoppedSource(directory);
    await keepFact(attempt, 'stopped', { systemIdentifier: '1', state: 'in production', checkpoint: '0/2', controlDigest: 'of before' });
    await start();
    await expect(assertSourceUntouched(attempt)).rejects.toThrow(/pg_control\) has other bytes than when it was stopped.*dmesg/);
  }));

test('the way back starts the untouched source and compares it, as often as it is tried', () =>
  withDirectory(async (directory) => {
    const { goBack } = await stoppedSource(directory);
    expect(await goBack()).toEqual({ equal: true, untouched: true, carriedOver: false });
    expect(await goBack()).toEqual({ equal: true, untouched: true, carriedOver: false });
  }));

test('the way back notices figures that differ', () =>
  withDirectory(async (directory) => {
    const { goBack } = await stoppedSource(directory, { rows: 4 });
    await expect(goBack()).rejects.toThrow(/rows of supersync\.public\.operations: 3 before, 4 now/);
  }));

test('the way back leads to a source that somebody started, with whatever was written there', () =>
  withDirectory(async (directory) => {
    const { goBack, start } = await stoppedSource(directory, { rows: 4 });
    await start();
    expect(await goBack()).toEqual({ equal: false, untouched: false, carriedOver: false });
  }));

test.each([
  ['on the volume', [{ source: '/mnt/encrypted/pgdata' }], true],
  ['on the old volume again', [{ source: '/var/lib/docker/volumes/pg-data/_data' }], false],
])('what serves %s is stopped by the undos that are about the volume: %o, %s', (_, mounts, stopped) =>
  withDirectory(async (directory) => {
    const stops: string[] = [];
    const attempt = createAttempt({
      directory,
      config: { deployment: { directory }, volume: { mountPoint: '/mnt/encrypted' } },
      tools: {
        compose: () => ({ stop: ({ service }: { service: string }) => Promise.resolve(void stops.push(service)) }),
        docker: { readContainer: () => Promise.resolve({ isRunning: stops.length === 0, mounts }) },
      },
    });
    await keepFact(attempt, 'source', { container: 'database', applicationContainer: 'application', directory, root: directory, image: 'postgres:15', uid: 999, gid: 999 });
    expect(await serviceActivities.stopApplication.perform(attempt, { onVolume: true })).toEqual({ stopped });
    expect(stops).toHaveLength(stopped ? 1 : 0);
    expect(await serviceActivities.stopDatabaseOnVolume.perform(attempt, undefined)).toEqual({ stopped });
  }),
);

test('a database that Docker had to kill is not taken for stopped, and the next move is told', () =>
  withDirectory(async (directory) => {
    const attempt = createAttempt({
      directory,
      tools: {
        compose: () => ({ stop: () => Promise.resolve() }),
        docker: { readContainer: () => Promise.resolve({ isRunning: true }) },
        filesystem: { syncFilesystem: () => Promise.resolve() },
        postgres: { readStoppedControlData: () => Promise.resolve({ systemIdentifier: '1', state: 'in production', checkpointLocation: '0/2' }) },
      },
    });
    const data = join(directory, 'data');
    await mkdir(join(data, 'global'), { recursive: true });
    await writeFile(join(data, 'global', 'pg_control'), 'in production');
    await keepFact(attempt, 'source', { container: 'database', root: data, directory: data, mountTarget: '/data', pgdata: '/data', image: 'postgres:15', uid: 999, gid: 999 });
    const failure = await Promise.resolve(serviceActivities.stopDatabase.perform(attempt, undefined)).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(PermanentFailure);
    expect(failure).toMatchObject({ message: expect.stringMatching(/its state is "in production"; start it once.*docker start database.*then retry.*or roll back$/) as unknown });
  }));

test('a stop is on the disk before it is read: a power cut would bring the lock file back', () =>
  withDirectory(async (directory) => {
    const order: string[] = [];
    const attempt = createAttempt({
      directory,
      tools: {
        docker: { readContainer: () => Promise.resolve({ isRunning: false }) },
        filesystem: { syncFilesystem: ({ path }: { path: string }) => Promise.resolve(void order.push(`sync ${path}`)) },
        postgres: {
          readStoppedControlData: () => {
            order.push('read');
            return Promise.resolve({ systemIdentifier: '1', state: 'shut down', checkpointLocation: '0/2' });
          },
        },
      },
    });
    const data = join(directory, 'data');
    await mkdir(join(data, 'global'), { recursive: true });
    await writeFile(join(data, 'global', 'pg_control'), 'shut down');
    await keepFact(attempt, 'source', { container: 'database', root: data, directory: data, mountTarget: '/data', pgdata: '/data', image: 'postgres:15', uid: 999, gid: 999 });
    await serviceActivities.stopDatabase.perform(attempt, undefined);
    // Where it does not run any more it may not have been stopped at all.
    expect(order).toEqual(['read', `sync ${data}`, 'read']);
  }));

test('a database that a power cut has ended recovers before it counts as stopped', () =>
  withDirectory(async (directory) => {
    const did: string[] = [];
    let isRunning = false;
    let state = 'in production';
    await writeFile(join(directory, 'compose.yaml'), 'services: {}\n');
    const attempt = createAttempt({
      directory,
      config: { deployment: { directory } },
      tools: {
        compose: () => ({
          up: () => {
            did.push('up');
            isRunning = true;
            return Promise.resolve();
          },
          stop: () => {
            did.push('stop');
            isRunning = false;
            state = 'shut down';
            return Promise.resolve();
          },
        }),
        docker: { readContainer: () => Promise.resolve({ isRunning, state: isRunning ? 'running' : 'exited', processId: process.pid }) },
        filesystem: { syncFilesystem: () => Promise.resolve() },
        postgres: {
          isReady: () => Promise.resolve(true),
          readStoppedControlData: () => Promise.resolve({ systemIdentifier: '1', state, checkpointLocation: '0/2' }),
          readCluster: () => {
            did.push('count');
            return Promise.resolve({ databases: { supersync: { tables: [], sequences: [{ schema: 'public', name: 's', lastValue: '40' }], largeObjects: 0 } }, roles: [], sizes: [] });
          },
        },
      },
    });
    const data = join(directory, 'data');
    await mkdir(join(data, 'global'), { recursive: true });
    await writeFile(join(data, 'global', 'pg_control'), 'control');
    await keepFact(attempt, 'source', { container: 'database', root: data, directory: data, mountTarget: '/data', pgdata: '/data', image: 'postgres:15', uid: 999, gid: 999 });
    expect(await serviceActivities.stopDatabase.perform(attempt, undefined)).toMatchObject({ state: 'shut down' });
    expect(did).toEqual(['up', 'stop']);

    // A recovery moves sequences on: figures that were recorded before it are recorded again, also where a person made it recover.
    await keepFact(attempt, 'statistics-stopped', 'of before');
    state = 'in production';
    await serviceActivities.stopDatabase.perform(attempt, undefined);
    expect(did.slice(2)).toEqual(['up', 'count', 'stop']);
    expect(await readFact(attempt, 'statistics-stopped')).toMatchObject({ databases: { supersync: { sequences: [{ lastValue: '40' }] } } });
    isRunning = true;
    await serviceActivities.stopDatabase.perform({ ...attempt, hasPredecessor: true }, undefined);
    // What a backup of before the first of them holds.
    expect(await readFact(attempt, 'statistics-before-recovery')).toBe('of before');
    expect(did.slice(5)).toEqual(['up', 'count', 'stop']);
    isRunning = true;
    await serviceActivities.stopDatabase.perform(attempt, undefined);
    expect(did.slice(8)).toEqual(['stop']);
  }));

test('the way back parks at once where the old database does not start, with what it said, and not after every retry', () =>
  withDirectory(async (directory) => {
    const { goBack } = await stoppedSource(directory, { container: { state: 'exited', exitCode: 1, startedAt: '2026-11-01T20:00:00Z' } });
    const failure: unknown = await goBack().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(PermanentFailure);
    expect(String(failure)).toMatch(/does not start \(database ended with status 1: PANIC: {2}could not locate.*docker logs database, mend it and retry/);
    expect(String(failure)).not.toContain('started since');
  }));

test('an old database that somebody started, and that does not start any more, is told apart: no backup holds what was written', () =>
  withDirectory(async (directory) => {
    const { goBack, start } = await stoppedSource(directory, { container: { state: 'exited', exitCode: 1 } });
    await start();
    await expect(goBack()).rejects.toThrow(/was started since it was stopped, and no backup holds what was written then/);
  }));

test('a control file that is gone is told, and looked at again once it is back', () =>
  withDirectory(async (directory) => {
    const { goBack, control } = await stoppedSource(directory);
    await rename(control, `${control}.away`);
    await expect(goBack()).rejects.toThrow(/does not start: its control file cannot be read \(ENOENT\)/);
    await rename(`${control}.away`, control);
    expect(await goBack()).toEqual({ equal: true, untouched: true, carriedOver: false });
  }));

test('a table that cannot be read any more parks the way back at once', () =>
  withDirectory(async (directory) => {
    const refused = () => Promise.reject(new CommandFailed('psql', 3, 'exited with status 3', { stdout: '', stderr: '' }));
    const { goBack } = await stoppedSource(directory, { readCluster: refused });
    await expect(goBack()).rejects.toThrow(/a table or a catalog of it cannot be read/);
  }));

test('a carried-over cluster that does not start: the message names the other two places', () =>
  withDirectory(async (directory) => {
    const { attempt, goBack } = await stoppedSource(directory, { container: { state: 'exited', exitCode: 1 } });
    await keepFact(attempt, 'source', { container: 'database', root: join(directory, 'data'), directory: join(directory, 'data') });
    await keepFact(attempt, 'carried-over', { kept: 'somewhere', at: '' });
    await keepFact(attempt, 'stopped-on-volume', await readFact(attempt, 'stopped'));
    await expect(goBack()).rejects.toThrow(/encrypted volume.*which is intact; the old directory of before it is .*data\.before-.*a person's choice/s);
  }));

test('a database that does not start on the volume, however often, is a reason to go back, with what it said', () =>
  withDirectory(async (directory) => {
    const { attempt } = await stoppedSource(directory, { container: { state: 'exited', exitCode: 1, startedAt: '2026-11-01T20:00:00Z' } });
    await writeFile(join(directory, '.env'), 'COMPOSE_FILE=compose.yaml:docker-compose.encrypted.yaml\n');
    const failure: unknown = await serviceActivities.startDatabaseOnVolume.perform(attempt, undefined).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(RollbackTrigger);
    expect(failure).toMatchObject({
      evidence: [
        ['starts tried', '4'],
        ['what happened', 'database ended with status 1: PANIC:  could not locate a valid checkpoint record'],
      ],
    });
  }));
