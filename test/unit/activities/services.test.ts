import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { serviceActivities } from '../../../src/activities/services.js';
import { assertSourceUntouched } from '../../../src/activities/stoppedSource.js';
import { keepFact } from '../../../src/activities/runFacts.js';
import { readDigest } from '../../../src/host/fileDigest.js';
import { withDirectory } from '../needsRoot.js';
import { createAttempt } from './attempt.js';

const counted = { at: '', databases: { supersync: { tables: [{ schema: 'public', name: 'operations', rows: 3 }], sequences: [], largeObjects: 0 } }, roles: [], sizes: [] };

/** A stopped source, whose control file a start rewrites. */
async function stoppedSource(directory: string, { rows = 3 }: { readonly rows?: number } = {}) {
  const data = join(directory, 'data');
  await mkdir(join(data, 'global'), { recursive: true });
  const control = join(data, 'global', 'pg_control');
  await writeFile(control, 'shut down');
  const attempt = createAttempt({
    directory,
    tools: {
      compose: () => ({ up: () => writeFile(control, 'in production') }),
      docker: { readContainer: () => Promise.resolve({ processId: process.pid }) },
      postgres: {
        isReady: () => Promise.resolve(true),
        readCluster: () => Promise.resolve({ ...counted, databases: { supersync: { ...counted.databases.supersync, tables: [{ schema: 'public', name: 'operations', rows }] } } }),
        readStoppedControlData: () => Promise.resolve({ systemIdentifier: '1', state: 'in production', checkpointLocation: '0/2' }),
      },
    },
  });
  await keepFact(attempt, 'source', { container: 'database', directory: data, image: 'postgres:15', uid: 999, gid: 999 });
  await keepFact(attempt, 'stopped', { systemIdentifier: '1', state: 'shut down', checkpoint: '0/1', controlDigest: await readDigest({ file: control }) });
  await keepFact(attempt, 'statistics-stopped', counted);
  return { attempt, start: () => writeFile(control, 'in production'), goBack: () => serviceActivities.startDatabaseOnSource.perform(attempt, undefined) };
}

test('a copy is void once its source was started', () =>
  withDirectory(async (directory) => {
    const { attempt, start } = await stoppedSource(directory);
    await expect(assertSourceUntouched(attempt)).resolves.toBeUndefined();
    await start();
    await expect(assertSourceUntouched(attempt)).rejects.toThrow(/state shut down then, in production now.*the copy is void/);
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
    await keepFact(attempt, 'source', { container: 'database', root: data, directory: data, image: 'postgres:15', uid: 999, gid: 999 });
    await serviceActivities.stopDatabase.perform(attempt, undefined);
    expect(order).toEqual([`sync ${data}`, 'read']);
  }));
