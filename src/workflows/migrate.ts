import type { Activities } from '../activities/activities.js';
import type { Runbook } from './engine/nodes.js';
import {
  announceWindow,
  checkLastBackup,
  checkSpace,
  checkStability,
  humanChecks,
  measureSource,
  preflightGate,
  readDeployment,
  readHost,
} from './migrate/preflight.js';
import {
  documentStatistics,
  filesystemBackup,
  fullBackup,
  measureBaseline,
  verifyFullBackup,
} from './migrate/dayBefore.js';
import {
  addRecoveryKey,
  backupHeader,
  checkHeader,
  confirmOperational,
  confirmRecovery,
  createVolumeFileOf,
  formatVolume,
  keysStored,
  makeFilesystem,
} from './volume/create.js';
import {
  beginMaintenance,
  checkRoom,
  disableRestart,
  finalBackup,
  finalBackupGate,
  goOfflineGate,
  maintenanceWindow,
  recordStopped,
  stopApplication,
  stopDatabase,
  verifyFinalBackup,
} from './migrate/window.js';
import { copyData, selectOverlay, startDatabase, verificationGate, verifyCopy, verifyRows } from './migrate/copy.js';
import {
  checkLogs,
  comparePerformance,
  endMaintenance,
  finalGate,
  keysAtEnd,
  leaveMaintenance,
  startApplication,
  verifyService,
  watchDay,
  watchFirstHour,
} from './migrate/resume.js';
import { summariseMigration } from './migrate/summary.js';
import { carryOver } from './migrate/carryOver.js';
import { section, step } from './words.js';

/** The plan's phase 4: a PostgreSQL in Docker moves onto an encrypted volume. */
export const migrate: Runbook<Activities> = {
  name: 'migrate',
  title: 'Move PostgreSQL onto an encrypted volume',
  sections: [
    section('Pre-migration checklist', '3.1', [
      readHost,
      readDeployment,
      measureSource,
      checkSpace,
      checkStability,
      checkLastBackup,
      announceWindow,
      humanChecks,
      preflightGate,
    ]),
    section('Backup and baseline (day before)', '4', [
      fullBackup,
      verifyFullBackup,
      filesystemBackup,
      documentStatistics,
      measureBaseline,
    ]),
    section('Create encrypted volume', '4, step 3', [
      createVolumeFileOf(({ from }) => ({ databaseBytes: from(measureSource).sizeBytes })),
      formatVolume,
      addRecoveryKey,
      checkHeader,
      makeFilesystem,
      backupHeader,
      confirmOperational,
      confirmRecovery,
      keysStored,
    ]),
    section('Stop sync operations, final backup', '4, steps 1 and 2', [
      maintenanceWindow,
      checkRoom,
      goOfflineGate,
      disableRestart,
      beginMaintenance,
      finalBackup,
      verifyFinalBackup,
      finalBackupGate,
    ]),
    section('Stop PostgreSQL cleanly', '4, step 4', [stopApplication, recordStopped, stopDatabase]),
    section('Copy and verify', '4, steps 5 and 6', [copyData, verifyCopy, verificationGate]),
    section('Switch to the encrypted volume', '4, steps 7 and 8', [selectOverlay, startDatabase, verifyRows]),
    section('Post-migration verification', '4, step 9', [startApplication, verifyService, checkLogs, comparePerformance]),
    section('Resume operations', '4, step 10', [endMaintenance, watchFirstHour, finalGate, watchDay, keysAtEnd]),
  ],
  carryOver,
  afterRollback: [
    step({ id: 'announce-rollback', title: 'Announce extended maintenance', plan: '4, rollback', do: (act) => act.announceRollback() }),
  ],
  whenStopped: [leaveMaintenance],
  leaves: ['volume open', 'application up'],
  summary: summariseMigration,
};
