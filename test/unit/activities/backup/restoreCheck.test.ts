import { expect, test } from 'vitest';
import { initdbArguments } from '../../../../src/activities/backup/restoreCheck.js';

test('a restored cluster is made as the one that was dumped', () => {
  expect(initdbArguments({ encoding: 'UTF8', collation: 'en_US.utf8', characterType: 'de_DE@euro', hasChecksums: true })).toBe('--encoding=UTF8 --lc-collate=en_US.utf8 --lc-ctype=de_DE@euro --data-checksums');
});

test('a name that a shell would take for more than a name is left out', () => {
  expect(initdbArguments({ encoding: 'UTF8', collation: '$(touch /x)', characterType: "C' x", hasChecksums: false })).toBe('--encoding=UTF8');
});
