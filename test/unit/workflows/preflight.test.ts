import { expect, test } from 'vitest';
import { readHost } from '../../../src/workflows/migrate/preflight.js';

const host = { kernel: '6.1.0', aes: true, argon2idMemoryBytes: 1024, cpus: 4 };

test('a passphrase in the clear is among the figures of the first step; a run of an older version has none', () => {
  const shown = (found: Parameters<NonNullable<typeof readHost.show>>[0]) => readHost.show?.(found) ?? [];
  expect(shown({ ...host, passphrasesInTheClear: ['operationalPassphrase is kept in /x'] })).toContainEqual(['PASSPHRASE IN THE CLEAR', 'operationalPassphrase is kept in /x']);
  expect(shown(host)).toHaveLength(3);
});
