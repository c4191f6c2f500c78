import stringWidth from 'string-width';
import { expect, test } from 'vitest';
import { renderProgress } from '../../../../src/cli/present/progressBar.js';
import { plainTheme } from '../../../../src/cli/present/theme.js';

const at = (width: number, progress: Parameters<typeof renderProgress>[0]) => renderProgress(progress, width, plainTheme);

test('bytes with a rate have a time left', () => {
  expect(at(80, { phase: 'copying', done: 512, total: 1024, unit: 'bytes', rate: 256 })).toEqual([
    'copying  ████████████░░░░░░░░░░░░   50 %  512 B of 1.00 KiB  256 B/s  2.0 s left',
  ]);
});

test('a wait has no rate, and its time left is what is left of it', () => {
  const [line] = at(80, { phase: 'first hour', done: 900, total: 3600, unit: 'seconds' });
  expect(line).toMatch(/^first hour {2}█+░+ {3}25 % {2}15 min 00 s of 1 h 00 min {2}45 min 00 s left$/);
});

test('without a total there are figures alone, and without figures the phase', () => {
  expect(at(80, { phase: 'comparing', done: 5012, unit: 'files' })).toEqual(['comparing  5,012 files']);
  expect(at(80, { phase: 'starting' })).toEqual(['starting']);
});

test.each([20, 40, 60, 74, 114])('never wider than %i columns', (width) => {
  const lines = at(width, { phase: 'reading every file from the device', done: 9e8, total: 1.75e9, unit: 'bytes', rate: 94e6 });
  for (const line of lines) expect(stringWidth(line)).toBeLessThanOrEqual(width);
});

test('more than was expected is not more than all', () => {
  expect(at(80, { phase: 'copying', done: 2048, total: 1024, unit: 'bytes' })[0]).toContain('100 %');
});
