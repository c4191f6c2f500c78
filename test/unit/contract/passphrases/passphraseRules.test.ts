import { expect, test } from 'vitest';
import { adviseOnNewPassphrase, findNewPassphraseFault } from '../../../../src/contract/passphrases/passphraseRules.js';
import { findSecretFault } from '../../../../src/contract/secretRules.js';

const good = 'footgear debit deskwork civil';

test.each([
  ['', 'is empty'],
  ['x'.repeat(513), 'is 513 bytes long (limit 512)'],
  ['é'.repeat(257), 'is 514 bytes long (limit 512)'],
  [`${good}\n`, 'has more than one line'],
  [`${good}\r`, 'has a carriage return in it, which nobody can type at a prompt'],
  [`a\0${good}`, 'has a NUL byte in it, where some tools would end it'],
  [`a\ud800${good}`, 'has half a character in it, which no encoding can write'],
])('%j opens nothing, and sets nothing', (passphrase, fault) => {
  expect(findSecretFault(passphrase)).toBe(fault);
  expect(findNewPassphraseFault(passphrase)).toBe(fault);
});

test.each([
  [` ${good}`, 'begins or ends with a space, which nobody sees on paper'],
  [`${good} `, 'begins or ends with a space, which nobody sees on paper'],
  ['footgear  debit', 'has two spaces in a row, which nobody tells from one on paper'],
  ['footgear\tdebit', 'has a control character in it, such as a tab, which no prompt takes'],
  ['footgear\x1b[Adebit', 'has a control character in it, such as a tab, which no prompt takes'],
  ['footgear\u00a0debit', 'has a character in it that is not seen on paper, such as a no-break space'],
  ['footgear\u200bdebit', 'has a character in it that is not seen on paper, such as a no-break space'],
  ['footgear\u{FFFD}debit', 'has a character in it that was not read as UTF-8'],
  ['caf\u0065\u0301', /^has an accent as a character of its own/],
])('%j may open a volume, and may not be set for one', (passphrase, fault) => {
  expect(findSecretFault(passphrase)).toBeUndefined();
  expect(findNewPassphraseFault(passphrase)).toMatch(fault);
});

test.each(['x', `a "quote", 'another', \\ and $HOME`, 'caf\u00e9', '日本語', 'x'.repeat(512), 'é'.repeat(256)])('%j may be set', (passphrase) => {
  expect(findNewPassphraseFault(passphrase)).toBeUndefined();
});

test('bytes that are no text may open what they were set for', () => {
  expect(findSecretFault(Uint8Array.of(0xff, 0xfe))).toBeUndefined();
  expect(findSecretFault(new Uint8Array(513).fill(1))).toMatch(/513 bytes/);
});

test('letters beyond ASCII are taken with a warning', () => {
  expect(adviseOnNewPassphrase('caf\u00e9')).toMatch(/rescue console/);
  expect(adviseOnNewPassphrase(`a "quote" ~`)).toBeUndefined();
});
