import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checkVolume } from '../../../../src/activities/startup/volumeChecks.js';
import { withDirectory } from '../../needsRoot.js';
import { createAttempt } from '../attempt.js';

const slot = { slot: 0, opensVolume: true, keySizeBits: 512, areaCipher: 'aes-xts-plain64', areaKeySizeBits: 512, kdf: { type: 'argon2id' } };
const token = { tokenId: 0, type: 'lockstep', slots: [0], fields: { role: 'operational', run: 'r' } };

interface Found {
  readonly status?: object;
  readonly targets?: readonly string[];
  readonly mapped?: object;
  readonly mount?: object;
  readonly header?: object;
  readonly availableBytes?: number;
}

/** A volume on which all is well but for what a test says. */
async function check(directory: string, { status, targets = ['crypt'], mapped, mount, header, availableBytes = 50 }: Found = {}) {
  const device = join(directory, 'volume.img');
  await writeFile(device, '');
  await writeFile(join(directory, 'other.img'), '');
  const attempt = createAttempt({
    directory,
    config: { volume: { mountPoint: directory, file: device } },
    tools: {
      cryptsetup: {
        status: () => Promise.resolve({ active: true, type: 'LUKS2', cipher: 'aes-xts-plain64', keySizeBits: 512, readOnly: false, device: '/dev/loop0', loop: device, ...status }),
        readHeader: () => Promise.resolve({ uuid: 'u1', cipher: 'aes-xts-plain64', slots: [slot], tokens: [token], ...header }),
      },
      deviceMapper: { readTargets: () => Promise.resolve(targets) },
      mounts: {
        readMount: () => Promise.resolve({ deviceNumber: '254:0', options: ['rw', 'noatime'], ...mount }),
        readMappedDevice: () => Promise.resolve({ name: 'pg-data-encrypted', luks2Uuid: 'u1', ...mapped }),
      },
      filesystem: { readSpace: () => Promise.resolve({ totalBytes: 100, availableBytes }) },
    },
  });
  return { found: await checkVolume(attempt), told: attempt.alerts.map(({ severity, subject }) => [severity, subject]) };
}

test('a volume on which all is well is told in figures', () =>
  withDirectory(async (directory) => {
    expect(await check(directory)).toEqual({ found: { uuid: 'u1', cipher: 'aes-xts-plain64', roles: ['0 operational'], usedPercent: 50, availableBytes: 50 }, told: [] });
  }));

test('a slot that somebody added, and that is weaker than it should be, keeps no user waiting, and is told', () =>
  withDirectory(async (directory) => {
    const { found, told } = await check(directory, { header: { slots: [slot, { ...slot, slot: 2, kdf: { type: 'pbkdf2' } }] } });
    expect(found).toMatchObject({ cipher: 'aes-xts-plain64' });
    expect(told).toEqual([['warning', 'a key of pg-data-encrypted on h1 is weak']]);
  }));

test.each<[string, Found, RegExp]>([
  ['closed', { status: { active: false } }, /is not open/],
  ['no dm-crypt device', { targets: ['linear'] }, /device-mapper has it as linear, not as crypt/],
  ['only in part a dm-crypt device', { targets: ['crypt', 'linear'] }, /not as crypt/],
  ['no LUKS2', { status: { type: 'PLAIN' } }, /is of type PLAIN/],
  ['AES-128', { status: { keySizeBits: 256 } }, /aes-xts-plain64 and 256 bits/],
  ['open for reading only', { status: { readOnly: true } }, /reading only/],
  ['on another file', { status: { loop: '/dev/null' } }, /lies on \/dev\/null, not on/],
  ['another device', { mapped: { name: 'other' } }, /is not the dm-crypt device pg-data-encrypted/],
  ['another volume', { mapped: { luks2Uuid: 'u2' } }, /is the LUKS volume u2, and .* is u1/],
  ['mounted read-only', { mount: { options: ['ro'] } }, /is mounted read-only/],
  ['weaker in its header', { header: { cipher: 'aes-cbc-essiv' } }, /the cipher is aes-cbc-essiv/],
])('one that is %s is refused', (_, found, words) => withDirectory((directory) => expect(check(directory, found)).rejects.toThrow(words)));

test.each([
  [20, 'warning'],
  [5, 'critical'],
])('with %i %% left people are told', (availableBytes, severity) =>
  withDirectory(async (directory) => {
    const { told } = await check(directory, { availableBytes });
    expect(told).toEqual([[severity, `pg-data-encrypted on h1 is ${100 - availableBytes} % full`]]);
  }));
