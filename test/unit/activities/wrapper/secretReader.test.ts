import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import type { z } from 'zod';
import { createSecretReader } from '../../../../src/activities/wrapper/secretReader.js';
import { createSecretVault } from '../../../../src/activities/wrapper/secretVault.js';
import { createRun } from '../../../../src/host/processes/runner.js';
import { configSchema } from '../../../../src/config/schema.js';
import { PermanentFailure, SecretNeeded } from '../../../../src/contract/errors.js';
import { assertRoot, withDirectory } from '../../needsRoot.js';
import { callWith } from './harness.js';

beforeAll(() => assertRoot('a secret file belongs to root'));

function createReader(secrets: z.input<typeof configSchema>['secrets'] = {}, more: Partial<z.input<typeof configSchema>> & { readonly credentialsDirectory?: string } = {}) {
  const { credentialsDirectory, ...others } = more;
  const vault = createSecretVault(60_000);
  const config = configSchema.parse({ host: 'h1', secrets, ...others });
  return { vault, reader: createSecretReader({ config, vault, call: callWith({ node: 'confirm-recovery' }), run: createRun(), credentialsDirectory }) };
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

/** Every kind of reference for the same secret, whatever it is called in lockstep.yaml. */
const kinds = {
  file: (directory: string) => `file:${directory}/secret`,
  'systemd-credential': () => 'systemd-credential:secret',
  exec: (directory: string) => ({ exec: ['cat', `${directory}/secret`] }),
} as const;

test.each((['operationalPassphrase', 'recoveryPassphrase', 'backupPassphrase', 'testAccountPassword'] as const).flatMap((name) => (Object.keys(kinds) as (keyof typeof kinds)[]).map((kind) => [name, kind] as const)))(
  '%s by %s is overwritten when the attempt ends, and refused without asking anybody',
  (name, kind) =>
    withDirectory(async (directory) => {
      await writeFile(join(directory, 'secret'), 'the secret\n', { mode: 0o400 });
      const reference = kinds[kind](directory);
      const { vault, reader } =
        name === 'testAccountPassword'
          ? createReader({}, { verification: { testAccount: { email: 'a@b', password: reference } }, credentialsDirectory: directory })
          : createReader({ [name]: reference }, { credentialsDirectory: directory });
      // Typed before lockstep.yaml was changed.
      vault.give(name, { value: Buffer.from('typed'), question: 'x.secret.1', by: 'ann' });
      const secret = await reader.read(name, 'to try');
      const again = await reader.read(name, 'to try');
      expect([secret.toString(), again.toString(), reader.giverOf(name)]).toEqual(['the secret', 'the secret', undefined]);
      expect(() => reader.refuse(name, 'it is wrong')).toThrow(PermanentFailure);
      expect(() => reader.refuse(name, 'it is wrong')).toThrow(`does not serve as ${name}: it is wrong; `);
      reader.overwrite();
      expect(Buffer.concat([secret, again]).equals(Buffer.alloc(20))).toBe(true);
      await expect(reader.read(name, 'late')).rejects.toThrow('the attempt that asks for a secret has ended');
    }),
);

test('the vault keeps a typed one for the next attempt, and may drop it while this one uses it', async () => {
  const { vault, reader } = createReader();
  vault.give('backupPassphrase', { value: Buffer.from('typed'), question: 'x.secret.1', by: 'ann', from: '192.0.2.1' });
  const first = await reader.read('backupPassphrase', 'to encrypt');
  reader.overwrite();
  expect(first).toEqual(Buffer.alloc(5));
  expect(vault.get('backupPassphrase')?.value.toString()).toBe('typed');
  expect(reader.giverOf('backupPassphrase')).toEqual({ by: 'ann', from: '192.0.2.1' });

  const other = createReader();
  other.vault.give('backupPassphrase', { value: Buffer.from('typed'), question: 'x.secret.1', by: 'ann' });
  const second = await other.reader.read('backupPassphrase', 'to encrypt');
  other.vault.forgetAll();
  expect(second.toString()).toBe('typed');
});

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

test.each(Object.keys(kinds) as (keyof typeof kinds)[])('a weak new one by %s parks, with what is weak; a strong one is handed out', (kind) =>
  withDirectory(async (directory) => {
    const path = join(directory, 'secret');
    const { reader } = createReader({ newOperationalPassphrase: kinds[kind](directory) }, { credentialsDirectory: directory });
    const read = () => reader.read('newOperationalPassphrase', 'the NEW one', { isNew: true });
    await writeFile(path, `${weak}\n`, { mode: 0o400 });
    const refused = await read().catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(PermanentFailure);
    expect(String(refused)).toMatch(/ does not serve as newOperationalPassphrase: the passphrase is worth about 8 bits/);
    expect(String(refused)).not.toContain('aaaaa');
    await writeFile(path, `${strong}\n`);
    const secret = await read();
    expect(secret.toString()).toBe(strong);
    reader.overwrite();
    expect(secret).toEqual(Buffer.alloc(strong.length));
  }),
);

test('one that is judged while its attempt ends is handed out no more', async () => {
  const { vault, reader } = createReader();
  vault.give('newOperationalPassphrase', { value: Buffer.from(strong), question: 'add-operational.secret.1', by: 'ann' });
  const late = reader.read('newOperationalPassphrase', 'the NEW one', { isNew: true });
  reader.overwrite();
  await expect(late).rejects.toThrow('the attempt that asks for a secret has ended');
});
