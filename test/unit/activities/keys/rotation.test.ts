import { mkdir, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Attempt } from '../../../../src/activities/activity.js';
import { emergencyAccessActivities } from '../../../../src/activities/keys/emergencyAccess.js';
import { newKeyActivities } from '../../../../src/activities/keys/newKeys.js';
import { oldKeyActivities } from '../../../../src/activities/keys/oldKeys.js';
import { keepProven, readProvenSlots } from '../../../../src/activities/keys/provenSlots.js';
import { keepFact } from '../../../../src/activities/run/runFacts.js';
import type { SecretName } from '../../../../src/config/schema.js';
import { createCryptsetup } from '../../../../src/host/luks/cryptsetup.js';
import { createRun, type Run } from '../../../../src/host/processes/runner.js';
import { withDirectory } from '../../needsRoot.js';
import { createAttempt } from '../attempt.js';

const argon2id = { memoryKiB: 32, parallel: 1, iterationMilliseconds: 100 };
const old = { operational: 'the operational passphrase of last year', recovery: 'the recovery passphrase of last year' };
const next = { operational: 'the operational passphrase of this year', recovery: 'the recovery passphrase of this year' };
const presentKeys: Partial<Record<SecretName, string>> = {
  operationalPassphrase: old.operational,
  recoveryPassphrase: old.recovery,
  newOperationalPassphrase: next.operational,
  newRecoveryPassphrase: next.recovery,
  backupPassphrase: 'that of the backups',
};

/** Spares cryptsetup the seconds in which it measures the machine. */
const run: Run = (file, args, options) => {
  const at = args.indexOf('--iter-time');
  return createRun()(file, at < 0 ? args : [...args.slice(0, at), '--pbkdf-force-iterations', '4', ...args.slice(at + 2)], options);
};
const cryptsetup = createCryptsetup({ run });

/** A volume as a migration leaves it: both keys in their slots, each proven. */
async function createVolume(directory: string) {
  const device = join(directory, 'volume.img');
  await writeFile(device, '');
  await truncate(device, 32 * 1024 * 1024);
  await cryptsetup.format({ device, passphrase: old.operational, label: 'practice', argon2id });
  await cryptsetup.addKey({ device, existing: old.operational, added: old.recovery, slot: 1, argon2id });
  await cryptsetup.addRoleToken({ device, slot: 0, role: 'operational', runName: 'h1/migrate run-0' });
  await cryptsetup.addRoleToken({ device, slot: 1, role: 'recovery', runName: 'h1/migrate run-0' });
  const attemptOf = async (runId: string, secrets = presentKeys): Promise<Attempt> => {
    const runs = join(directory, 'state', 'runs', `rotateKey-${runId}`);
    await mkdir(runs, { recursive: true });
    const attempt = createAttempt({
      directory: runs,
      config: { stateDirectory: join(directory, 'state'), volume: { file: device, argon2id: { memoryKiB: 32, minimumMemoryKiB: 32, parallel: 1, iterationMilliseconds: 100 } } },
      tools: {
        cryptsetup,
        system: { readMemory: () => Promise.resolve({ availableBytes: 2 ** 30 }), readProcessor: () => Promise.resolve({ cpus: 2 }) },
      },
    });
    return { ...attempt, call: { ...attempt.call, workflowId: 'h1/rotateKey', runId }, secret: (name) => Promise.resolve(Buffer.from(secrets[name] ?? '')), giverOf: () => ({ by: 'ann' }) };
  };
  const first = await attemptOf('run-0');
  for (const slot of [0, 1]) await keepProven(first, slot);
  return { device, attemptOf };
}

const add = (attempt: Attempt, role: 'operational' | 'recovery' = 'operational') => newKeyActivities.addNewKey.perform(attempt, { role, by: 'operational' });
const removeOld = (attempt: Attempt, replaced: readonly ('operational' | 'recovery')[] = ['operational']) => oldKeyActivities.removeOldKeys.perform(attempt, { replaced });
const slotsOf = async (device: string) => (await cryptsetup.readHeader({ device })).slots.map(({ slot }) => slot);

describe('a rotation of keys', { timeout: 240_000 }, () => {
  it('ends with the new key beside the one that stays, and the old passphrase opens nothing', () =>
    withDirectory(async (directory) => {
      const { device, attemptOf } = await createVolume(directory);
      const attempt = await attemptOf('run-1');
      expect(await oldKeyActivities.readKeys.perform(attempt, undefined)).toMatchObject({ slots: [{ slot: 0, role: 'operational' }, { slot: 1, role: 'recovery' }] });
      expect(await add(attempt)).toEqual({ role: 'operational', slot: 2 });
      expect(await newKeyActivities.confirmNewKey.perform(attempt, { role: 'operational' })).toMatchObject({ slot: 2 });
      const backup = await newKeyActivities.backupNewHeader.perform(attempt, { which: 'new-keys' });
      expect(backup.opened).toEqual([2]);
      expect(await removeOld(attempt)).toEqual({ removed: [{ slot: 0, role: 'operational' }] });
      expect(await oldKeyActivities.proveOldKeyFails.perform(attempt, { role: 'operational' })).toEqual({ opens: 'nothing' });
      expect((await oldKeyActivities.assertKeys.perform(attempt, undefined)).slots).toEqual([{ slot: 1, role: 'recovery' }, { slot: 2, role: 'operational' }]);
      expect((await cryptsetup.readHeader({ device })).tokens).toHaveLength(2);
    }));

  it('done twice is done once: each step finds what it did', () =>
    withDirectory(async (directory) => {
      const { device, attemptOf } = await createVolume(directory);
      const attempt = await attemptOf('run-1');
      await add(attempt);
      expect(await add(attempt)).toEqual({ role: 'operational', slot: 2 });
      await removeOld(attempt);
      expect(await removeOld(attempt)).toEqual({ removed: [{ slot: 0, role: 'operational' }] });
      expect(await slotsOf(device)).toEqual([1, 2]);
    }));

  it('knows a slot that it filled and had no time to name, and does not keep one that nobody can open', () =>
    withDirectory(async (directory) => {
      const { device, attemptOf } = await createVolume(directory);
      const attempt = await attemptOf('run-1');
      const fill = async (passphrase: string) => {
        await keepFact(attempt, 'adding-operational', { slot: 2 });
        await cryptsetup.addKey({ device, existing: old.operational, added: passphrase, slot: 2, argon2id });
      };
      await fill('typed by a person who is gone');
      expect(await add(attempt)).toEqual({ role: 'operational', slot: 2 });
      expect(await cryptsetup.testPassphrase({ device, passphrase: next.operational, slot: 2 })).toEqual({ matches: true, slot: 2 });
      await newKeyActivities.removeNewKey.perform(attempt, { role: 'operational' });
      await fill(next.operational);
      expect(await add(attempt)).toEqual({ role: 'operational', slot: 2 });
      expect(await slotsOf(device)).toEqual([0, 1, 2]);
    }));

  it('goes back to the two slots of before, and touches nobody else\'s', () =>
    withDirectory(async (directory) => {
      const { device, attemptOf } = await createVolume(directory);
      const attempt = await attemptOf('run-1');
      await add(attempt);
      await add(await attemptOf('run-2', { ...presentKeys, newOperationalPassphrase: 'that of another rotation' }));
      await newKeyActivities.removeNewKey.perform(attempt, { role: 'operational' });
      expect(await slotsOf(device)).toEqual([0, 1, 3]);
    }));

  it('removes no slot while fewer than two others are proven', () =>
    withDirectory(async (directory) => {
      const { device, attemptOf } = await createVolume(directory);
      const attempt = await attemptOf('run-1');
      await add(attempt);
      // Somebody has put another recovery key into the same slot: what was proven of it says nothing of this one.
      await cryptsetup.killSlot({ device, slot: 1, provenSlots: [0, 2] });
      await cryptsetup.addKey({ device, existing: old.operational, added: 'nobody wrote this down', slot: 1, argon2id });
      expect((await readProvenSlots(attempt)).map(({ slot }) => slot)).toEqual([0, 2]);
      await expect(removeOld(attempt)).rejects.toThrow('removing slot 0');
      expect(await slotsOf(device)).toEqual([0, 1, 2]);
    }));

  it('finds its own key gone where another rotation came first, and says so', () =>
    withDirectory(async (directory) => {
      const { attemptOf } = await createVolume(directory);
      const planned = await attemptOf('planned');
      await add(planned);
      const emergency = await attemptOf('emergency', { ...presentKeys, newOperationalPassphrase: 'typed in a hurry, and long enough' });
      await add(emergency);
      await removeOld(emergency);
      await expect(newKeyActivities.confirmNewKey.perform(planned, { role: 'operational' })).rejects.toThrow('another rotation came first');
      await expect(oldKeyActivities.assertNewKeysStand.perform(planned, { replaced: ['operational'] })).rejects.toThrow('another rotation came first');
      expect(await newKeyActivities.removeNewKey.perform(planned, { role: 'operational' })).toEqual({ removed: [] });
      expect((await oldKeyActivities.assertKeys.perform(emergency, undefined)).slots.map(({ role }) => role).sort()).toEqual(['operational', 'recovery']);
    }));

  it('asks for a key that stays only where nobody has proven it, or its slot has changed', () =>
    withDirectory(async (directory) => {
      const { attemptOf } = await createVolume(directory);
      const nobodyTypes = await attemptOf('run-1', {});
      expect(await oldKeyActivities.proveKey.perform(nobodyTypes, { role: 'recovery' })).toMatchObject({ slot: 1 });
    }));

  it.each([
    ['opens no slot', 'nobody knows this one', 'that opens no slot: the operational passphrase, from the password manager'],
    ['is the recovery one', old.recovery, 'that opens slot 1, which is the recovery one: the operational passphrase'],
  ])('adds nothing by a passphrase that %s', (_, typed, words) =>
    withDirectory(async (directory) => {
      const { device, attemptOf } = await createVolume(directory);
      await expect(add(await attemptOf('run-1', { ...presentKeys, operationalPassphrase: typed }))).rejects.toThrow(words);
      expect(await slotsOf(device)).toEqual([0, 1]);
    }));

  it.each([
    ['opens a slot already', old.recovery, 'that passphrase opens slot 1 already'],
    ['is that of the backups', 'that of the backups', 'that is the passphrase of the backups'],
  ])('takes no new passphrase that %s', (_, typed, words) =>
    withDirectory(async (directory) => {
      const { device, attemptOf } = await createVolume(directory);
      await expect(add(await attemptOf('run-1', { ...presentKeys, newOperationalPassphrase: typed }))).rejects.toThrow(words);
      expect(await slotsOf(device)).toEqual([0, 1]);
    }));

  it('leaves no header backup on this host that an old passphrase opens, its own of before the removal among them', () =>
    withDirectory(async (directory) => {
      const { device, attemptOf } = await createVolume(directory);
      const earlier = await attemptOf('run-0');
      await cryptsetup.headerBackup({ device, file: join(earlier.directory, 'luks-header.img') });
      const attempt = await attemptOf('run-1');
      await add(attempt);
      const { file: own } = await newKeyActivities.backupNewHeader.perform(attempt, { which: 'new-keys' });
      await removeOld(attempt);
      const retire = () => oldKeyActivities.retireHeaderBackups.perform(attempt, { which: 'two-keys' });
      const retired = await retire();
      expect(retired.files.toSorted()).toEqual([join(earlier.directory, 'luks-header.img'), own].toSorted());
      const opens = (passphrase: string) => cryptsetup.testHeaderBackup({ device, file: retired.kept, passphrase });
      expect([await opens(old.operational), await opens(old.recovery), await opens(next.operational)]).toEqual([{ matches: false }, { matches: true, slot: 1 }, { matches: true, slot: 2 }]);
      const left = async () => (await Promise.all([earlier, attempt].map(({ directory: each }) => readdir(each)))).flat().filter((name) => name.endsWith('.img'));
      expect(await left()).toEqual(['luks-header-two-keys.img']);
      expect(await retire()).toEqual(retired);
      // An emergency that came first has changed the header since.
      await cryptsetup.addKey({ device, existing: next.operational, added: 'typed in a hurry', slot: 5, argon2id });
      expect((await retire()).kept).toBe(retired.kept);
      expect(await opens('typed in a hurry')).toEqual({ matches: true, slot: 5 });
    }));

  it('leaves no header backup with a key that was withdrawn', () =>
    withDirectory(async (directory) => {
      const { attemptOf } = await createVolume(directory);
      const attempt = await attemptOf('run-1');
      await add(attempt);
      await newKeyActivities.backupNewHeader.perform(attempt, { which: 'new-keys' });
      for (let times = 0; times < 2; times += 1) await newKeyActivities.removeNewKey.perform(attempt, { role: 'operational' });
      expect((await readdir(attempt.directory)).filter((name) => name.startsWith('luks-header') || name.startsWith('header-backup'))).toEqual([]);
    }));
});

describe('the report of an emergency access', () => {
  it.each([
    ['distinct by their login users', 'ann@db1', 'ben@db1', 'They are distinct by their login users.'],
    ['one person under two names', 'ann@db1', 'ann@db1', 'Distinctness not shown'],
    ['not known to the kernel', undefined, undefined, 'Distinctness not shown'],
  ])('says whether the witnesses are %s', (_, one, other, words) =>
    withDirectory(async (directory) => {
      const attempt = createAttempt({ directory });
      const decision = (question: string, by: string, reason: string, login?: string) => ({ kind: 'decision', at: '2026-11-01T20:00:00Z', question, answer: 'go', by, reason, outcome: 'counted', ...(login === undefined ? {} : { login }) }) as const;
      await attempt.journal(decision('reason', 'ann', 'the password manager is gone'), decision('witnesses', 'ann', 'ID checked by ben', one), decision('witnesses', 'ben', 'ID checked by ann', other));
      const { file } = await emergencyAccessActivities.documentEmergencyAccess.perform(attempt, undefined);
      const report = await readFile(file, 'utf8');
      expect(report).toContain(words);
      expect(report).toContain('the password manager is gone');
    }));
});
