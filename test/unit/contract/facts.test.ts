import { expect, test } from 'vitest';
import { formatCountOf } from '../../../src/contract/facts.js';

test('what is counted has its number', () => {
  expect([formatCountOf(0, 'file'), formatCountOf(1, 'file'), formatCountOf(5012, 'file'), formatCountOf(2, 'process', 'processes')]).toEqual(['0 files', '1 file', '5,012 files', '2 processes']);
});
