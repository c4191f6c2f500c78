import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { createSecretReader } from '../../../../src/activities/wrapper/secretReader.js';
import { createSecretVault } from '../../../../src/activities/wrapper/secretVault.js';
import { configSchema } from '../../../../src/config/schema.js';
import { SecretNeeded } from '../../../../src/contract/errors.js';
import { assertRoot, withDirectory } from '../../needsRoot.js';
import { callWith } from './harness.js';

beforeAll(() => assertRoot('a secret file belongs to root'));

function createReader(secrets: Readonly<Record<string, string>> = {}) {
  const vault = createSecretVault(60_000);
  const config = configSchema.parse({ host: 'h1', secrets });
  return { vault, reader: createSecretReader({ config, vault, call: callWith({ node: 'confirm-recovery' }) }) };
}

test('a secret that a person types is needed until it was given', async () => {
  const { vault, reader } = createReader();
  const refused = await reader.read('operationalPassphrase', 'to open the volume', { isNew: true }).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(SecretNeeded);
  expect(refused).toMatchObject({ secret: 'operationalPassphrase', reason: 'to open the volume', isNew: true });
  vault.give('operationalPassphrase', { value: Buffer.from('typed'), question: 'format-volume.secret.1', by: 'ann' });
  expect((await reader.read('operationalPassphrase', 'to open the volume')).toString()).toBe('typed');
});

test('a fresh one is one that was typed for this very node', async () => {
  const { vault, reader } = createReader();
  const fresh = () => reader.read('recoveryPassphrase', 'once more', { fresh: true });
  vault.give('recoveryPassphrase', { value: Buffer.from('typed'), question: 'confirm-recovery-later.secret.1', by: 'ann' });
  await expect(fresh()).rejects.toThrow(SecretNeeded);
  vault.give('recoveryPassphrase', { value: Buffer.from('typed'), question: 'confirm-recovery.secret.1', by: 'ann' });
  expect((await fresh()).toString()).toBe('typed');
});

test('a secret in a file is read from there, and asked of nobody', () =>
  withDirectory(async (directory) => {
    const path = join(directory, 'secret');
    await writeFile(path, 'from the file\n', { mode: 0o600 });
    const { reader } = createReader({ backupPassphrase: `file:${path}` });
    expect((await reader.read('backupPassphrase', 'to encrypt')).toString()).toBe('from the file');
  }));

const weak = 'a'.repeat(25);
const strong = 'footgear debit deskwork civil hug crafter rule zero';

test('a new one that is too weak is dropped, and another one asked for with the reason', async () => {
  const { vault, reader } = createReader();
  vault.give('operationalPassphrase', { value: Buffer.from(weak), question: 'format-volume.secret.1', by: 'ann' });
  const refused = await reader.read('operationalPassphrase', 'the NEW one', { isNew: true }).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(SecretNeeded);
  expect(refused).toMatchObject({ isNew: true, reason: expect.stringMatching(/^the passphrase is worth about 8 bits \(at least 60\).*generate one.*Still needed: the NEW one$/) as string });
  expect(String(refused)).not.toContain('aaaaa');
  expect(vault.get('operationalPassphrase')).toBeUndefined();
  vault.give('operationalPassphrase', { value: Buffer.from(strong), question: 'format-volume.secret.2', by: 'ann' });
  expect((await reader.read('operationalPassphrase', 'the NEW one', { isNew: true })).toString()).toBe(strong);
});

test('one that opens what is there already is not judged', async () => {
  const { vault, reader } = createReader();
  vault.give('operationalPassphrase', { value: Buffer.from(' x '), question: 'open.secret.1', by: 'ann' });
  expect((await reader.read('operationalPassphrase', 'to open the volume')).toString()).toBe(' x ');
});

test('a weak new one in a file parks, with what is weak', () =>
  withDirectory(async (directory) => {
    const path = join(directory, 'secret');
    await writeFile(path, `${weak}\n`, { mode: 0o600 });
    const { reader } = createReader({ operationalPassphrase: `file:${path}` });
    await expect(reader.read('operationalPassphrase', 'the NEW one', { isNew: true })).rejects.toThrow(/^.*secret does not serve as operationalPassphrase: the passphrase is worth about 8 bits/);
  }));
