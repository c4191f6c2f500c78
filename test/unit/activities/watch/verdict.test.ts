import fc from 'fast-check';
import { expect, test } from 'vitest';
import { judge, judgeDifference, median } from '../../../../src/activities/watch/verdict.js';

const limit = 0.15;
/** As a quiet machine measures: within five per cent. */
const quiet = fc.array(fc.double({ min: 100, max: 105, noNaN: true }), { minLength: 20, maxLength: 80 });
const any = fc.array(fc.double({ min: 0.001, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 60 });
const slower = (values: readonly number[], factor: number) => values.map((value) => value * factor);

test('the same machine passes', () => {
  fc.assert(fc.property(quiet, quiet, (before, after) => judge(before, after, limit).verdict === 'pass'), { numRuns: 30 });
});

test('one that is half as slow again fails', () => {
  fc.assert(fc.property(quiet, quiet, (before, after) => judge(before, slower(after, 1.5), limit).verdict === 'fail'), { numRuns: 30 });
});

test('one that is faster passes', () => {
  fc.assert(fc.property(quiet, quiet, (before, after) => judge(before, slower(after, 0.5), limit).verdict === 'pass'), { numRuns: 30 });
});

test('measurements that are equal never fail, however much they scatter', () => {
  fc.assert(fc.property(any, (values) => judge(values, values, limit).verdict !== 'fail'), { numRuns: 50 });
});

test('noise that could decide either way is no verdict', () => {
  const before = [10, 50, 12, 48, 11, 52, 9, 47, 51, 13];
  const after = [12, 55, 50, 11, 14, 53, 49, 10, 54, 12];
  expect(judge(before, after, limit).verdict).toBe('inconclusive');
});

test('a change at the limit itself, with scatter, is no verdict', () => {
  const before = Array.from({ length: 60 }, (_, index) => 100 + (index % 11));
  expect(judge(before, slower(before, 1.15), limit).verdict).toBe('inconclusive');
});

test('the same measurements are always judged the same', () => {
  fc.assert(
    fc.property(any, any, (before, after) => {
      expect(judge(before, after, limit)).toEqual(judge(before, after, limit));
    }),
    { numRuns: 20 },
  );
});

test('the verdict does not hang on the unit', () => {
  fc.assert(
    fc.property(quiet, quiet, (before, after) => {
      // A power of two: no rounding.
      expect(judge(slower(before, 1024), slower(after, 1024), limit).verdict).toBe(judge(before, after, limit).verdict);
    }),
    { numRuns: 20 },
  );
});

test('what is told of a comparison lies in order', () => {
  fc.assert(
    fc.property(any, any, (before, after) => {
      const judged = judge(before, after, limit);
      expect(judged.low).toBeLessThanOrEqual(judged.high);
      expect(judged.change).toBeCloseTo(judged.medianAfter / judged.medianBefore - 1);
    }),
    { numRuns: 20 },
  );
});

test.each([
  [[], 0],
  [[3], 3],
  [[4, 1, 3], 3],
  [[4, 1, 3, 2], 2.5],
])('the median of %j is %d', (values, expected) => {
  expect(median(values)).toBe(expected);
});

test('figures that may be zero are judged by their difference, and one noisy part decides nothing', () => {
  expect(judgeDifference([0, 0, 0, 0], [0, 0, 0, 0], 5)).toMatchObject({ verdict: 'pass', change: 0 });
  expect(judgeDifference([1, 2, 1, 2, 1, 2], [21, 22, 20, 23, 22, 21], 5).verdict).toBe('fail');
  expect(judgeDifference([1, 2, 1, 2, 1, 2], [1, 2, 40, 1, 30, 2], 5).verdict).toBe('inconclusive');
});
