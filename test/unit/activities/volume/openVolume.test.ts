import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openAndMount, volumeLayout } from '../../../../src/activities/volume/openVolume.js';
import { withDirectory } from '../../needsRoot.js';
import { createAttempt } from '../attempt.js';

const ann = { by: 'ann' };

async function lockedHost(directory: string) {
  const told: (readonly [string, unknown])[] = [];
  let active = false;
  let dies = false;
  const mountPoint = join(directory, 'volume');
  const attempt = {
    ...createAttempt({
      directory,
      config: { volume: { mountPoint } },
      tools: {
        cryptsetup: {
          status: () => Promise.resolve({ active }),
          open: () => {
            active = true;
            return dies ? Promise.reject(new Error('killed')) : Promise.resolve();
          },
          readHeader: () => Promise.resolve({ uuid: 'v', slots: [{ slot: 0, opensVolume: true }], tokens: [] }),
        },
        mounts: { mount: () => Promise.resolve(), readMount: () => Promise.resolve({}) },
      },
    }),
    secret: () => Promise.resolve(Buffer.from('correct horse')),
    audit: (event: string, _: unknown, who: unknown) => {
      told.push([event, who]);
      return Promise.resolve();
    },
    giverOf: () => ann,
  };
  await mkdir(mountPoint);
  await writeFile(volumeLayout(attempt.config).sentinel, JSON.stringify({ volume: 'v' }));
  return { attempt, told, dieAfterOpening: (whether: boolean) => void (dies = whether) };
}

const unlock = [
  ['VOLUME_UNLOCK_BEGIN', ann],
  ['VOLUME_UNLOCK', ann],
];

test('an unlock is told before and after, once', () =>
  withDirectory(async (directory) => {
    const { attempt, told } = await lockedHost(directory);
    expect(await openAndMount(attempt, { mounted: true })).toEqual({ opened: true });
    expect(await openAndMount(attempt, { mounted: true })).toEqual({ opened: false });
    expect(told).toEqual(unlock);
  }));

test('an unlock that its worker did not live to tell is told by the next attempt, with who gave the passphrase', () =>
  withDirectory(async (directory) => {
    const { attempt, told, dieAfterOpening } = await lockedHost(directory);
    dieAfterOpening(true);
    await expect(openAndMount(attempt, { mounted: true })).rejects.toThrow('killed');
    // The passphrase was in the memory of the worker that died.
    await openAndMount({ ...attempt, giverOf: () => undefined }, { mounted: true });
    expect(told).toEqual(unlock);
  }));
