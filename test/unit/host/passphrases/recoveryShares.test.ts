import { expect, test } from 'vitest';
import { combineShares, splitPassphrase } from '../../../../src/host/passphrases/recoveryShares.js';
import { joinShareLines, readShareHeader, readShareLine, toShareLines } from '../../../../src/host/passphrases/shareLines.js';

const words = 'footgear debit deskwork civil hug crafter rule zero';

test.each([words, 'abacus abacus abacus', 'yo-yo t-shirt felt-tip drop-down', `a "quote" caf\u00e9 \u65e5`, 'x'.repeat(512), ' blanks '])('%j comes back from any three of five, and from no two', async (passphrase) => {
  const shares = await splitPassphrase(passphrase, { shares: 5, threshold: 3 });
  expect(shares.map(({ index }) => index)).toEqual([1, 2, 3, 4, 5]);
  expect(await combineShares(shares.slice(2))).toBe(passphrase);
  await expect(combineShares(shares.slice(3))).rejects.toThrow('there are 2 different shares');
  const lowered = shares.slice(0, 2).map((share) => ({ ...share, threshold: 2 }));
  await expect(combineShares(lowered)).rejects.toThrow('give no passphrase that fits its own check');
});

test('lines that are typed give the share again, in any case and grouping; a typing error is found in its line', async () => {
  const shares = await splitPassphrase(words, { shares: 3, threshold: 2 });
  const typed = shares.map((share) => toShareLines(share).map(({ text, code }) => `${text.toLowerCase().replaceAll(' ', '')}  ${code.toLowerCase()}`));
  const read = typed.map((lines) => {
    const parts = lines.map((line, at) => readShareLine(line, at + 1) ?? new Uint8Array());
    const header = readShareHeader(parts[0] ?? new Uint8Array());
    if (header === undefined) throw new Error('the header was not read');
    expect(header.lines).toBe(lines.length);
    return joinShareLines(header, parts);
  });
  expect(read).toEqual(shares);
  expect(await combineShares(read.slice(1))).toBe(words);
  const line = typed[0]?.[0] ?? '';
  expect(readShareLine(line, 2)).toBeUndefined();
  expect(readShareLine(line.replace(/^../, line.startsWith('zz') ? 'yy' : 'zz'), 1)).toBeUndefined();
});

test('shares of two sets are told apart, and one typed twice counts once', async () => {
  const [a, b] = await Promise.all([1, 2].map(() => splitPassphrase(words, { shares: 2, threshold: 2 })));
  const [first] = a ?? [];
  const [, second] = b ?? [];
  if (first === undefined || second === undefined) throw new Error('nothing was split');
  await expect(combineShares([first, { ...second, set: first.set === '0000' ? '0001' : '0000' }])).rejects.toThrow('is of the set');
  await expect(combineShares([first, first])).rejects.toThrow('there are 1 different shares');
});

test('what makes no sense is not split', async () => {
  for (const counts of [{ shares: 2, threshold: 3 }, { shares: 5, threshold: 1 }, { shares: 13, threshold: 2 }]) {
    await expect(splitPassphrase(words, counts)).rejects.toThrow('can not be asked for');
  }
});
