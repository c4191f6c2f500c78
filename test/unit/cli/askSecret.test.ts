import { expect, test } from 'vitest';
import { hasSpaceAtItsEnd } from '../../../src/cli/askSecret.js';

test.each([
  ['crafter rule zero ', true],
  [' crafter rule zero', true],
  ['crafter rule zero\t', true],
  ['crafter rule zero', false],
  ['crafter  rule', false],
])('a space at either end of %j is told of: %s', (typed, expected) => {
  expect(hasSpaceAtItsEnd(typed)).toBe(expected);
});
