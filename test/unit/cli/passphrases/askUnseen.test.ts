import { expect, test } from 'vitest';
import { validateSecret } from '../../../../src/cli/passphrases/askUnseen.js';
import { typedTraps } from '../../newlineTraps.js';

test.each(typedTraps)('at a prompt, %s', (_, value, becomes) => {
  expect(validateSecret(value)).toBe(typeof becomes === 'string' ? `It ${becomes}.` : true);
});
