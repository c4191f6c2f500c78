import { formatBytes, formatCount, type Facts } from '../../contract/facts.js';
import { gate, step } from '../words.js';

export const copyData = step({
  id: 'copy-data',
  title: 'Copy data to the encrypted volume',
  plan: '4, step 5',
  usersOffline: true,
  requires: ['source stopped and unchanged', 'volume open'],
  do: (act) => act.copyData(),
  show: (copied) => [
    ['copied', `${formatBytes(copied.sizeBytes)} in ${formatCount(copied.files)} files`],
    ['rate', `${formatBytes(copied.bytesPerSecond)}/s`],
  ],
});

export const verifyCopy = step({
  id: 'verify-copy',
  title: 'Verify data integrity: every file by digest, read from the device',
  plan: '4, step 6',
  usersOffline: true,
  requires: ['source stopped and unchanged', 'volume open'],
  do: (act) => act.verifyCopy(),
  show: showVerified,
});

/** The plan's counts and sizes, beside what proves them. */
export function showVerified(verified: {
  readonly sourceFiles: number;
  readonly targetFiles: number;
  readonly sourceBytes: number;
  readonly targetBytes: number;
  readonly equalDigests: number;
}): Facts {
  return [
    ['files', `${formatCount(verified.sourceFiles)} in the source, ${formatCount(verified.targetFiles)} in the copy`],
    ['bytes', `${formatBytes(verified.sourceBytes)} in the source, ${formatBytes(verified.targetBytes)} in the copy`],
    ['digests equal', formatCount(verified.equalDigests)],
  ];
}

export const verificationGate = gate({
  id: 'verification',
  title: 'The copy is equal: switch to the encrypted volume?',
  plan: '4, step 6',
  usersOffline: true,
  requires: ['source stopped and unchanged', 'volume open'],
  evidence: ({ from }) => showVerified(from(verifyCopy)),
});

export const selectOverlay = step({
  id: 'select-overlay',
  title: 'Compose overlay selected in .env',
  plan: '4, step 7',
  usersOffline: true,
  requires: ['source stopped and unchanged', 'volume open'],
  do: (act) => act.selectOverlay(),
  undo: { title: 'Original compose files selected', do: (act) => act.deselectOverlay() },
  show: (selected) => [['COMPOSE_FILE', selected.composeFile]],
});

export const startDatabase = step({
  id: 'start-database',
  title: 'PostgreSQL started on the encrypted volume; every open file lies on it',
  plan: '4, step 8',
  usersOffline: true,
  requires: ['source unchanged', 'volume open', 'application stopped'],
  do: (act) => act.startDatabaseOnVolume(),
  undo: { title: 'PostgreSQL on the encrypted volume stopped', do: (act) => act.stopDatabaseOnVolume() },
  show: (started) => [['open files on the volume', formatCount(started.openFiles)]],
});

export const verifyRows = step({
  id: 'verify-rows',
  title: 'Row counts, sequences and roles as in the stopped source',
  plan: '4, step 9.2',
  usersOffline: true,
  requires: ['source unchanged', 'volume open', 'database up'],
  do: (act) => act.verifyRows(),
  show: (rows) => [
    ['tables equal', formatCount(rows.tables)],
    ['rows equal', formatCount(rows.rows)],
  ],
});
