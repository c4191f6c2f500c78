import { expect, test } from 'vitest';
import { readSize } from '../../../src/cli/size.js';

test('a size has a unit', () => {
  expect(readSize('50G')).toBe(50 * 1024 ** 3);
  expect(readSize('512B')).toBe(512);
});

test.each([
  ['50', '--size 50 has no unit; 50G?'],
  [' 1.5 ', '--size 1.5 has no unit; 1.5G?'],
  ['much', '--size much: much is no size; give one like 500M or 2G'],
])('%j is refused with what to type', (size, message) => {
  expect(() => readSize(size)).toThrow(expect.objectContaining({ exitCode: 2, message }) as Error);
});
