import { expect, test } from 'vitest';
import { assertSpoken } from '../../../src/cli/spoken.js';

test('a name and a reason that can be recorded pass', () => {
  expect(() => assertSpoken({})).not.toThrow();
  expect(() => assertSpoken({ by: 'ann', reason: 'disk alarm' })).not.toThrow();
});

test.each([
  [{ reason: '' }, '--reason is empty; say why'],
  [{ reason: ' ' }, '--reason is empty; say why'],
  [{ by: '', reason: 'why' }, '--by is empty; say who decides'],
  [{ by: 'a'.repeat(201) }, '--by is longer than 200 characters; say it in fewer'],
  [{ reason: 'one\ntwo' }, '--reason holds a line break or another control character; say it in one line'],
])('%j is refused before anything is sent', (said, message) => {
  expect(() => assertSpoken(said)).toThrow(expect.objectContaining({ exitCode: 2, message }) as Error);
});
