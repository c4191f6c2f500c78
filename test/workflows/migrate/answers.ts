import type { Activities } from '../../../src/activities/index.js';

const mebibyte = 1024 * 1024;
const gibibyte = 1024 * mebibyte;

const header = {
  uuid: '0f5c8a3e-6f0b-4c53-9a39-5d1a3a6f1b52',
  cipher: 'aes-xts-plain64',
  keySizeBits: 512,
  sectorSizeBytes: 4096,
  slots: [
    { slot: 0, kdf: 'argon2id', memoryKiB: 1_048_576 },
    { slot: 1, kdf: 'argon2id', memoryKiB: 1_048_576 },
  ],
  roles: [
    { role: 'operational', slots: [0] },
    { role: 'recovery', slots: [1] },
  ],
} as const;

const tables = [
  { table: 'public.operations', rows: 1_204_331 },
  { table: 'public.users', rows: 412 },
];

const activity = {
  seconds: 4,
  ioWaitPercent: 1,
  processorPercent: 12,
  disk: { readBytesPerSecond: 0, writtenBytesPerSecond: 3 * mebibyte, busyPercent: 4, averageRequestMilliseconds: 0.6 },
} as const;

const plaintext = {
  places: 1,
  files: 5012,
  sizeBytes: 1.7 * gibibyte,
  freedBytes: 1.7 * gibibyte,
  copies: [['/var/lib/docker/volumes/supersync_pg-data/_data', 'old data directory, 1.70 GiB in 5,012 files']],
} as const;

/** What every activity of a host might answer in a migration that goes well. */
export const migrateAnswers = {
  reviewUnlocks: {
    since: '2026-08-03T20:00:00.000Z',
    log: '/var/log/luks-audit.log, 812 lines, each following from the one before',
    events: 14,
    unlocks: 11,
    failed: 1,
    people: ['ann', 'ben'],
    unusual: 1,
    lines: ['2026-10-30 23:10 UTC VOLUME_UNLOCK_FAILED by ann from 192.0.2.9: failed, at night, address not seen before'],
    knowsAddresses: true,
    file: '/var/lib/lockstep/runs/respondToCompromise-1/unlocks.txt',
  },
  readLogins: {
    since: '2026-08-03T20:00:00.000Z',
    sessions: 31,
    accepted: 40,
    refused: 1203,
    refusedFrom: 80,
    lacking: ['lastlog'],
    lines: ['ann from 192.0.2.7: 52, last 2026-10-31T09:12:00+00:00'],
    file: '/var/lib/lockstep/runs/respondToCompromise-1/logins.txt',
  },
  draftNotifications: {
    authority: '/var/lib/lockstep/runs/respondToCompromise-1/notification-authority.md',
    users: '/var/lib/lockstep/runs/respondToCompromise-1/notification-users.md',
  },
  writeIncidentReport: { file: '/var/lib/lockstep/runs/respondToCompromise-1/incident-report.md', items: 19, late: 1, notDone: 0, verdict: 'not notifiable' },
  readHost: { kernel: '6.1.0-26-amd64', aes: true, argon2idMemoryBytes: gibibyte, cpus: 4 },
  readDeployment: {
    databaseService: 'postgres',
    applicationService: 'supersync',
    container: 'supersync-postgres',
    applicationContainer: 'supersync-server',
    image: 'postgres:16-alpine',
    serverVersion: '16.4',
    pgdata: '/var/lib/postgresql/data',
    mountTarget: '/var/lib/postgresql/data',
    root: '/var/lib/docker/volumes/supersync_db/_data',
    directory: '/var/lib/docker/volumes/supersync_db/_data',
    uid: 70,
    gid: 70,
    sizeBytes: 1.7 * gibibyte,
    files: 5012,
    restartPolicies: { 'supersync-postgres': 'always', 'supersync-server': 'always' },
  },
  measureSource: { sizeBytes: 1.7 * gibibyte, files: 5012, bytesPerSecond: 180 * mebibyte, estimatedSeconds: 41, planSeconds: 153 },
  assertSpace: { rooms: [{ directory: '/var/lib', neededBytes: 3.4 * gibibyte, availableBytes: 60 * gibibyte }] },
  assertFitsVolume: { sizeBytes: 1.7 * gibibyte, availableBytes: 2.1 * gibibyte },
  assertStable: { ioErrors: 0, loadPerCpu: 0.31, restarts: 0 },
  readLastBackup: { ageHours: null, file: null, maximumAgeHours: 24, counts: false },
  announceWindow: { file: '/var/lib/lockstep/runs/migrate-1/announcements/week-before.txt' },
  takeBackup: { file: '/var/backups/supersync/full.dump.zst.gpg', sizeBytes: 240 * mebibyte, sha256: 'a'.repeat(64) },
  verifyBackup: { restoreSeconds: 38, tables: 2, rows: 1_204_743 },
  takeFilesystemBackup: { file: '/var/backups/supersync/base.tar.zst.gpg', sizeBytes: 400 * mebibyte },
  documentStatistics: { counted: tables, tables: 2, rows: 1_204_743, sizeBytes: 1.7 * gibibyte },
  measurePerformance: { endpoints: [{ name: 'health', requests: 60, medianMilliseconds: 1.4, spreadMilliseconds: 0.3 }], activity },
  createVolumeFile: { file: '/var/lib/supersync-encrypted.img', sizeBytes: 2.2 * gibibyte, allocatedBytes: 2.2 * gibibyte },
  formatVolume: header,
  addRecoveryKey: { slot: 1 },
  assertHeader: header,
  makeFilesystem: { filesystem: '9c1f-ext4', volume: header.uuid, availableBytes: 2.1 * gibibyte },
  backupHeader: { slot: 0, file: '/var/lib/lockstep/runs/migrate-1/luks-header.img', sizeBytes: 16 * mebibyte, sha256: 'b'.repeat(64) },
  confirmPassphrase: { slot: 0, typed: true },
  closeVolume: { closed: 'pg-data-encrypted' },
  beginMaintenance: { how: 'application stopped', since: '2026-11-01T20:00:00.000Z' },
  endMaintenance: { offlineSeconds: 97 },
  leaveMaintenance: { offlineSeconds: 97 },
  disableRestart: { containers: ['supersync-postgres', 'supersync-server'] },
  restoreRestart: { restartPolicies: { 'supersync-postgres': 'always', 'supersync-server': 'always' } },
  stopApplication: { stopped: true },
  stopDatabase: { systemIdentifier: '7301482217', state: 'shut down', checkpoint: '0/1A2B3C4D', controlDigest: 'c'.repeat(64) },
  copyData: { files: 5012, sizeBytes: 1.7 * gibibyte, transferredBytes: 1.7 * gibibyte, transferredFiles: 5012, bytesPerSecond: 170 * mebibyte },
  verifyCopy: {
    sourceFiles: 5012,
    targetFiles: 5012,
    sourceBytes: 1.7 * gibibyte,
    targetBytes: 1.7 * gibibyte,
    equalDigests: 5012,
    bytesRead: 3.4 * gibibyte,
    digest: 'c'.repeat(64),
  },
  selectOverlay: { composeFile: 'docker-compose.yaml:docker-compose.encrypted.yaml' },
  deselectOverlay: { composeFile: 'docker-compose.yaml' },
  startDatabaseOnVolume: { openFiles: 41 },
  stopDatabaseOnVolume: { stopped: true },
  startDatabaseOnSource: { equal: true, untouched: true, carriedOver: false },
  readWayBack: { root: '/var/lib/docker/volumes/supersync_pg-data/_data', sizeBytes: 1.7 * gibibyte, databaseRuns: true, stoppedAt: '2026-11-01T20:00:30.000Z', rows: 1_204_743, usersMayWriteSince: '2026-11-01T20:01:37.000Z', carriedOver: false, begunBefore: false },
  assertCarryOverRoom: { sizeBytes: 1.7 * gibibyte, availableBytes: 9 * gibibyte },
  stopDatabaseToCarryOver: { systemIdentifier: '7301482217', state: 'shut down', checkpoint: '0/1A2B9999', controlDigest: 'd'.repeat(64) },
  copyBack: { files: 5020, sizeBytes: 1.7 * gibibyte, transferredBytes: 1.7 * gibibyte, transferredFiles: 5020, bytesPerSecond: 170 * mebibyte },
  verifyCopyBack: {
    sourceFiles: 5020,
    targetFiles: 5020,
    sourceBytes: 1.7 * gibibyte,
    targetBytes: 1.7 * gibibyte,
    equalDigests: 5020,
    bytesRead: 3.4 * gibibyte,
    digest: 'd'.repeat(64),
  },
  restoreFinalBackup: {
    equal: true,
    restored: '/var/backups/supersync/final.sql.zst.gpg',
    takenAt: '2026-11-01T20:03:00.000Z',
    kept: '/var/lib/docker/volumes/supersync_pg-data/_data.damaged-1',
    configuration: 'taken over from /var/lib/docker/volumes/supersync_pg-data/_data',
  },
  exchangeSource: { kept: '/var/lib/docker/volumes/supersync_pg-data/_data.before-1', at: '2026-11-01T20:09:37.000Z' },
  verifyRows: { counted: tables, tables: 2, rows: 1_204_743 },
  startApplicationOnVolume: { status: 200 },
  startApplicationOnSource: { status: 200 },
  verifyService: { passed: ['login', 'operation up', 'operation down', 'snapshot'] },
  assertLogs: { errors: 0, since: '2026-11-01T20:01:37.000Z' },
  comparePerformance: { verdicts: [{ name: 'health', verdict: 'pass', words: '+1 % (−3 to +5 %)' }], activity },
  watch: { checks: 120, failedChecks: 0, errors: 0, restarts: 0, ioErrors: 0, memoryKills: 0, checksumFailures: 0, errorsFile: null, since: '2026-11-01T20:01:37.000Z' },
  readMigrationToDecommission: { runId: '1', inUseSince: '2026-11-01T20:01:37.000Z', inUseDays: 31, retentionDays: 30, removalBegunAt: null },
  assertServiceOnVolume: { openFiles: 41 },
  ensureVerifiedBackup: { file: '/var/backups/supersync/cluster.sql.zst.gpg', takenAt: '2026-12-02T20:00:00.000Z', verifiedAt: '2026-12-02T20:01:00.000Z', sizeBytes: 240 * mebibyte, ageDays: 0.5, taken: false, counted: { databases: ['supersync', 'postgres'], tables: 2, roles: 1 } },
  listPlaintextCopies: {
    ...plaintext,
    processes: 212,
    kept: [['/swapfile', 'swap, not removed: 1073741824 bytes that are not on dm-crypt']],
  },
  confirmPlaintextCopies: { openFiles: 41, processes: 212 },
  removePlaintextCopies: { ...plaintext, closedPlaces: { '/var/lib/docker/volumes/supersync_pg-data/_data': 'immutable' } },
  trimFreedBlocks: { trimmed: [{ mountPoint: '/', words: '/: 2 GiB (2147483648 bytes) trimmed' }] },
  proveDecommission: { openFiles: 41, rowsBefore: 1_204_743, rowsAfter: 1_204_750, tables: 2, kept: [] },
  announceRollback: { file: '/var/lib/lockstep/runs/migrate-1/extended-maintenance.txt', available: true },
} satisfies Answers;

/** What activities answer, as far as a run calls them. */
export type Answers = { readonly [Name in keyof Activities]?: DeepReadonly<Awaited<ReturnType<Activities[Name]>>> };

type DeepReadonly<T> = T extends object ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> } : T;
