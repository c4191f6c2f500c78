import { expect, test } from 'vitest';
import { isWithin } from '../../../../src/host/files/paths.js';

test.each([
  ['/srv/data', '/srv/data', true],
  ['/srv/data/base/1', '/srv/data', true],
  ['/srv/data-old', '/srv/data', false],
  ['/srv', '/srv/data', false],
  ['/srv', '/', true],
  ['/', '/', true],
])('%s within %s: %s', (path, directory, is) => {
  expect(isWithin(path, directory)).toBe(is);
});
