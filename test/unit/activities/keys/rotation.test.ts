import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Attempt } from '../../../../src/activities/activity.js';
import { emergencyAccessActivities } from '../../../../src/activities/keys/emergencyAccess.js';
import { newKeyActivities } from '../../../../src/activities/keys/newKeys.js';
import { removeIdleTokens } from '../../../../src/activities/keys/keySlots.js';
import { oldKeyActivities } from '../../../../src/activities/keys/oldKeys.js';
import { keepProven, readProvenSlots } from '../../../../src/activities/keys/provenSlots.js';
import { rotationActivities } from '../../../../src/activities/keys/rotation.js';
import { takeUp } from '../../../../src/activities/run/adoption.js';
import { keepFact } from '../../../../src/activities/run/runFacts.js';
import { keepUnlockingSecret, unlockingSecret } from '../../../../src/activities/volume/unlockingSecret.js';
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
      expect(await oldKeyActivities.readKeys.perform(attempt, { replaced: ['operational'] })).toMatchObject({ slots: [{ slot: 0, role: 'operational' }, { slot: 1, role: 'recovery' }] });
      expect(await add(attempt)).toEqual({ role: 'operational', slot: 2 });
      expect(await newKeyActivities.confirmNewKey.perform(attempt, { role: 'operational' })).toMatchObject({ slot: 2 });
      const backup = await newKeyActivities.backupNewHeader.perform(attempt, { which: 'new-keys' });
      expect(backup.opened).toEqual([2]);
      expect(await removeOld(attempt)).toEqual({ removed: [{ slot: 0, role: 'operational' }] });
      expect(await oldKeyActivities.proveOldKeyFails.perform(attempt, { role: 'operational' })).toEqual({ opens: 'nothing' });
      const mistyped = await attemptOf('run-1', { ...presentKeys, operationalPassphrase: 'the operational passphrase of lsat year' });
      await expect(oldKeyActivities.proveOldKeyFails.perform(mistyped, { role: 'operational' })).rejects.toThrow('that opened nothing before either');
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
      await expect(oldKeyActivities.proveKeysAtEnd.perform(attempt, undefined)).rejects.toMatchObject({
        message: expect.stringContaining('more than one operational key (slots 0, 2)') as unknown,
        nextMove: expect.stringContaining('lockstep start rotateKey --emergency --keys operational') as unknown,
      });
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

  /** A planned rotation whose new key an emergency has taken away, with the old one. */
  async function overtaken(directory: string) {
    const { attemptOf } = await createVolume(directory);
    const planned = await attemptOf('planned');
    await add(planned);
    const emergency = await attemptOf('emergency', { ...presentKeys, newOperationalPassphrase: 'typed in a hurry, and long enough' });
    await add(emergency);
    await removeOld(emergency);
    return { planned, emergency };
  }

  it('finds its own key gone where another rotation came first, and says so', () =>
    withDirectory(async (directory) => {
      const { planned, emergency } = await overtaken(directory);
      await expect(newKeyActivities.confirmNewKey.perform(planned, { role: 'operational' })).rejects.toThrow('another rotation came first');
      await expect(oldKeyActivities.assertNewKeysStand.perform(planned, { replaced: ['operational'] })).rejects.toThrow('another rotation came first');
      expect(await newKeyActivities.removeNewKey.perform(planned, { role: 'operational' })).toEqual({ removed: [] });
      expect((await oldKeyActivities.assertKeys.perform(emergency, undefined)).slots.map(({ role }) => role).sort()).toEqual(['operational', 'recovery']);
    }));

  it('overtaken after its old key was removed, keeps the header backup of the one that came first, and says in its documents whose keys count', () =>
    withDirectory(async (directory) => {
      const { device, attemptOf } = await createVolume(directory);
      const planned = await attemptOf('planned');
      await add(planned);
      await newKeyActivities.backupNewHeader.perform(planned, { which: 'new-keys' });
      await removeOld(planned);
      const emergency = await attemptOf('emergency', { ...presentKeys, operationalPassphrase: next.operational, newOperationalPassphrase: 'typed in a hurry, and long enough' });
      await add(emergency);
      await newKeyActivities.backupNewHeader.perform(emergency, { which: 'new-keys' });
      await removeOld(emergency);
      const { kept } = await oldKeyActivities.retireHeaderBackups.perform(emergency, { which: 'old-removed' });

      await expect(removeOld(planned)).rejects.toMatchObject({ nextMove: expect.stringContaining('skip this step') as unknown });
      const audited: unknown[] = [];
      const { file } = await rotationActivities.documentRotation.perform(
        { ...planned, audit: (event, details) => Promise.resolve(void audited.push([event, details])) },
        { keys: 'operational', reason: 'annual', emergency: false },
      );
      expect(audited).toEqual([['KEY_ROTATION', { reason: 'annual', keys: 'operational', overtakenBy: 'h1/rotateKey' }]]);
      expect(await readFile(file, 'utf8')).toContain('h1/rotateKey came first. Use what was stored in that one');
      const { kept: own, files } = await oldKeyActivities.retireHeaderBackups.perform(planned, { which: 'old-removed' });
      expect(files).toEqual([]);
      expect((await cryptsetup.testHeaderBackup({ device, file: kept, passphrase: 'typed in a hurry, and long enough' })).matches).toBe(true);
      // And at the end of a migration that was overtaken.
      expect(await oldKeyActivities.proveKeysAtEnd.perform(await attemptOf('migration'), undefined)).toMatchObject({ headerBackup: expect.toBeOneOf([kept, own]) as unknown });
    }));

  it('overtaken before its old key was removed, is told so before a header backup, and before users go offline', () =>
    withDirectory(async (directory) => {
      const { planned } = await overtaken(directory);
      await expect(newKeyActivities.backupNewHeader.perform(planned, { which: 'new-keys' })).rejects.toThrow('another rotation came first');
      await expect(rotationActivities.closeForTest.perform(planned, undefined)).rejects.toThrow('another rotation came first');
    }));

  it('gone on with in another run takes the keys of the lost one for its own', () =>
    withDirectory(async (directory) => {
      const { device, attemptOf } = await createVolume(directory);
      const lost = await attemptOf('lost');
      await add(lost);
      const heir = await attemptOf('heir');
      const settings = { filesystemCopy: false, testAccount: false, firstHourSeconds: 1, daySeconds: 1 };
      const identity = { node: 'open-run', title: '', plan: '', opening: 1, phase: 'do', undoable: false } as const;
      const opened = { kind: 'opened', at: '2026-11-01T20:00:00Z', call: identity, nodes: [], settings, bootId: 'b', configDigest: 'd', lockstepVersion: '1' } as const;
      await takeUp(heir, 'rotateKey', { name: 'rotateKey-lost', directory: lost.directory, entries: [opened], opened }, true);
      expect(await newKeyActivities.confirmNewKey.perform(heir, { role: 'operational' })).toMatchObject({ slot: 2 });
      expect(await add(heir)).toEqual({ role: 'operational', slot: 2 });
      expect(await removeOld(heir)).toEqual({ removed: [{ slot: 0, role: 'operational' }] });
      expect(await slotsOf(device)).toEqual([1, 2]);
    }));

  it('gone back from takes away its header backup as well, with which the passphrase that was given up would open', () =>
    withDirectory(async (directory) => {
      const { attemptOf } = await createVolume(directory);
      const attempt = await attemptOf('run-1');
      await add(attempt);
      await newKeyActivities.backupNewHeader.perform(attempt, { which: 'new-keys' });
      await newKeyActivities.removeNewKey.perform(attempt, { role: 'operational' });
      expect((await readdir(attempt.directory)).filter((name) => name.includes('header'))).toEqual([]);
    }));

  it('takes a mistyped passphrase for what it is, and not for a bad header backup', () =>
    withDirectory(async (directory) => {
      const { attemptOf } = await createVolume(directory);
      await add(await attemptOf('run-1'));
      const mistyped = await attemptOf('run-1', { ...presentKeys, newOperationalPassphrase: 'the operational passphrase of thsi year' });
      await expect(newKeyActivities.backupNewHeader.perform(mistyped, { which: 'new-keys' })).rejects.toThrow('newOperationalPassphrase was refused: that does not open slot 2');
      expect((await newKeyActivities.backupNewHeader.perform(await attemptOf('run-1'), { which: 'new-keys' })).opened).toEqual([2]);
    }));

  it('before the old key goes asks for one that stays and that nobody has proven, as in an emergency', () =>
    withDirectory(async (directory) => {
      const { attemptOf } = await createVolume(directory);
      const attempt = await attemptOf('run-1');
      await add(attempt);
      await rm(join(directory, 'state', 'proven-slots.json'));
      await keepProven(attempt, 2);
      await expect(oldKeyActivities.assertNewKeysStand.perform({ ...attempt, secret: (name) => Promise.reject(new Error(`${name} is asked for`)) }, { replaced: ['operational'] })).rejects.toThrow('recoveryPassphrase is asked for');
      await oldKeyActivities.assertNewKeysStand.perform(attempt, { replaced: ['operational'] });
      expect(await removeOld(attempt)).toEqual({ removed: [{ slot: 0, role: 'operational' }] });
    }));

  it('asks once more for a key whose slot has changed at the end, and tells of one that costs too little', () =>
    withDirectory(async (directory) => {
      const { device, attemptOf } = await createVolume(directory);
      const attempt = await attemptOf('run-1');
      await add(attempt);
      await removeOld(attempt);
      await cryptsetup.addKey({ device, existing: next.operational, added: 'for a moment only', slot: 5, argon2id });
      await keepProven(attempt, 5);
      await cryptsetup.killSlot({ device, slot: 1, provenSlots: [2, 5] });
      await cryptsetup.addKey({ device, existing: next.operational, added: old.recovery, slot: 1, argon2id });
      await cryptsetup.addRoleToken({ device, slot: 1, role: 'recovery', runName: 'by hand' });
      await cryptsetup.killSlot({ device, slot: 5, provenSlots: [1, 2] });
      await removeIdleTokens(attempt);
      expect((await readProvenSlots(attempt)).map(({ slot }) => slot)).toEqual([2]);
      const config = { ...attempt.config, volume: { ...attempt.config.volume, argon2id: { ...attempt.config.volume.argon2id, minimumMemoryKiB: 64 } } };
      const { slots, weak } = await oldKeyActivities.assertKeys.perform({ ...attempt, config }, undefined);
      expect(slots.map(({ slot }) => slot)).toEqual([1, 2]);
      expect(weak?.map(({ slot }) => slot)).toEqual([1, 2]);
      expect((await readProvenSlots(attempt)).map(({ slot }) => slot)).toEqual([2, 1]);
    }));

  it('adds no key that costs less than lockstep.yaml wants, while there is a way back', () =>
    withDirectory(async (directory) => {
      const { attemptOf } = await createVolume(directory);
      const attempt = await attemptOf('run-1');
      const config = { ...attempt.config, volume: { ...attempt.config.volume, argon2id: { ...attempt.config.volume.argon2id, memoryKiB: 64, minimumMemoryKiB: 64 } } };
      const { system } = attempt.tools;
      // As cryptsetup does by itself where a derivation would take too long.
      const lowering = { ...cryptsetup, addKey: (key: Parameters<typeof cryptsetup.addKey>[0]) => cryptsetup.addKey({ ...key, argon2id }) };
      await expect(add({ ...attempt, config, tools: { cryptsetup: lowering, system } as unknown as Attempt['tools'] })).rejects.toThrow('derives its key with 32 KiB');
    }));

  it('removes a key that somebody added by hand with a weak derivation, and is not refused for it', () =>
    withDirectory(async (directory) => {
      const { device, attemptOf } = await createVolume(directory);
      const [present, added] = [join(directory, 'present'), join(directory, 'added')];
      await writeFile(present, old.operational);
      await writeFile(added, 'one of their own');
      execFileSync('cryptsetup', ['luksAddKey', '--batch-mode', '--pbkdf', 'pbkdf2', '--pbkdf-force-iterations', '1000', '--key-file', present, device, added]);
      const attempt = await attemptOf('run-1');
      expect((await oldKeyActivities.readKeys.perform(attempt, { replaced: ['operational'] })).slots).toContainEqual(expect.objectContaining({ slot: 2, role: null, kdf: 'pbkdf2' }));
      expect(await add(attempt)).toEqual({ role: 'operational', slot: 3 });
      await newKeyActivities.confirmNewKey.perform(attempt, { role: 'operational' });
      expect((await removeOld(attempt)).removed).toEqual([{ slot: 0, role: 'operational' }, { slot: 2, role: 'none' }]);
      expect(await slotsOf(device)).toEqual([1, 3]);
    }));

  it('is refused before anything is added where a role that stays has several keys', () =>
    withDirectory(async (directory) => {
      const { attemptOf } = await createVolume(directory);
      await add(await attemptOf('run-1'), 'recovery');
      const attempt = await attemptOf('run-2');
      await expect(oldKeyActivities.readKeys.perform(attempt, { replaced: ['operational'] })).rejects.toThrow('has 2 recovery keys (slot 1 of h1/migrate run-0, slot 2 of h1/rotateKey run-1)');
      await expect(oldKeyActivities.readKeys.perform(attempt, { replaced: ['operational', 'recovery'] })).resolves.toBeDefined();
    }));

  it('writes no new volume key by a mistyped passphrase, nor beside a slot that is none of this rotation\'s', () =>
    withDirectory(async (directory) => {
      const { device, attemptOf } = await createVolume(directory);
      const attempt = await attemptOf('run-1');
      await add(attempt);
      await add(attempt, 'recovery');
      await expect(rotationActivities.reencryptVolume.perform(attempt, undefined)).rejects.toThrow('slot 0 of');
      await removeOld(attempt, ['operational', 'recovery']);
      const mistyped = await attemptOf('run-1', { ...presentKeys, newRecoveryPassphrase: 'the recovery passphrase of thsi year' });
      const before = await cryptsetup.readHeader({ device });
      await expect(rotationActivities.reencryptVolume.perform(mistyped, undefined)).rejects.toThrow('newRecoveryPassphrase was refused: that does not open slot 3');
      expect(await cryptsetup.readHeader({ device })).toEqual(before);
    }));

  it('brings the service back with the key of before: the new one may be why nobody goes on', () =>
    withDirectory(async (directory) => {
      const attempt = await (await createVolume(directory)).attemptOf('run-1');
      await keepUnlockingSecret(attempt, 'newOperationalPassphrase');
      const closed = { ...attempt, tools: { ...attempt.tools, cryptsetup: { ...cryptsetup, status: () => Promise.reject(new Error('it is closed')) } } };
      await expect(rotationActivities.bringServiceBack.perform(closed, undefined)).rejects.toThrow('it is closed');
      expect((await unlockingSecret(attempt)).secret).toBe('operationalPassphrase');
    }));

  it('asks for a key that stays only where nobody has proven it, or its slot has changed', () =>
    withDirectory(async (directory) => {
      const { attemptOf } = await createVolume(directory);
      const nobodyTypes = await attemptOf('run-1', {});
      expect(await oldKeyActivities.proveKey.perform(nobodyTypes, { role: 'recovery' })).toMatchObject({ slot: 1 });
    }));

  it.each([
    ['opens no slot', 'nobody knows this one', 'that opens no slot (1 wrong in a row; the next one is tried 1 s later): the operational passphrase, from the password manager'],
    ['is the recovery one', old.recovery, 'that opens slot 1, which is the recovery one: the operational passphrase'],
  ])('adds nothing by a passphrase that %s', (_, typed, words) =>
    withDirectory(async (directory) => {
      const { device, attemptOf } = await createVolume(directory);
      await expect(add(await attemptOf('run-1', { ...presentKeys, operationalPassphrase: typed }))).rejects.toThrow(words);
      expect(await slotsOf(device)).toEqual([0, 1]);
    }));

  it('counts passphrases that open nothing, whichever run asks, lets the next one wait for longer, and tells people', () =>
    withDirectory(async (directory) => {
      const { attemptOf } = await createVolume(directory);
      const told: string[] = [];
      const alert: Attempt['alert'] = ({ subject }) => Promise.resolve(void told.push(subject));
      const typed = async (runId: string, operationalPassphrase: string) => ({ ...(await attemptOf(runId, { ...presentKeys, operationalPassphrase })), alert });
      await expect(add(await typed('run-1', 'nobody knows this one'))).rejects.toThrow('1 wrong in a row; the next one is tried 1 s later');
      await expect(add(await typed('run-2', 'nor this one'))).rejects.toThrow('2 wrong in a row; the next one is tried 2 s later');
      expect(told).toEqual([expect.stringContaining('wrong passphrase for'), expect.stringContaining('wrong passphrase for')]);
      await add(await attemptOf('run-1'));
      await expect(add(await typed('run-2', 'nobody knows this one'))).rejects.toThrow('1 wrong in a row');
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

  it('leaves no header backup of before on this host', () =>
    withDirectory(async (directory) => {
      const { device, attemptOf } = await createVolume(directory);
      const earlier = await attemptOf('run-0');
      await cryptsetup.headerBackup({ device, file: join(earlier.directory, 'luks-header.img') });
      const attempt = await attemptOf('run-1');
      await add(attempt);
      const { file: before } = await newKeyActivities.backupNewHeader.perform(attempt, { which: 'new-keys' });
      // What a killed cryptsetup leaves is a backup as well.
      await writeFile(join(earlier.directory, 'luks-header-x.img.partial'), 'cut off');
      await removeOld(attempt);
      const retired = await oldKeyActivities.retireHeaderBackups.perform(attempt, { which: 'old-removed' });
      expect(retired.files.toSorted()).toEqual([join(earlier.directory, 'luks-header-x.img.partial'), join(earlier.directory, 'luks-header.img'), before].toSorted());
      const left = await Promise.all([earlier, attempt].map(({ directory: runs }) => readdir(runs)));
      expect(left.flat().filter((name) => name.includes('.img'))).toEqual(['luks-header-old-removed.img']);
      expect(await cryptsetup.testHeaderBackup({ device, file: retired.kept, passphrase: old.operational })).toEqual({ matches: false });
      expect(await cryptsetup.testHeaderBackup({ device, file: retired.kept, passphrase: next.operational })).toEqual({ matches: true, slot: 2 });
      expect(await oldKeyActivities.retireHeaderBackups.perform(attempt, { which: 'old-removed' })).toEqual(retired);
    }));

  it('takes the header backup anew where slots have changed since, or another rotation has retired it', () =>
    withDirectory(async (directory) => {
      const { device, attemptOf } = await createVolume(directory);
      const attempt = await attemptOf('run-1');
      await add(attempt);
      const early = await oldKeyActivities.retireHeaderBackups.perform(attempt, { which: 'old-removed' });
      await removeOld(attempt);
      const { kept } = await oldKeyActivities.retireHeaderBackups.perform(attempt, { which: 'old-removed' });
      expect(kept).toBe(early.kept);
      expect(await cryptsetup.testHeaderBackup({ device, file: kept, passphrase: old.operational })).toEqual({ matches: false });
      await rm(kept);
      expect((await newKeyActivities.backupNewHeader.perform(attempt, { which: 'old-removed' })).opened).toEqual([2]);
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
      const { file, distinctness } = await emergencyAccessActivities.documentEmergencyAccess.perform(attempt, undefined);
      expect(distinctness).toContain(words);
      const report = await readFile(file, 'utf8');
      expect(report).toContain(words);
      expect(report).toContain('the password manager is gone');
      expect(report).toContain('the recovery passphrase was not used');
      const ended = { kind: 'ended', at: '2026-11-01T20:10:00Z', attempt: 1, result: 'done', seconds: 1, title: '', plan: '', opening: 1, phase: 'do', undoable: false } as const;
      const told = async (node: string) => {
        await attempt.journal({ ...ended, node });
        await emergencyAccessActivities.documentEmergencyAccess.perform(attempt, undefined);
        return readFile(file, 'utf8');
      };
      expect(await told('unlock-with-recovery')).toContain('NO new keys took the place of the old ones');
      expect(await told('verify-slots')).toContain('took their places, each proven');
    }));
});
