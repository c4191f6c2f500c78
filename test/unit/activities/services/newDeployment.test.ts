import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { stepActivities } from '../../../../src/activities/activities.js';
import { keepFact } from '../../../../src/activities/run/runFacts.js';
import { volumeLayout } from '../../../../src/activities/volume/openVolume.js';
import { withDirectory } from '../../needsRoot.js';
import { createAttempt } from '../attempt.js';

const pgdata = '/var/lib/postgresql/data';
const serving = ['1', pgdata, '1777777777', '5432', '/var/run/postgresql', '*', '  5432001 1', 'ready', ''].join('\n');

/** A host on which the first start of the container is cut off half-way, and the next one is whole. */
async function newHost(directory: string) {
  const state = { starts: 0, isRunning: false, found: [] as (readonly string[])[], dies: true };
  const attempt = createAttempt({
    directory,
    config: { stateDirectory: directory, volume: { mountPoint: join(directory, 'mount') }, deployment: { directory: join(directory, 'deployment') } },
    tools: {
      compose: () => ({
        up: async () => {
          const { dataDirectory } = volumeLayout(attempt.config);
          state.starts += 1;
          state.found.push(await readdir(dataDirectory));
          await writeFile(join(dataDirectory, 'PG_VERSION'), '15');
          if (state.dies) throw new Error('the power went');
          state.isRunning = true;
          await writeFile(join(dataDirectory, 'postmaster.pid'), serving);
        },
      }),
      docker: { readContainer: () => Promise.resolve(state.starts === 0 ? undefined : { isRunning: state.isRunning, state: 'running', ...(state.isRunning ? { processId: 999_999_999 } : {}) }) },
      postgres: { isReady: () => Promise.resolve(state.isRunning) },
      filesystem: { syncFilesystem: () => Promise.resolve() },
      mounts: { readMount: () => Promise.resolve({ deviceNumber: '253:0' }), readMappedDevice: () => Promise.resolve({ name: 'pg-data-encrypted' }) },
      openFiles: { readProcessTree: () => Promise.resolve([1]), readOpenFiles: () => Promise.resolve([{ kind: 'file', path: '/x', deviceNumber: '253:0' }]) },
    },
  });
  await mkdir(volumeLayout(attempt.config).dataDirectory, { recursive: true });
  await mkdir(join(directory, 'deployment'));
  await writeFile(join(directory, 'deployment', 'compose.yaml'), '');
  await keepFact(attempt, 'deployment', { container: 'db', applicationContainer: 'app', image: 'postgres:15', pgdata, mountTarget: pgdata });
  return { attempt, state };
}

const initialise = (attempt: Parameters<typeof stepActivities.initialiseDatabase.perform>[0]) => stepActivities.initialiseDatabase.perform(attempt, undefined);

test('what a cut initialisation left is cleared, and a whole cluster never again', () =>
  withDirectory(async (directory) => {
    const { attempt, state } = await newHost(directory);
    await expect(initialise(attempt)).rejects.toThrow('the power went');
    state.dies = false;
    expect(await initialise(attempt)).toEqual({ openFiles: 1 });
    expect(state.found).toEqual([[], []]);
    state.isRunning = false;
    await writeFile(join(volumeLayout(attempt.config).dataDirectory, 'rows'), 'what users wrote');
    await initialise(attempt);
    expect(state.found[2]).toContain('rows');
  }));

test('a container that outlived the worker goes on with its initialisation', () =>
  withDirectory(async (directory) => {
    const { attempt, state } = await newHost(directory);
    await expect(initialise(attempt)).rejects.toThrow('the power went');
    Object.assign(state, { dies: false, isRunning: true });
    await writeFile(join(volumeLayout(attempt.config).dataDirectory, 'postmaster.pid'), serving);
    await initialise(attempt);
    expect(await readdir(volumeLayout(attempt.config).dataDirectory)).toContain('PG_VERSION');
    expect(state.starts).toBeLessThanOrEqual(2);
  }));

test('nothing is initialised over what lies in the directory', () =>
  withDirectory(async (directory) => {
    const { attempt, state } = await newHost(directory);
    await writeFile(join(volumeLayout(attempt.config).dataDirectory, 'base.tar'), '');
    await expect(initialise(attempt)).rejects.toThrow(/holds base\.tar already; nothing is initialised over it/);
    expect(state.starts).toBe(0);
  }));
