import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { stepActivities } from '../../../../src/activities/activities.js';
import { volumeLayout } from '../../../../src/activities/volume/openVolume.js';
import { forgetPrepared, notePrepared, readPrepared } from '../../../../src/activities/volume/preparedVolume.js';
import { assertVolumePlaceFree } from '../../../../src/activities/volume/volumePlace.js';
import { withDirectory } from '../../needsRoot.js';
import { createAttempt } from '../attempt.js';

const file = '/var/lib/volume.img';
const gibibyte = 1024 ** 3;

/** A host on which `setupVolume` has left its volume open and mounted. */
async function preparedHost(directory: string) {
  const state = { uuid: 'prepared', isMounted: true, isActive: true, isThere: true, availableBytes: gibibyte };
  const asked: string[] = [];
  const mountPoint = join(directory, 'volume');
  const attempt = {
    ...createAttempt({
      directory,
      config: { stateDirectory: directory, volume: { file, mountPoint }, deployment: { directory: join(directory, 'none') } },
      tools: {
        volumeFile: { readVolumeFile: () => Promise.resolve(state.isThere ? { sizeBytes: gibibyte, allocatedBytes: gibibyte } : undefined) },
        cryptsetup: {
          isLuks: () => Promise.resolve({ isLuks: true }),
          readHeader: () => Promise.resolve({ uuid: state.uuid, tokens: [] }),
          status: () => Promise.resolve({ active: state.isActive }),
          open: () => {
            state.isActive = true;
            return Promise.resolve();
          },
        },
        mounts: {
          readMount: () => Promise.resolve(state.isMounted ? { deviceNumber: '253:0' } : undefined),
          readMappedDevice: () => Promise.resolve({ name: 'pg-data-encrypted', luks2Uuid: state.uuid }),
          mount: () => Promise.resolve(),
        },
        filesystem: {
          readSpace: () => Promise.resolve({ availableBytes: state.availableBytes }),
          readFilesystem: () => Promise.resolve({ type: 'ext4', label: 'x', uuid: 'f' }),
          syncFilesystem: () => Promise.resolve(),
          setImmutable: () => Promise.resolve(),
        },
      },
    }),
    secret: (name: string, _: string, options: { isNew?: boolean } = {}) => {
      asked.push(`${name}${options.isNew === true ? ' NEW' : ''}`);
      return Promise.resolve(Buffer.from('x'));
    },
  };
  const { dataDirectory, sentinel } = volumeLayout(attempt.config);
  await mkdir(dataDirectory, { recursive: true });
  await mkdir(join(mountPoint, 'lost+found'));
  await writeFile(sentinel, JSON.stringify({ volume: 'prepared' }));
  await notePrepared(attempt);
  return { attempt, state, asked, dataDirectory };
}

test('what was prepared is known by its header, and no other is taken for it', () =>
  withDirectory(async (directory) => {
    const { attempt, state } = await preparedHost(directory);
    expect(await readPrepared(attempt)).toMatchObject({ device: file, uuid: 'prepared' });
    expect(await assertVolumePlaceFree(attempt, { mayBePrepared: true })).toEqual({ isPrepared: true });
    await expect(assertVolumePlaceFree(attempt, { mayBePrepared: false })).rejects.toThrow(/was prepared by setupVolume already.*lockstep start migrate/);
    state.uuid = 'another';
    expect(await readPrepared(attempt)).toBeUndefined();
    await expect(assertVolumePlaceFree(attempt, { mayBePrepared: true })).rejects.toThrow(/is already open, and .* is there/);
    state.uuid = 'prepared';
    await forgetPrepared(attempt);
    await forgetPrepared(attempt);
    expect(await readPrepared(attempt)).toBeUndefined();
  }));

test('a migration opens it with the passphrase that it has, and makes nothing anew', () =>
  withDirectory(async (directory) => {
    const { attempt, state, asked } = await preparedHost(directory);
    state.isActive = false;
    expect(await stepActivities.createVolumeFile.perform(attempt, { databaseBytes: 1000 })).toMatchObject({ file, isPrepared: true });
    expect(await stepActivities.createVolumeFile.perform(attempt, { databaseBytes: 1000 })).toMatchObject({ isPrepared: true });
    expect((await stepActivities.makeFilesystem.perform(attempt, undefined)).availableBytes).toBe(gibibyte);
    expect(asked).toEqual(['operationalPassphrase']);
  }));

test('one that somebody has put something on, or that is too small, is not taken', () =>
  withDirectory(async (directory) => {
    const { attempt, dataDirectory } = await preparedHost(directory);
    await expect(stepActivities.createVolumeFile.perform(attempt, { databaseBytes: 2 * gibibyte })).rejects.toThrow(/has room for 1\.00 GiB, and the database has 2\.00 GiB/);
    await writeFile(join(dataDirectory, 'PG_VERSION'), '15');
    await expect(stepActivities.createVolumeFile.perform(attempt, { databaseBytes: 1 })).rejects.toThrow(/holds data already \(.*PG_VERSION\)/);
    await expect(assertVolumePlaceFree(attempt, { mayBePrepared: true })).rejects.toThrow(/holds data already/);
  }));

test('beside the empty data directory nothing may lie on it either', () =>
  withDirectory(async (directory) => {
    const { attempt } = await preparedHost(directory);
    await writeFile(join(attempt.config.volume.mountPoint, 'dump.sql'), '');
    await expect(notePrepared(attempt)).rejects.toThrow(/holds data already \(.*dump\.sql\)/);
  }));
