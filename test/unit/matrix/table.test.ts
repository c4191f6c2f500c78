import { expect, it } from 'vitest';
import { faults, type Place } from '../../matrix/cells.js';
import { passes, type Column } from '../../matrix/column.js';
import { renderMatrix, renderPage } from '../../matrix/table.js';

const copy: Place = { runbook: 'migrate', node: 'copy-data', kind: 'do' };
const question: Place = { runbook: 'migrate', node: 'final', kind: 'question' };
const places = [copy, question];
const good: Column = {
  ...{ fault: 'server killed', broken: [], missing: [], differing: [], repeated: [], on: '2026-01-02', commit: '1a2b3c4', minutes: 3 },
  cells: places.map((place) => ({ place, fault: 'server killed' }) as const),
  shares: [{ place: 'migrate/copy-data', share: 1.034, bytesRead: 1034, dataBytes: 1000 }],
  resume: { median: 1, worst: 2.25 },
};

function rowOf(table: string, name: string): string {
  return table.split('\n').find((line) => line.includes(name)) ?? '';
}

it('a column that ends as an undisturbed run has its cells ok, and its figures', () => {
  const table = renderMatrix(places, [good]);
  expect(rowOf(table, '`migrate/copy-data`')).toBe('| `migrate/copy-data` | ok |');
  expect(rowOf(table, 'median')).toContain('| 1.0 s / 2.3 s |');
  expect(rowOf(table, 'read by')).toContain('| 103 % |');
  const page = renderPage([{ course: { title: 'A course', words: 'Its words.' }, places, columns: [good] }]);
  expect(page).toContain(`## A course\n\nIts words.\n\n2 of ${2 * faults.length} cells struck`);
  expect(page).toContain(`Not measured, and nothing is claimed of them: ${faults.filter((fault) => fault !== 'server killed').join('; ')}.`);
});

it('a cell that is missing, broke its chain, or is to blame for a difference, is named and fails its column', () => {
  const missing: Column = { ...good, cells: [{ place: copy, fault: 'server killed' }], missing: ['migrate/final'] };
  const broken: Column = { ...good, broken: ['migrate/copy-data'], repeated: [{ place: 'migrate/copy-data', differing: [] }] };
  const differing: Column = { ...good, differing: ['migrate/copy-data: audit log: DATA_COPIED is there 2 times'] };
  const [columns, table] = [[missing, broken, differing], renderMatrix(places, [missing, broken, differing])];
  expect(columns.map(passes)).toEqual([false, false, false]);
  expect(rowOf(table, '`migrate/copy-data`')).toBe('| `migrate/copy-data` | ran | FAILED | FAILED |');
  expect(rowOf(table, '`migrate/final`')).toBe('| `migrate/final` | MISSING | ran | ran |');
  expect(rowOf(table, 'alone again')).toContain('|  | migrate/copy-data: passes |  |');
  expect(rowOf(table, 'ends as')).toContain('| NO | NO | NO |');
});

it('claims nothing of a place that the list has got since a column was measured', () => {
  const later: Place = { runbook: 'migrate', node: 'keys-at-end', kind: 'do' };
  expect(rowOf(renderMatrix([...places, later], [good]), 'keys-at-end')).toBe('| `migrate/keys-at-end` | not measured |');
});
