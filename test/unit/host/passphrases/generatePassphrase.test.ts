import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { effLargeWords } from '../../../../src/host/passphrases/effLargeWords.js';
import { generatePassphrase } from '../../../../src/host/passphrases/generatePassphrase.js';

test("the list is the EFF's own, in its order", () => {
  const dice = (index: number): string => (index + 6 ** 5).toString(6).slice(1).replaceAll(/./g, (digit) => String(Number(digit) + 1));
  const asPublished = effLargeWords.map((word, index) => `${dice(index)}\t${word}\n`).join('');
  // sha256sum of eff_large_wordlist.txt.
  expect(createHash('sha256').update(asPublished).digest('hex')).toBe('addd35536511597a02fa0a9ff1e5284677b8883b83e986e43f15a3db996b903e');
  expect(new Set(effLargeWords).size).toBe(7776);
});

test('eight words have the bits that the plan names', async () => {
  const { passphrase, bits } = await generatePassphrase();
  const words = passphrase.split(' ');
  expect(words).toHaveLength(8);
  expect(words.filter((word) => !effLargeWords.includes(word))).toEqual([]);
  expect(bits).toBeCloseTo(103.4, 1);
  expect((await generatePassphrase(10)).bits).toBeCloseTo(129.2, 1);
});

test('every part of the list is drawn, and nothing is drawn twice as often', async () => {
  const draws = 40_000;
  const counts = new Array<number>(8).fill(0);
  const { passphrase } = await generatePassphrase(draws);
  const places = new Map(effLargeWords.map((word, index) => [word, index]));
  for (const word of passphrase.split(' ')) {
    const eighth = Math.floor(((places.get(word) ?? 0) / effLargeWords.length) * counts.length);
    counts[eighth] = (counts[eighth] ?? 0) + 1;
  }
  // Five thousand each; six standard deviations are about 400.
  for (const count of counts) expect(Math.abs(count - draws / counts.length)).toBeLessThan(400);
});
