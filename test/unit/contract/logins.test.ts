import { expect, test } from 'vitest';
import { areDistinctLogins } from '../../../src/contract/logins.js';

test.each([
  ['two users of one machine', ['ann@db1', 'ben@db1'], true],
  ['two users of two machines', ['ann@db1', 'ben@laptop'], true],
  ['one user at two machines', ['ann@db1', 'ann@laptop'], false],
  ['one user in another spelling', ['ann@db1', 'Ann@laptop'], false],
  ['one whom the kernel does not tell', ['ann@db1', undefined], false],
  ['one alone', ['ann@db1'], false],
  ['nobody', [], false],
  ['two of three', ['ann@db1', 'ben@db1', 'ann@laptop'], false],
])('%s', (_, logins, distinct) => {
  expect(areDistinctLogins(logins)).toBe(distinct);
});
