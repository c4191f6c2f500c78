import { expect, test } from 'vitest';
import { createSecretVault } from '../../../../src/activities/wrapper/secretVault.js';

const given = (value: string) => ({ value: Buffer.from(value), question: 'format-volume.secret.1', by: 'ann' });

function createVault() {
  let time = 0;
  const vault = createSecretVault(1000, () => time);
  return { vault, pass: (milliseconds: number) => (time += milliseconds) };
}

test('a secret is kept for the sitting, then overwritten', () => {
  const { vault, pass } = createVault();
  const secret = given('correct horse');
  vault.give('operationalPassphrase', secret);
  pass(999);
  expect(vault.get('operationalPassphrase')?.value.toString()).toBe('correct horse');
  pass(1);
  expect(vault.get('operationalPassphrase')).toBeUndefined();
  expect(secret.value.equals(Buffer.alloc(13))).toBe(true);
});

test('a new one overwrites the old one and begins a new sitting', () => {
  const { vault, pass } = createVault();
  const first = given('first');
  vault.give('operationalPassphrase', first);
  pass(900);
  vault.give('operationalPassphrase', given('second'));
  expect(first.value.equals(Buffer.alloc(5))).toBe(true);
  pass(900);
  expect(vault.get('operationalPassphrase')?.value.toString()).toBe('second');
});

test('a forgotten one is overwritten, the others stay', () => {
  const { vault } = createVault();
  const operational = given('operational');
  vault.give('operationalPassphrase', operational);
  vault.give('recoveryPassphrase', given('recovery'));
  vault.forget('operationalPassphrase');
  vault.forget('backupPassphrase');
  expect(operational.value.equals(Buffer.alloc(11))).toBe(true);
  expect(vault.get('operationalPassphrase')).toBeUndefined();
  expect(vault.get('recoveryPassphrase')?.value.toString()).toBe('recovery');
});

test('all are overwritten when the worker stops', () => {
  const { vault } = createVault();
  const secrets = [given('one'), given('two')];
  vault.give('operationalPassphrase', secrets[0] ?? given(''));
  vault.give('recoveryPassphrase', secrets[1] ?? given(''));
  vault.forgetAll();
  expect(secrets.map(({ value }) => value.equals(Buffer.alloc(3)))).toEqual([true, true]);
  expect(vault.get('recoveryPassphrase')).toBeUndefined();
});
