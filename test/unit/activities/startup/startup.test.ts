import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { shutdownActivities } from '../../../../src/activities/startup/shutdown.js';
import { startupActivities } from '../../../../src/activities/startup/startup.js';
import { markShutDown, readShutDown } from '../../../../src/activities/startup/marks.js';
import { keepFact } from '../../../../src/activities/run/runFacts.js';
import { withDirectory } from '../../needsRoot.js';
import { createAttempt } from '../attempt.js';

const publicUrl = 'https://sync.example.com/';

/** @param statuses - What each address answers. */
function outside(directory: string, statuses: Readonly<Record<string, number>>, deployment: object) {
  const attempt = createAttempt({
    directory,
    config: { deployment },
    tools: { request: ({ url }: { url: string }) => Promise.resolve({ status: statuses[url] ?? 404 }) },
  });
  return startupActivities.verifyFromOutside.perform(attempt, undefined);
}

test('the health is asked where users reach it as well, where that is known', () =>
  withDirectory(async (directory) => {
    const here = 'http://127.0.0.1:1900/health';
    const there = 'https://sync.example.com/health';
    expect(await outside(directory, { [here]: 200 }, {})).toEqual({ asked: [here] });
    expect(await outside(directory, { [here]: 200, [there]: 200 }, { application: { publicUrl } })).toEqual({ asked: [here, there] });
    await expect(outside(directory, { [here]: 200, [there]: 502 }, { application: { publicUrl } })).rejects.toThrow(`${there} answers with status 502`);
  }));

test('a startup is told with who unlocked the volume, and ends a shutdown', () =>
  withDirectory(async (directory) => {
    const told: unknown[] = [];
    const attempt = {
      ...createAttempt({ directory, config: { stateDirectory: directory } }),
      audit: (event: string, _: unknown, who: unknown) => {
        told.push([event, who]);
        return Promise.resolve();
      },
    };
    await markShutDown({ stateDirectory: directory }, { bootId: 'b1', at: '', by: 'ann' });
    const giver = { by: 'ben', from: '192.0.2.7' };
    await keepFact(attempt, 'unlocked', { at: '2026-11-01T20:00:00Z', giver });
    expect(await startupActivities.tellStartup.perform(attempt, undefined)).toEqual(giver);
    expect(told).toEqual([['STARTUP', giver]]);
    expect(await readShutDown({ stateDirectory: directory })).toBeUndefined();
  }));

test.each([
  ['where the overlay is not selected', false, /not lie on an encrypted volume.*lockstep start migrate/],
  ['where there is no volume', true, /there is no LUKS volume at/],
])('nothing is started %s', (_, isSelected, words) =>
  withDirectory(async (directory) => {
    await writeFile(join(directory, 'docker-compose.yaml'), 'services: {}\n');
    await writeFile(join(directory, '.env'), isSelected ? 'COMPOSE_FILE=docker-compose.yaml:docker-compose.encrypted.yaml\n' : '');
    const attempt = createAttempt({
      directory,
      config: { stateDirectory: directory, deployment: { directory } },
      tools: {
        run: () => Promise.reject(new Error('no command is run')),
        mounts: { readMount: () => Promise.resolve(undefined) },
        cryptsetup: { status: () => Promise.resolve({ active: false }) },
        volumeFile: { readVolumeFile: () => Promise.resolve(undefined) },
      },
    });
    await expect(startupActivities.readHostStanding.perform(attempt, undefined)).rejects.toThrow(words);
  }));

test('the mark of a shutdown is there before the volume is locked, and gone when it is opened again', () =>
  withDirectory(async (directory) => {
    const marks: boolean[] = [];
    let active = true;
    const attempt = createAttempt({
      directory,
      config: { stateDirectory: directory },
      tools: {
        run: () => Promise.reject(new Error('no command is run')),
        mounts: { unmount: () => Promise.resolve({ changed: true }) },
        cryptsetup: {
          close: async () => {
            marks.push((await readShutDown({ stateDirectory: directory })) !== undefined);
            active = false;
          },
          status: () => Promise.resolve({ active }),
          isLuks: () => Promise.resolve({ isLuks: true }),
        },
      },
    });
    await shutdownActivities.lockVolume.perform(attempt, undefined);
    expect(marks).toEqual([true]);
    expect(await readShutDown({ stateDirectory: directory })).toMatchObject({ by: attempt.call.startedBy });
  }));

test.each([
  ['mounted', { mount: { source: '/dev/mapper/vol' } }, /is mounted on/],
  ['open', { active: true }, /is open again/],
  ['without its header', { isLuks: false }, /has no LUKS2 header/],
])('a volume that is %s is not told to be locked', (_, { mount, active = false, isLuks = true }: { mount?: object; active?: boolean; isLuks?: boolean }, words) =>
  withDirectory(async (directory) => {
    const tools = {
      mounts: { readMount: () => Promise.resolve(mount) },
      cryptsetup: { status: () => Promise.resolve({ active }), isLuks: () => Promise.resolve({ isLuks }) },
    };
    await expect(shutdownActivities.proveLocked.perform(createAttempt({ directory, tools }), undefined)).rejects.toThrow(words);
  }));
