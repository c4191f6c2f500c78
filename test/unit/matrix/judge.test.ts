import { expect, it } from 'vitest';
import { judgeShares, readShares } from '../../matrix/judge.js';

const read = (figures: Record<string, number>) => ({ bytesRead: new Map(Object.entries(figures)) });
const undisturbed = read({ 'migrate/copy-data': 1000, 'migrate/verify-copy': 2000, 'rollback/carry-over-copy': 1000, 'rollback/carry-over-verify': 2000 });

it('110 % of what an undisturbed run reads holds, more does not', () => {
  const chain = read({ 'migrate/copy-data': 1100, 'migrate/verify-copy': 2210, 'rollback/carry-over-copy': 900, 'rollback/carry-over-verify': 2000 });
  expect(judgeShares(readShares(chain, undisturbed))).toEqual(['migrate/verify-copy: read 111 % of what an undisturbed run reads']);
});

it('what was not counted does not hold', () => {
  const chain = read({ 'migrate/copy-data': 1000, 'migrate/verify-copy': 2000, 'rollback/carry-over-copy': 1000 });
  expect(judgeShares(readShares(chain, undisturbed))).toEqual(['rollback/carry-over-verify: read an unknown part of what an undisturbed run reads']);
  expect(judgeShares(readShares(undisturbed, read({})))).toHaveLength(4);
});
