import type { Answers } from '../migrate/answers.js';

const slots = [
  { slot: 0, role: 'operational', setBy: 'h1/migrate run-0', kdf: 'argon2id', memoryKiB: 1_048_576, provenAt: '2026-01-01T10:00:00.000Z' },
  { slot: 1, role: 'recovery', setBy: 'h1/migrate run-0', kdf: 'argon2id', memoryKiB: 1_048_576, provenAt: '2026-01-01T10:00:00.000Z' },
] as const;

const backup = { file: '/var/lib/lockstep/runs/rotateKey-1/luks-header-new-keys.img', sizeBytes: 16_777_216, sha256: 'a'.repeat(64), opened: [2] } as const;

/** What every activity of a host might answer where keys are exchanged and all goes well. */
export const keyAnswers = {
  readKeys: { volume: '0f5c8a3e-6f0b-4c53-9a39-5d1a3a6f1b52', slots },
  assertRecentBackup: { file: '/var/backups/supersync/full.dump.zst.gpg', ageHours: 3 },
  proveKey: { slot: 1, provenAt: '2026-01-01T10:00:00.000Z' },
  addNewKey: { role: 'operational', slot: 2 },
  removeNewKey: { removed: [2] },
  confirmNewKey: { slot: 2, typed: true },
  backupNewHeader: backup,
  closeForTest: { closed: 'pg-data-encrypted' },
  reopenWithNewKey: { opened: true, openFiles: 41, status: 200 },
  bringServiceBack: { status: 200 },
  assertNewKeysStand: { slots: [{ slot: 2, role: 'operational' }] },
  removeOldKeys: { removed: [{ slot: 0, role: 'operational' }] },
  proveOldKeyFails: { opens: 'nothing' },
  reencryptVolume: { slots: [{ slot: 3, role: 'operational' }, { slot: 4, role: 'recovery' }] },
  assertKeys: { volume: '0f5c8a3e-6f0b-4c53-9a39-5d1a3a6f1b52', slots: [{ slot: 1, role: 'recovery' }, { slot: 2, role: 'operational' }] },
  retireHeaderBackups: { files: ['/var/lib/lockstep/runs/migrate-0/luks-header.img'], kept: '/var/lib/lockstep/runs/rotateKey-1/luks-header-old-removed.img', sha256: 'b'.repeat(64) },
  documentRotation: { file: '/var/lib/lockstep/runs/rotateKey-1/rotation-notice.txt', at: '2026-11-01T20:00:00.000Z' },
  unlockWithRecoveryKey: { slot: 1, opened: true, status: 200 },
  documentEmergencyAccess: { file: '/var/lib/lockstep/runs/emergencyAccess-1/emergency-access.md' },
} satisfies Answers;
