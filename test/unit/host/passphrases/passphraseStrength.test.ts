import { expect, test } from 'vitest';
import { passphrasePolicyOf } from '../../../../src/config/passphrasePolicy.js';
import { configSchema } from '../../../../src/config/schema.js';
import { generatePassphrase } from '../../../../src/host/passphrases/generatePassphrase.js';
import { judgeNewPassphrase } from '../../../../src/host/passphrases/passphraseStrength.js';
import { rehearsalSecrets } from '../../../../src/rehearsal/hostConfig.js';

const policy = passphrasePolicyOf(configSchema.parse({ host: 'db1' }));

test.each([
  ['a'.repeat(25), /worth about 8 bits \(at least 60\): Repeated characters/],
  ['ab'.repeat(200), /worth about \d+ bits/],
  ['correct horse battery staple', /worth about \d\d bits/],
  ['the quick brown fox jumps over the lazy dog', /worth about \d\d bits/],
  ['to be or not to be that is the question', /worth about \d\d bits/],
  ['password password password password', /worth about \d+ bits/],
  ['SuperSync-production-2026!!', /worth about \d\d bits/],
  ['qwertyuiopasdfghjklzxcvbnm', /worth about \d\d bits/],
  ['', /^the passphrase is empty/],
  ['footgear debit deskwork civil hug crafter rule zero ', /ends with a space/],
])('%j is refused with what is weak and the next move', async (passphrase, refusal) => {
  const verdict = await judgeNewPassphrase(passphrase, policy);
  expect(verdict.refusal).toMatch(refusal);
  expect(verdict.refusal).toMatch(/generate one|choose another/);
});

test('nineteen characters are too few, however random', async () => {
  expect((await judgeNewPassphrase('xK7#qP2!vR9@mT4%wZ6', policy)).refusal).toMatch(/^the passphrase has 19 characters \(at least 20, or 8 different words\)/);
  expect((await judgeNewPassphrase('xK7#qP2!vR9@mT4%wZ6^', policy)).refusal).toBeUndefined();
});

test('what Lockstep generates is always taken', async () => {
  for (let draw = 0; draw < 25; draw++) {
    const { passphrase } = await generatePassphrase();
    expect(await judgeNewPassphrase(passphrase, policy), passphrase).not.toHaveProperty('refusal');
  }
}, 30_000);

test('eight words of the list are taken where the estimator thinks little of them, and no other sentence', async () => {
  expect(await judgeNewPassphrase('sprang monument january ongoing aftermost ability swimming subsystem', policy)).not.toHaveProperty('refusal');
  expect(await judgeNewPassphrase('sprang monument january ongoing aftermost ability swimming about', policy)).toHaveProperty('refusal');
  expect(await judgeNewPassphrase('ability ability ability ability ability ability ability ability', policy)).toHaveProperty('refusal');
});

test("what a rehearsal types is judged as a person's, and taken", async () => {
  for (const name of ['operationalPassphrase', 'recoveryPassphrase', 'newOperationalPassphrase', 'newRecoveryPassphrase', 'backupPassphrase']) {
    expect(await judgeNewPassphrase(rehearsalSecrets[name] ?? '', policy)).not.toHaveProperty('refusal');
  }
});

test('names of this host are no help', async () => {
  const named = 'pg-data-encrypted supersync rehearsalhost verylongname';
  const without = await judgeNewPassphrase(named, { ...policy, guessable: [] });
  const within = await judgeNewPassphrase(named, { ...policy, guessable: [...policy.guessable, 'rehearsalhost', 'verylongname'] });
  expect(within.bits).toBeLessThan(without.bits - 20);
});

test('the minimum is that of lockstep.yaml', async () => {
  const lenient = passphrasePolicyOf(configSchema.parse({ host: 'db1', secrets: { minimumBits: 40 } }));
  const phrase = 'the quick brown fox jumps over the lazy dog';
  expect((await judgeNewPassphrase(phrase, lenient)).refusal).toBeUndefined();
});

test('a long one is judged at once', async () => {
  const began = performance.now();
  expect((await judgeNewPassphrase('xK7#qP2!vR9@mT4%wZ6^'.repeat(25), policy)).bits).toBeGreaterThan(0);
  expect(performance.now() - began).toBeLessThan(5000);
});
