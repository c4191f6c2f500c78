import { expect, test } from 'vitest';
import type { View } from '../../../src/workflows/engine/nodes.js';
import { readHost } from '../../../src/workflows/migrate/preflight.js';
import { goOfflineGate } from '../../../src/workflows/migrate/window.js';

const host = { kernel: '6.1.0', aes: true, argon2idMemoryBytes: 1024, cpus: 4 };

test('a passphrase in the clear is among the figures of the first step; a run of an older version has none', () => {
  const shown = (found: Parameters<NonNullable<typeof readHost.show>>[0]) => readHost.show?.(found) ?? [];
  expect(shown({ ...host, passphrasesInTheClear: ['operationalPassphrase is kept in /x'] })).toContainEqual(['PASSPHRASE IN THE CLEAR', 'operationalPassphrase is kept in /x']);
  expect(shown(host)).toHaveLength(3);
});

test('before users go offline the estimate is by what the backup of this run took, where that is known', () => {
  const evidence = (backup: object) => {
    const found: Record<string, object> = {
      'measure-source': { sizeBytes: 3e9, bytesPerSecond: 500e6, estimatedSeconds: 96, planSeconds: 270 },
      'full-backup': { file: '/b', sizeBytes: 1e9, sha256: 'a', ...backup },
      'verify-full-backup': { rows: 7, restoreSeconds: 280 },
      'check-room': { sizeBytes: 6e9, availableBytes: 9e9 },
    };
    return Object.fromEntries(goOfflineGate.evidence?.({ from: ({ id }: { id: string }) => found[id] } as unknown as View) ?? []);
  };
  // Twice as large by now: twice (120 s + 280 s), three passes of 6 GB at 500 MB/s, and a minute.
  expect(evidence({ takenInSeconds: 120 })['users offline, estimated']).toBe("14 min 56 s, by what this run's own backup took");
  expect(evidence({})['users offline, estimated']).toBe('1 min 36 s, by the disk alone');
});
