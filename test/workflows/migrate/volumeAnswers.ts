const mebibyte = 1024 * 1024;
const gibibyte = 1024 * mebibyte;

/** What the activities of `setupVolume` and `growVolume` might answer on a host that is well. */
export const volumeAnswers = {
  readCipherRate: { aes: true, encryptMebibytesPerSecond: 1825.1, decryptMebibytesPerSecond: 1817.9 },
  planVolume: {
    place: '/var/lib/supersync-encrypted.img',
    isDevice: false,
    database: { directory: '/var/lib/docker/volumes/supersync_pg-data/_data', sizeBytes: 1.7 * gibibyte },
    isDeployed: true,
    argon2id: { memoryKiB: 1_048_576, parallel: 4, iterationMilliseconds: 2000, minimumMemoryKiB: 65_536 },
    sizeBytes: 2.2 * gibibyte,
    availableBytes: 60 * gibibyte,
    hasOldBytes: false,
  },
  notePrepared: { device: '/var/lib/supersync-encrypted.img', uuid: '0f5c8a3e-6f0b-4c53-9a39-5d1a3a6f1b52', at: '2026-11-01T20:00:00.000Z', runId: '1' },
  forgetPrepared: undefined,
  readLeftVolume: { place: '/var/lib/supersync-encrypted.img', sizeBytes: 2.2 * gibibyte, removal: 'rm /var/lib/supersync-encrypted.img' },
  assertNewDeployment: { container: 'supersync-postgres', image: 'postgres:16-alpine' },
  initialiseDatabase: { openFiles: 38 },
  stopNewDatabase: undefined,
  assertVolumeInUse: { place: '/var/lib/supersync-encrypted.img' },
  measureGrowth: { place: '/var/lib/supersync-encrypted.img', isDevice: false, placeBytes: 2.2 * gibibyte, sizeBytes: 3 * gibibyte, usedBytes: 1.8 * gibibyte, availableBytes: 0.3 * gibibyte, leftBelowBytes: 57 * gibibyte },
  growFile: { sizeBytes: 3 * gibibyte },
  growLoop: { device: '/dev/loop0', sizeBytes: 3 * gibibyte },
  growMapping: { sizeBytes: 3 * gibibyte - 16 * mebibyte },
  growFilesystem: { sizeBytes: 3 * gibibyte - 16 * mebibyte },
  proveGrowth: { placeBytes: 3 * gibibyte, belowBytes: 3 * gibibyte, mappingBytes: 3 * gibibyte - 16 * mebibyte, filesystemBytes: 3 * gibibyte - 16 * mebibyte, availableBytes: 1.1 * gibibyte, usedPercent: 62 },
} as const;
