import { expect, test } from 'vitest';
import { agreedStatistics, assertHoldsStatistics, countRows, tablesIn, type Statistics } from '../../../../src/activities/source/statistics.js';

function cluster({ users = 1, operations = 1, largeObjects = 0, canLogin = true }): Statistics {
  const table = (name: string, rows: number) => ({ schema: 'public', name, rows });
  return {
    at: '',
    databases: { supersync: { tables: [table('users', users), table('operations', operations)], sequences: [], largeObjects }, ledger: { tables: [], sequences: [], largeObjects: 0 } },
    roles: [{ name: 'reader', isSuperuser: false, canLogin, memberOf: [] }],
    sizes: [],
  };
}

test('a backup is held against what did not change while it was taken', () => {
  const agreed = agreedStatistics(cluster({}), cluster({ operations: 2, canLogin: false }));
  expect(agreed.databases['supersync']?.tables.map(({ name }) => name)).toEqual(['users']);
  expect(agreed.roles).toEqual([]);
  expect(() => assertHoldsStatistics(agreed, cluster({ operations: 5 }))).not.toThrow();
  expect(() => assertHoldsStatistics(agreed, cluster({ users: 0 }))).toThrow(/rows of supersync\.public\.users: 1 in the dump, 0 restored/);
});

test('a restored cluster that lacks a database or a role does not hold what it should', () => {
  const whole = cluster({});
  const { ledger, ...databases } = whole.databases;
  expect(ledger).toBeDefined();
  expect(() => assertHoldsStatistics(whole, { ...whole, databases })).toThrow(/large objects of ledger: 0 in the dump, absent restored/);
  expect(() => assertHoldsStatistics(whole, { ...whole, roles: [] })).toThrow(/role reader/);
});

test('rows are counted over the tables of every database', () => {
  const { databases } = cluster({ users: 2, operations: 5 });
  const tables = tablesIn({ databases: { ...databases, ledger: { tables: [{ schema: 'public', name: 'entries', rows: 11 }], sequences: [], largeObjects: 3 } } });
  expect([tables.length, countRows(tables), countRows([])]).toEqual([3, 18, 0]);
});
