import { execFile } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createCryptsetup } from '../../../src/host/luks/cryptsetup.js';
import { createRun } from '../../../src/host/processes/runner.js';
import { readPage, stepsOf } from '../../pages.js';
import { assertRoot, withDirectory } from '../needsRoot.js';

const execute = promisify(execFile);
const cryptsetup = createCryptsetup({ run: createRun() });
const argon2id = { memoryKiB: 32768, parallel: 1, iterationMilliseconds: 10 };
const keys = { operational: 'of the test, operational', recovery: 'of the test, recovery', next: 'of the test, the next one' };

/** Made once, and copied: what costs time is making it. */
const prepared = join(mkdtempSync(join(tmpdir(), 'lockstep-')), 'volume.img');

beforeAll(async () => {
  assertRoot('cryptsetup is asked to try passphrases');
  await writeFile(prepared, Buffer.alloc(17 * 1024 * 1024));
  await cryptsetup.format({ device: prepared, passphrase: keys.operational, label: 'test', argon2id });
  await cryptsetup.addKey({ device: prepared, existing: keys.operational, added: keys.recovery, slot: 1, argon2id });
  await cryptsetup.addRoleToken({ device: prepared, slot: 1, role: 'recovery', runName: 'test/migrate 1' });
});
afterAll(() => rm(dirname(prepared), { recursive: true }));

/** A volume as small as can be, with what lies beside it. */
interface Volume {
  readonly device: string;
  readonly directory: string;
  readonly type: (step: string, variables?: Readonly<Record<string, string>>) => Promise<string>;
}

/** A header with two slots of which one has its role, in a file; nothing is opened. */
async function withVolume(use: (volume: Volume) => Promise<void>): Promise<void> {
  const steps = stepsOf(await readPage('key-management.md'));
  await withDirectory(async (directory) => {
    const device = join(directory, 'volume.img');
    await copyFile(prepared, device);
    await mkdir(join(directory, 'kept'));

    async function type(step: string, variables: Readonly<Record<string, string>> = {}): Promise<string> {
      const values = { OPERATIONAL: keys.operational, RECOVERY: keys.recovery, VOLUME_FILE: device, AUDIT_LOG: join(directory, 'audit.log'), ...variables };
      const own = [...Object.entries(values).map(([name, value]) => `${name}='${value}'`), `PLACES=('${join(directory, 'kept')}')`];
      const script = [steps.get('key-1') ?? '', ...own, steps.get(step) ?? 'exit 99'].join('\n');
      const { stdout } = await execute('bash', ['-c', script]);
      return stdout;
    }
    await use({ device, directory, type });
  });
}

describe('what docs/key-management.md has people type on a header', () => {
  test('gives a slot its role again, as Lockstep reads it, and shows two keys that open their own slots alone', () =>
    withVolume(async ({ device, type }) => {
      await expect(type('key-5')).rejects.toThrow();
      await expect(type('key-7', { OPERATIONAL: 'another one' })).rejects.toThrow();
      expect(await type('key-7')).toMatch(/^0\n1\n$/m);
      expect(await cryptsetup.readRoles({ device })).toEqual([
        expect.objectContaining({ role: 'recovery', slots: [1] }),
        expect.objectContaining({ role: 'operational', slots: [0], run: 'by hand' }),
      ]);
      await type('key-7');
      expect(await cryptsetup.readRoles({ device })).toHaveLength(2);
      expect(await type('key-5')).toContain('slot 0: operational, set by by hand');
      await expect(type('key-5', { OPERATIONAL: keys.recovery })).rejects.toThrow();
    }));

  test('refuses a third slot', () =>
    withVolume(async ({ device, type }) => {
      await type('key-7');
      await cryptsetup.addKey({ device, existing: keys.operational, added: keys.next, slot: 2, argon2id });
      await expect(type('key-5')).rejects.toThrow();
    }));

  test('shows whether a rotation did what it says', () =>
    withVolume(async ({ device, directory, type }) => {
      const typed = { OLD_OPERATIONAL: keys.operational, NEW_OPERATIONAL: keys.next };
      await writeFile(join(directory, 'audit.log'), '[2024-03-01T14:00:00Z] KEY_ROTATION by admin reason=annual\n');
      await cryptsetup.addKey({ device, existing: keys.operational, added: keys.next, slot: 2, argon2id });
      await cryptsetup.addRoleToken({ device, slot: 2, role: 'operational', runName: 'test/rotateKey 1' });
      await expect(type('key-9', typed)).rejects.toThrow();
      await cryptsetup.killSlot({ device, slot: 0, provenSlots: [1, 2] });
      expect(await type('key-9', typed)).toContain('KEY_ROTATION by admin');
      await expect(type('key-9', { ...typed, NEW_OPERATIONAL: keys.recovery })).rejects.toThrow();
    }));

  test('finds header backups of this volume, and tells the old ones', () =>
    withVolume(async ({ device, directory, type }) => {
      const kept = join(directory, 'kept');
      const typed = { NEW_OPERATIONAL: keys.next };
      await expect(type('key-10', typed)).rejects.toThrow();
      const other = join(kept, 'of another volume.img');
      await copyFile(device, other);
      await execute('cryptsetup', ['luksUUID', '--batch-mode', '--uuid', '11111111-2222-3333-4444-555555555555', other]);
      await cryptsetup.headerBackup({ device, file: join(kept, 'before.img') });
      await cryptsetup.addKey({ device, existing: keys.operational, added: keys.next, slot: 2, argon2id });
      await cryptsetup.headerBackup({ device, file: join(kept, 'after.img') });
      await expect(type('key-10', typed)).rejects.toMatchObject({ stdout: expect.stringContaining(`OLD: ${join(kept, 'before.img')}`) as unknown });
      await rm(join(kept, 'before.img'));
      expect(await type('key-10', typed)).toBe(`of now: ${join(kept, 'after.img')}\n`);
      // Both passphrases open that one, and the old one alone no slot of the volume any more.
      await cryptsetup.killSlot({ device, slot: 0, provenSlots: [1, 2] });
      await expect(type('key-10', typed)).rejects.toMatchObject({ stdout: expect.stringContaining(`OLD: ${join(kept, 'after.img')}`) as unknown });
    }));
});

test('the quarter is what the log has of three months, in the order of time, rotated files included', () =>
  withVolume(async ({ directory, type }) => {
    const ago = (days: number): string => new Date(Date.now() - days * 86_400_000).toISOString().replace(/\.\d+Z$/, 'Z');
    const line = (days: number, words: string): string => `[${ago(days)}] ${words}\n`;
    const log = join(directory, 'audit.log');
    await writeFile(log, line(1, 'VOLUME_UNLOCK by ann from 192.0.2.7') + line(1, 'KEY_ADD_BEGIN by ann'));
    await writeFile(`${log}.1`, line(50, 'VOLUME_UNLOCK_FAILED by ben') + line(40, 'KEY_ROTATION by ann'));
    await writeFile(`${log}.2`, line(200, 'VOLUME_UNLOCK by zoe') + line(60, 'VOLUME_UNLOCK by ben'));
    await execute('gzip', [`${log}.2`]);
    const words = (await type('key-11')).split('\n').map((each) => each.replace(/^\S+ /, ''));
    expect(words).toEqual(['VOLUME_UNLOCK by ben', 'VOLUME_UNLOCK by ann from 192.0.2.7', 'VOLUME_UNLOCK_FAILED by ben', 'KEY_ROTATION by ann', 'emergency access', '']);
  }));
