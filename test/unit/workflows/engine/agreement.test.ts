import { expect, test } from 'vitest';
import type { RecordedDecision } from '../../../../src/contract/questions.js';
import { describeAgreement } from '../../../../src/workflows/engine/agreement.js';

const said = (by: string, more: Partial<RecordedDecision> = {}): RecordedDecision => ({ at: '2026-11-01T20:00:00.000Z', question: 'witnesses', answer: 'go', by, outcome: 'counted', ...more });

test.each([
  [[said('ann', { login: 'ann@db1' }), said('ben', { login: 'ben@laptop' })], 'distinct by their login users'],
  [[said('ann', { login: 'ann@db1' }), said('ben', { login: 'ann@laptop' })], 'distinctness not shown'],
  [[said('ann', { login: 'ann@db1' }), said('ben')], 'distinctness not shown'],
  [[said('ann', { login: 'admin@db1', signature: 'AAAA' }), said('ben', { login: 'admin@db1' })], 'distinctness not shown here: the audit log says whose signatures these are'],
])('whoever agreed is named, and what is shown of them: %#', (decisions, words) => {
  // What did not count, was for another opening or said no is of nobody who agreed.
  const others = [said('eve', { login: 'eve@db1', outcome: 'same person' }), said('eve', { login: 'ann@db1', question: 'witnesses.2' }), said('eve', { answer: 'no-go' })];
  const note = describeAgreement([...decisions, ...others], 'witnesses', 'go');
  expect(note.split('; ').at(-1)).toBe(words);
  expect(note).toMatch(/^ann .*; ben /);
  expect(note).not.toContain('eve');
});
