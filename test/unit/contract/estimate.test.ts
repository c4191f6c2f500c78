import { expect, test } from 'vitest';
import { estimateOfflineSeconds, estimateOfPlanSeconds } from '../../../src/contract/estimate.js';

const mebibyte = 1024 ** 2;
const database = { sizeBytes: 6000 * mebibyte, bytesPerSecond: 100 * mebibyte };

test('without a backup of its own the disk alone is counted: six passes, and a minute for stops and starts', () => {
  expect(estimateOfflineSeconds(database)).toBe(6 * 60 + 60);
});

test('a backup that was taken here counts in the place of its passes, for as much as there is to back up now', () => {
  const backup = { seconds: 400, ofBytes: 3000 * mebibyte };
  expect(estimateOfflineSeconds({ ...database, backup })).toBe(2 * 400 + 3 * 60 + 60);
});

test('an empty database and a disk that does not move make no figure that nobody can read', () => {
  expect(estimateOfflineSeconds({ sizeBytes: 0, bytesPerSecond: 0, backup: { seconds: 3, ofBytes: 0 } })).toBe(60);
});

test("the plan's own is 1.5 minutes for each gigabyte", () => {
  expect(estimateOfPlanSeconds(4e9)).toBe(360);
});
