import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { stepActivities } from '../../../../src/activities/activities.js';
import { keepOwnVolume } from '../../../../src/activities/volume/ownVolume.js';
import { keepFact } from '../../../../src/activities/run/runFacts.js';
import { withDirectory } from '../../needsRoot.js';
import { createAttempt } from '../attempt.js';

const mebibyte = 1024 ** 2;
const gibibyte = 1024 * mebibyte;

interface Host {
  readonly availableBytes?: number;
  readonly device?: { readonly sizeBytes: number; readonly hasBytes: boolean };
}

/** An empty host, but for a database of 64 MiB where `database` is called. */
function emptyHost(directory: string, { availableBytes = 10 * gibibyte, device }: Host = {}) {
  const state = { isThere: false };
  const attempt = createAttempt({
    directory,
    config: {
      stateDirectory: directory,
      deployment: { directory: join(directory, 'deployment') },
      volume: { file: join(directory, 'volume.img'), mountPoint: join(directory, 'mount'), ...(device === undefined ? {} : { device: '/dev/vg0/pg' }) },
    },
    tools: {
      system: { readMemory: () => Promise.resolve({ availableBytes: 8 * gibibyte }), readProcessor: () => Promise.resolve({ cpus: 4, aes: true }) },
      cryptsetup: { status: () => Promise.resolve({ active: false }), isLuks: () => Promise.resolve({ isLuks: false }) },
      mounts: { readMount: () => Promise.resolve(undefined), readMounts: () => Promise.resolve([]) },
      volumeFile: { readVolumeFile: () => Promise.resolve(state.isThere ? { sizeBytes: gibibyte, allocatedBytes: gibibyte } : undefined) },
      filesystem: { readSpace: () => Promise.resolve({ availableBytes }) },
      blockDevices: { readDevice: () => Promise.resolve({ sizeBytes: device?.sizeBytes, deviceNumber: '253:9', isReadOnly: false, holders: [], partitions: [] }) },
      deviceContents: { readSignatures: () => Promise.resolve([]), isHeld: () => Promise.resolve(false), hasBytes: () => Promise.resolve(device?.hasBytes ?? false) },
      docker: { readContainer: () => Promise.resolve(undefined), readVolume: () => Promise.resolve({ mountPoint: join(directory, 'data') }), readImage: () => Promise.resolve({}) },
      compose: () => ({
        readConfig: () =>
          Promise.resolve({
            projectName: 'p',
            services: { postgres: { image: 'postgres:15', mounts: [{ type: 'volume', source: 'db', target: '/var/lib/postgresql/data' }] }, supersync: { image: 'app', mounts: [] } },
            volumes: { db: { name: 'p_db', isExternal: false } },
          }),
      }),
    },
  });
  const deploy = async ({ database }: { readonly database: boolean }) => {
    await mkdir(join(directory, 'deployment'));
    await writeFile(join(directory, 'deployment', 'compose.yaml'), '');
    await keepFact(attempt, 'deployment', { container: 'db', applicationContainer: 'app', image: 'postgres:15', pgdata: '/var/lib/postgresql/data', mountTarget: '/var/lib/postgresql/data' });
    if (!database) return;
    await mkdir(join(directory, 'data'));
    await writeFile(join(directory, 'data', 'PG_VERSION'), '15');
    await writeFile(join(directory, 'data', 'base'), Buffer.alloc(64 * mebibyte));
  };
  return { attempt, state, deploy };
}

const plan = (attempt: ReturnType<typeof emptyHost>['attempt'], wanted: { readonly sizeGib?: number; readonly mayBePrepared?: boolean } = {}) =>
  stepActivities.planVolume.perform(attempt, { mayBePrepared: false, ...wanted });

test('the size is the database as it lies now plus growth, and never below the minimum', () =>
  withDirectory(async (directory) => {
    const { attempt, deploy } = emptyHost(directory);
    expect(await plan(attempt)).toMatchObject({ sizeBytes: 256 * mebibyte, database: null, isDeployed: false, isDevice: false, hasOldBytes: false });
    await deploy({ database: true });
    // The database, a fifth more, and 96 MiB for header and journal.
    const grown = { ...attempt, config: { ...attempt.config, volume: { ...attempt.config.volume, minimumSizeMiB: 64 } } };
    expect(await plan(grown)).toMatchObject({ sizeBytes: 173 * mebibyte, database: { directory: join(directory, 'data'), sizeBytes: 64 * mebibyte + 2 } });
  }));

test('a size that is asked for counts, where the database and the disk allow it', () =>
  withDirectory(async (directory) => {
    const { attempt, deploy } = emptyHost(directory, { availableBytes: 3 * gibibyte });
    expect(await plan(attempt, { sizeGib: 2 })).toMatchObject({ sizeBytes: 2 * gibibyte });
    await expect(plan(attempt, { sizeGib: 4 })).rejects.toThrow(/has 3\.00 GiB free; the volume takes 4\.00 GiB.*smaller --size-gib/);
    await deploy({ database: true });
    const full = { ...attempt, config: { ...attempt.config, volume: { ...attempt.config.volume, minimumSizeMiB: 1500 } } };
    await expect(plan(full, { sizeGib: 1 })).rejects.toThrow(/--size-gib 1 is too small.*--size-gib 2 or more/);
  }));

test('a block device is taken whole, old bytes on it are told, and one too small is refused with what to type', () =>
  withDirectory(async (directory) => {
    expect(await plan(emptyHost(directory, { device: { sizeBytes: gibibyte, hasBytes: true } }).attempt)).toMatchObject({ isDevice: true, sizeBytes: gibibyte, hasOldBytes: true });
    await expect(plan(emptyHost(directory, { device: { sizeBytes: 100 * mebibyte, hasBytes: false } }).attempt)).rejects.toThrow('/dev/vg0/pg has 100 MiB; 256 MiB are needed, for the database and its growth; make it larger, for example with lvextend --size 256M /dev/vg0/pg');
  }));

test('a new deployment is refused where there is a database, and where an image is missing', () =>
  withDirectory(async (directory) => {
    const { attempt, deploy } = emptyHost(directory);
    const check = (tools = {}) => stepActivities.assertNewDeployment.perform({ ...attempt, tools: new Proxy(attempt.tools, { get: (given, name) => (tools as Record<string | symbol, unknown>)[name] ?? Reflect.get(given, name) as unknown }) }, undefined);
    await expect(check()).rejects.toThrow(/has no compose file/);
    await deploy({ database: false });
    expect(await check()).toEqual({ container: 'db', image: 'postgres:15' });
    const docker = { readVolume: () => Promise.resolve(undefined), readImage: (image: string) => Promise.resolve(image === 'app' ? undefined : {}) };
    await expect(check({ docker: { ...docker, readContainer: () => Promise.resolve({ isRunning: true, mounts: [] }) } })).rejects.toThrow(/container db runs/);
    await expect(check({ docker: { ...docker, readContainer: () => Promise.resolve(undefined) } })).rejects.toThrow(/the image app of service "supersync" is not on this host/);
    await mkdir(join(directory, 'data'));
    await writeFile(join(directory, 'data', 'PG_VERSION'), '15');
    await expect(check()).rejects.toThrow(/there is a database already, in .*data; .*lockstep start migrate/);
  }));

test('what a way back leaves is told with how to remove it', () =>
  withDirectory(async (directory) => {
    const { attempt, state } = emptyHost(directory);
    expect(await stepActivities.readLeftVolume.perform(attempt, undefined)).toEqual({ place: null });
    await keepOwnVolume(attempt, { path: attempt.config.volume.file, sizeBytes: gibibyte });
    state.isThere = true;
    const left = await stepActivities.readLeftVolume.perform(attempt, undefined);
    expect(left).toMatchObject({ place: attempt.config.volume.file, sizeBytes: gibibyte, removal: expect.stringMatching(/cryptsetup close pg-data-encrypted; rm .*volume\.img$/) as unknown });
  }));
