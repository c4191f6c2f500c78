import { formatBytes, formatCount, formatSeconds } from '../../contract/facts.js';
import { estimateOfflineSeconds } from '../../contract/estimate.js';
import type { From } from '../engine/nodes.js';
import { gate, step, waitUntil } from '../words.js';
import { fullBackup, verifyFullBackup } from './dayBefore.js';
import { measureSource } from './preflight.js';

export const maintenanceWindow = waitUntil({
  id: 'maintenance-window',
  title: 'The maintenance window opens',
  plan: '4',
  until: ({ settings }) => settings.windowOpensAt,
});

export const checkRoom = step({
  id: 'check-room',
  title: 'The database still fits the volume',
  plan: '3.2, step 1',
  requires: ['volume open'],
  do: (act) => act.assertFitsVolume(),
  show: ({ sizeBytes, availableBytes }) => [
    ['database', formatBytes(sizeBytes)],
    ['room on the volume', formatBytes(availableBytes)],
  ],
});

export const goOfflineGate = gate({
  id: 'go-offline',
  title: 'Users go offline now: begin?',
  plan: '4, step 1',
  requires: ['database up', 'volume open'],
  evidence: ({ from }) => [
    ['users offline, estimated', estimateOffline(from)],
    ["the plan's estimate", formatSeconds(from(measureSource).planSeconds)],
    ['to copy', formatBytes(from(checkRoom).sizeBytes)],
  ],
});

/** By what the backup of the day before has taken on this host: the final one does the same once more. */
function estimateOffline(from: From): string {
  const { sizeBytes: ofBytes, bytesPerSecond, estimatedSeconds } = from(measureSource);
  const { takenInSeconds } = from(fullBackup);
  // Of a run that a version of before has begun.
  if (takenInSeconds === undefined) return `${formatSeconds(estimatedSeconds)}, by the disk alone`;
  const seconds = takenInSeconds + from(verifyFullBackup).restoreSeconds;
  return `${formatSeconds(estimateOfflineSeconds({ sizeBytes: from(checkRoom).sizeBytes, bytesPerSecond, backup: { seconds, ofBytes } }))}, by what this run's own backup took`;
}

export const disableRestart = step({
  id: 'disable-restart',
  title: 'Docker starts neither container again by itself',
  plan: '4, step 1',
  do: (act) => act.disableRestart(),
  // Until then Docker starts nothing by itself: what a power cut stopped has to run before the policy is told to keep it running.
  undo: { title: 'Restart policies as they were', requires: ['application up'], do: (act) => act.restoreRestart() },
});

export const beginMaintenance = step({
  id: 'begin-maintenance',
  title: 'Users kept out: writes refused, proven by a write, or the application stopped',
  plan: '4, step 1',
  usersOffline: true,
  do: (act) => act.beginMaintenance(),
  undo: { title: 'Maintenance mode off, the application healthy', do: (act) => act.leaveMaintenance() },
  show: (begun) => [['how', begun.how]],
});

export const finalBackup = step({
  id: 'final-backup-taken',
  title: 'Final backup',
  plan: '4, step 2',
  usersOffline: true,
  requires: ['database up'],
  do: (act) => act.takeBackup({ kind: 'final' }),
  show: (backup) => [
    ['file', backup.file],
    ['size', formatBytes(backup.sizeBytes)],
  ],
});

export const verifyFinalBackup = step({
  id: 'verify-final-backup',
  title: 'Final backup verified by a test restore',
  plan: '4, step 2',
  usersOffline: true,
  do: (act) => act.verifyBackup({ kind: 'final' }),
  show: (verified) => [
    ['rows', formatCount(verified.rows)],
    ['time to restore', formatSeconds(verified.restoreSeconds)],
  ],
});

export const finalBackupGate = gate({
  id: 'final-backup',
  title: 'Final backup taken and verified: stop the database and copy it?',
  plan: '4, step 2',
  usersOffline: true,
  requires: ['database up', 'volume open'],
  evidence: ({ from }) => [
    ['backup', `${from(finalBackup).file}, ${formatBytes(from(finalBackup).sizeBytes)}`],
    ['restored rows', formatCount(from(verifyFinalBackup).rows)],
    ['to copy', formatBytes(from(checkRoom).sizeBytes)],
  ],
});

export const stopApplication = step({
  id: 'stop-application',
  title: 'Application stopped',
  plan: '4, step 4',
  usersOffline: true,
  do: (act) => act.stopApplication({}),
  undo: { title: 'Application started on the old volume', do: (act) => act.startApplicationOnSource() },
});

export const recordStopped = step({
  id: 'record-statistics',
  title: 'Exact row counts, sequences and roles, with nobody writing',
  plan: '4, step 9',
  usersOffline: true,
  requires: ['database up', 'application stopped'],
  do: (act) => act.documentStatistics({ moment: 'stopped' }),
  show: (statistics) => statistics.counted.map(({ table, rows }) => [table, formatCount(rows)] as const),
});

export const stopDatabase = step({
  id: 'stop-database',
  title: 'PostgreSQL stopped cleanly, proven by pg_controldata',
  plan: '4, step 4',
  usersOffline: true,
  requires: ['application stopped'],
  do: (act) => act.stopDatabase(),
  undo: {
    title: 'PostgreSQL started on the old volume, proven equal',
    do: (act) => act.startDatabaseOnSource(),
    otherwise: {
      answer: 'restore-backup',
      title: 'The final backup restored into a new cluster beside the damaged one, which is kept, and proven equal',
      do: (act) => act.restoreFinalBackup(),
    },
  },
  show: (stopped) => [
    ['state', stopped.state],
    ['checkpoint', stopped.checkpoint],
  ],
});
