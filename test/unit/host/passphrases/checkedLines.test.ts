import { expect, test } from 'vitest';
import { joinLines, readCheckedLine, sameCode, toCheckedLines } from '../../../../src/host/passphrases/checkedLines.js';

const words = 'footgear debit deskwork civil hug crafter rule zero';

test.each([words, 'x', ' two  blanks ', 'xK7#qP2!vR9@mT4%wZ6^', `a "quote" caf\u00e9 \u65e5`, 'x'.repeat(512), `${'y'.repeat(15)} ${'z'.repeat(16)}`])('%j comes back from its lines', (passphrase) => {
  const { form, lines } = toCheckedLines(passphrase);
  const read = lines.map(({ text, code }, index) => readCheckedLine(`${text} ${code}`, index + 1, form)?.text ?? 'wrong');
  expect(joinLines(form, read)).toBe(passphrase);
});

test.each([' two  blanks ', 'xK7#qP2!vR9@mT4 wZ6^', `${'y'.repeat(15)} ${'z'.repeat(16)}`, 'a \u2423 b'])('%j comes back as it is printed, with the spaces that the sheet has before a code', (passphrase) => {
  const { form, lines } = toCheckedLines(passphrase);
  for (const typed of [(text: string) => text, (text: string) => text.replaceAll(' ', '\u2423')]) {
    if (typed(passphrase) !== passphrase && passphrase.includes('\u2423')) continue;
    const read = lines.map(({ text, code }, index) => readCheckedLine(`${typed(text)}     ${code}`, index + 1, form)?.text ?? 'wrong');
    expect(joinLines(form, read)).toBe(passphrase);
  }
  expect(readCheckedLine(`${lines[0]?.text.replace(/^../, '--') ?? ''}    ${lines[0]?.code ?? ''}`, 1, form)).toBeUndefined();
});

test('a typing error is found in its line, and lines that are exchanged too', () => {
  const { lines } = toCheckedLines(words);
  const [first, second] = lines;
  expect(lines).toHaveLength(3);
  expect(readCheckedLine(`footgear  debit deskwork ${first?.code.toLowerCase() ?? ''} `, 1)?.text).toBe('footgear debit deskwork');
  expect(readCheckedLine(`footgear debit deskwrok ${first?.code ?? ''}`, 1)).toBeUndefined();
  expect(readCheckedLine(`${second?.text ?? ''} ${second?.code ?? ''}`, 1)).toBeUndefined();
});

test('a code may be typed with letters for the digits that they look like', () => {
  expect(sameCode('o1l', '011')).toBe(true);
  expect(sameCode('012', '011')).toBe(false);
});
