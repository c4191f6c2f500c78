import { expect, it } from 'vitest';
import type { RunRecord } from '../../../src/contract/record.js';
import type { Chain } from '../../matrix/chain.js';
import { judge, judgeShares, readShares } from '../../matrix/judge.js';

/** A chain over a database of so many bytes. */
const chainOf = (sizeBytes: number, read: Record<string, number>) => {
  const verified = { sourceBytes: sizeBytes, targetBytes: sizeBytes };
  const recordOf = (runbook: string, copy: string, proof: string) => ({ runbook, nodes: [{ id: copy, figures: { sizeBytes } }, { id: proof, figures: verified }] }) as unknown as RunRecord;
  return { bytesRead: new Map(Object.entries(read)), records: [recordOf('migrate', 'copy-data', 'verify-copy'), recordOf('rollback', 'carry-over-copy', 'carry-over-verify'), recordOf('migrate', '', '')] };
};
const counted = ['migrate/copy-data', 'migrate/verify-copy', 'rollback/carry-over-copy', 'rollback/carry-over-verify'];
const undisturbed = chainOf(1000, { 'migrate/copy-data': 1000, 'migrate/verify-copy': 2000, 'rollback/carry-over-copy': 1000, 'rollback/carry-over-verify': 2000 });

it('110 % of what an undisturbed run reads holds, more does not', () => {
  const chain = chainOf(1000, { 'migrate/copy-data': 1100, 'migrate/verify-copy': 2210, 'rollback/carry-over-copy': 900, 'rollback/carry-over-verify': 2000 });
  expect(judgeShares(readShares(chain, undisturbed, counted))).toEqual(['migrate/verify-copy: read 111 % of what an undisturbed run reads']);
});

it('a larger database may be read once, too', () => {
  const larger = chainOf(1250, { 'migrate/copy-data': 1250, 'migrate/verify-copy': 2500, 'rollback/carry-over-copy': 1250, 'rollback/carry-over-verify': 3000 });
  expect(judgeShares(readShares(larger, undisturbed, counted))).toEqual(['rollback/carry-over-verify: read 120 % of what an undisturbed run reads']);
});

it('what was not counted does not hold', () => {
  const chain = chainOf(1000, { 'migrate/copy-data': 1000, 'migrate/verify-copy': 2000, 'rollback/carry-over-copy': 1000 });
  expect(judgeShares(readShares(chain, undisturbed, counted))).toEqual(['rollback/carry-over-verify: read an unknown part of what an undisturbed run reads']);
  expect(judgeShares(readShares(undisturbed, { ...chain, records: [] }, counted))).toHaveLength(4);
});

/** A chain of one run that left a host so. */
const chainLeaving = ({ events = ['copy-data/do/1/COPIED 1'], ...parts }: Partial<Record<'slots' | 'data', string>> & { readonly events?: readonly string[] } = {}) =>
  ({
    ...{ states: ['succeeded'], failures: [], intact: true, records: [{ runbook: 'migrate', nodes: [] }] },
    hostStates: [{ parts: { slots: '2', compose: 'overlay', data: 'users|50|digest', leftovers: '', ...parts }, events }],
  }) as unknown as Chain;

it.each([
  [{}, []],
  [{ data: 'users|49|another' }, ['data after migrate: "users|49|another" instead of "users|50|digest"']],
  [{ slots: '3' }, ['slots after migrate: "3" instead of "2"']],
  [{ events: ['copy-data/do/1/COPIED 2'] }, ['audit log of migrate: copy-data/do/1/COPIED is there 2 times']],
  [{ events: [] }, ['audit log of migrate: copy-data/do/COPIED is missing']],
])('a host that was left with %j is held against an undisturbed one', (differing, words) => {
  expect(judge(chainLeaving(differing), chainLeaving())).toEqual(words);
});
