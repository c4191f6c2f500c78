import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { keepLeftAlone, markShutDown } from '../../../../src/activities/startup/marks.js';
import { readStanding } from '../../../../src/activities/startup/standing.js';
import { withDirectory } from '../../needsRoot.js';
import { createAttempt } from '../attempt.js';

const names = () => Promise.resolve({ container: 'database', applicationContainer: 'application' });
const finishedAt = '2026-11-01T19:00:00Z';
const stopped = { id: 'c1', isRunning: false, exitCode: 137, wasKilledForMemory: false, finishedAt };

interface Found {
  readonly mapped?: string;
  readonly isActive?: boolean;
  readonly isThere?: boolean;
  readonly isLuks?: boolean;
  readonly database?: object;
}

/** A host whose overlay is selected; what a test does not tell of must not be asked. */
async function lookAt(directory: string, { mapped, isActive, isThere, isLuks, database }: Found, isSelected = true) {
  await writeFile(join(directory, 'docker-compose.yaml'), 'services: {}\n');
  await writeFile(join(directory, '.env'), isSelected ? 'COMPOSE_FILE=docker-compose.yaml:docker-compose.encrypted.yaml\n' : '');
  const told = <T>(value: T | undefined, what: string): Promise<T> => (value === undefined ? Promise.reject(new Error(`the test tells nothing of ${what}`)) : Promise.resolve(value));
  const attempt = createAttempt({
    directory,
    config: { stateDirectory: directory, deployment: { directory } },
    tools: {
      run: () => Promise.reject(new Error('no command is run')),
      mounts: {
        readMount: () => Promise.resolve(mapped === undefined ? undefined : { deviceNumber: '254:0' }),
        readMappedDevice: () => Promise.resolve({ name: mapped }),
      },
      cryptsetup: {
        status: () => told(isActive, 'the mapping').then((active) => ({ active })),
        isLuks: () => told(isLuks, 'the header').then((each) => ({ isLuks: each })),
      },
      volumeFile: { readVolumeFile: () => told(isThere, 'the file').then((each) => (each ? {} : undefined)) },
      docker: { readContainer: (name: string) => (name === 'database' ? told(database, 'the database') : Promise.resolve({ isRunning: true })) },
      dockerEvents: { readEnd: () => Promise.resolve({ isRemembered: false, wasStopped: false }), readDaemonStart: () => Promise.resolve(new Date('2026-11-01T19:30:00Z')) },
    },
  });
  return { attempt, standing: await readStanding(attempt, names) };
}

test.each<[string, Found, string]>([
  ['locked', { isActive: false, isThere: true, isLuks: true }, 'closed'],
  ['open without a mount', { isActive: true }, 'not mounted'],
  ['under a mount of something else', { mapped: 'other', isActive: false, isThere: true, isLuks: true }, 'closed'],
  ['not there', { isActive: false, isThere: false }, 'missing'],
  ['no LUKS volume any more', { isActive: false, isThere: true, isLuks: false }, 'missing'],
])('a volume that is %s is told as such, and Docker is not asked', (_, found, volume) =>
  withDirectory(async (directory) => {
    expect((await lookAt(directory, found)).standing).toMatchObject({ isSelected: true, volume, services: [] });
  }));

test('of a host whose database lies elsewhere nothing more is asked', () =>
  withDirectory(async (directory) => {
    expect((await lookAt(directory, {}, false)).standing).toMatchObject({ isSelected: false, services: [] });
  }));

test('services that run are told without a process being started', () =>
  withDirectory(async (directory) => {
    const { standing } = await lookAt(directory, { mapped: 'pg-data-encrypted', database: { isRunning: true } });
    expect(standing).toMatchObject({ volume: 'open', services: [{ container: 'database' }, { container: 'application' }] });
    expect(standing.services.every(({ end }) => end === undefined)).toBe(true);
  }));

test('what was stopped by hand stays so through a restart of Docker', () =>
  withDirectory(async (directory) => {
    const found = { mapped: 'pg-data-encrypted', database: stopped };
    expect((await lookAt(directory, found)).standing.services[0]?.end).toMatchObject({ isLeftAlone: false, cause: expect.stringContaining('Docker was restarted') as unknown });
    await keepLeftAlone({ stateDirectory: directory }, { c1: finishedAt });
    expect((await lookAt(directory, found)).standing.services[0]?.end).toMatchObject({ isLeftAlone: true });
    await keepLeftAlone({ stateDirectory: directory }, { c1: '2026-11-01T18:00:00Z' });
    expect((await lookAt(directory, found)).standing.services[0]?.end).toMatchObject({ isLeftAlone: false });
  }));

test('who shut the host down is told', () =>
  withDirectory(async (directory) => {
    const mark = { bootId: 'b1', at: finishedAt, by: 'ann' };
    await markShutDown({ stateDirectory: directory }, mark);
    expect((await lookAt(directory, { isActive: false, isThere: true, isLuks: true })).standing.shutDown).toEqual(mark);
  }));
