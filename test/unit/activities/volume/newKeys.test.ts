import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Attempt } from '../../../../src/activities/activity.js';
import { keepOwnVolume } from '../../../../src/activities/volume/ownVolume.js';
import { volumeActivities } from '../../../../src/activities/volume/volume.js';
import type { SecretName } from '../../../../src/config/schema.js';
import { createCryptsetup } from '../../../../src/host/luks/cryptsetup.js';
import { createRun, type Run } from '../../../../src/host/processes/runner.js';
import { withDirectory } from '../../needsRoot.js';
import { createAttempt } from '../attempt.js';

const argon2id = { memoryKiB: 32, minimumMemoryKiB: 32, parallel: 1, iterationMilliseconds: 100 };
/** Spares cryptsetup the seconds in which it measures the machine. */
const run: Run = (file, args, options) => {
  const at = args.indexOf('--iter-time');
  return createRun()(file, at < 0 ? args : [...args.slice(0, at), '--pbkdf-force-iterations', '4', ...args.slice(at + 2)], options);
};
const cryptsetup = createCryptsetup({ run });
const keys: Partial<Record<SecretName, string>> = { operationalPassphrase: 'the operational passphrase', recoveryPassphrase: 'the recovery passphrase', backupPassphrase: 'that of the backups' };

/** A volume with its first key, as a step finds it after a worker was killed and passphrases are typed anew. */
async function createVolume(directory: string) {
  const device = join(directory, 'volume.img');
  await writeFile(device, '');
  await truncate(device, 32 * 1024 * 1024);
  await cryptsetup.format({ device, passphrase: keys.operationalPassphrase ?? '', label: 'practice', argon2id });
  const attempt = createAttempt({
    directory,
    config: { volume: { file: device, argon2id } },
    tools: { cryptsetup, system: { readMemory: () => Promise.resolve({ availableBytes: 2 ** 30 }), readProcessor: () => Promise.resolve({ cpus: 2 }) } },
  });
  await keepOwnVolume(attempt, { path: device, sizeBytes: 32 * 1024 * 1024 });
  const typing = (typed: Partial<Record<SecretName, string>>): Attempt => ({ ...attempt, secret: (name) => Promise.resolve(Buffer.from({ ...keys, ...typed }[name] ?? '')), giverOf: () => ({ by: 'ann' }) });
  return { device, typing };
}

test('another recovery passphrase than the one that has its slot is asked for again, and the right one goes on', { timeout: 120_000 }, () =>
  withDirectory(async (directory) => {
    const { typing } = await createVolume(directory);
    await volumeActivities.addRecoveryKey.perform(typing({}), undefined);
    await expect(volumeActivities.addRecoveryKey.perform(typing({ recoveryPassphrase: 'another one' }), undefined)).rejects.toThrow('recoveryPassphrase was refused: slot 1 has a recovery passphrase already');
    await expect(volumeActivities.addRecoveryKey.perform(typing({}), undefined)).resolves.toEqual({ slot: 1 });
  }));

test('a mistyped passphrase is no bad header backup', { timeout: 120_000 }, () =>
  withDirectory(async (directory) => {
    const { typing } = await createVolume(directory);
    await expect(volumeActivities.backupHeader.perform(typing({ operationalPassphrase: 'mistyped' }), undefined)).rejects.toThrow('operationalPassphrase was refused: that opens no slot');
    await expect(volumeActivities.backupHeader.perform(typing({}), undefined)).resolves.toMatchObject({ slot: 0 });
  }));
