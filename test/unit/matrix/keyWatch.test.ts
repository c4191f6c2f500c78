import { expect, it } from 'vitest';
import { judgeInstant, type Instant } from '../../matrix/courses/keyWatch.js';

const headerOf = (slots: readonly number[], more: Record<string, { readonly type: string }> = {}) => ({
  ...{ tokens: {}, keyslots: { ...Object.fromEntries(slots.map((slot) => [String(slot), { type: 'luks2' }])), ...more } },
});
const serving: Instant = { header: headerOf([0, 1]), proofs: [{ slot: 0 }, { slot: 1 }], isOpen: true, serves: true };

it('a volume that is made may have one slot, and never again once two were proven', () => {
  const known = { wereProven: false };
  const made: Instant = { header: headerOf([0]), proofs: [], isOpen: true, holder: 'db/setupVolume', serves: false };
  expect(judgeInstant({ proofs: [], isOpen: false, serves: false }, known)).toEqual([]);
  expect(judgeInstant(made, known)).toEqual([]);
  expect(judgeInstant(serving, known)).toEqual([]);
  expect(judgeInstant(made, known)).toEqual(['the header has 1 key slots after two were proven']);
  expect(judgeInstant({ proofs: [], isOpen: false, serves: false }, known)).toEqual(['the header has no slot that can be read after two were proven']);
});

it("a re-encryption's own slot is none that a passphrase opens", () => {
  expect(judgeInstant({ ...serving, header: headerOf([2], { 3: { type: 'reencrypt' } }) }, { wereProven: true })).toEqual(['the header has 1 key slots after two were proven']);
});

it('an open volume has a run that holds the host, or the service on it', () => {
  const nobodys: Instant = { ...serving, serves: false };
  expect(judgeInstant(nobodys, { wereProven: true })).toEqual(['the volume is unlocked, no run holds the host, and the service does not run on it']);
  expect(judgeInstant({ ...nobodys, holder: 'db/startup' }, { wereProven: true })).toEqual([]);
  expect(judgeInstant({ ...nobodys, isOpen: false }, { wereProven: true })).toEqual([]);
});
