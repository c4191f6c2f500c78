import { formatBytes, formatCount, formatSeconds } from '../../contract/facts.js';
import type { Unless } from '../engine/nodes.js';
import { optionalStep, step } from '../words.js';
import { showActivity } from './machine.js';

export const fullBackup = step({
  id: 'full-backup',
  title: 'Full database backup, encrypted',
  plan: '4, day before, step 2',
  requires: ['database up'],
  do: (act) => act.takeBackup({ kind: 'full' }),
  show: (backup) => [
    ['file', backup.file],
    ['size', formatBytes(backup.sizeBytes)],
  ],
});

export const verifyFullBackup = step({
  id: 'verify-full-backup',
  title: 'Backup verified by a test restore',
  plan: '4, day before, step 3',
  do: (act) => act.verifyBackup({ kind: 'full' }),
  show: (verified) => [
    ['tables', formatCount(verified.tables)],
    ['rows', formatCount(verified.rows)],
    ['time to restore', formatSeconds(verified.restoreSeconds)],
  ],
});

export const filesystemBackup = optionalStep({
  id: 'filesystem-backup',
  title: 'Filesystem-level backup, encrypted',
  plan: '4, day before, step 4',
  when: { holds: ({ settings }) => settings.filesystemCopy, otherwise: 'backup.filesystemCopy is none' },
  skippable: true,
  requires: ['database up'],
  do: (act) => act.takeFilesystemBackup(),
});

export const documentStatistics = step({
  id: 'document-statistics',
  title: 'Database size and statistics, documented',
  plan: '4, day before, step 5',
  requires: ['database up'],
  do: (act) => act.documentStatistics({ moment: 'before' }),
  show: (statistics) => statistics.counted.map(({ table, rows }) => [table, formatCount(rows)] as const),
});

/** What speaks to the application as a user does needs an account of its own. */
export const withTestAccount: Unless = { holds: ({ settings }) => settings.testAccount, otherwise: 'no verification.testAccount is configured' };

export const measureBaseline = optionalStep({
  id: 'measure-baseline',
  title: 'Performance baseline: requests, I/O, CPU',
  plan: '2.3',
  when: withTestAccount,
  skippable: true,
  requires: ['application up'],
  do: (act) => act.measurePerformance({ moment: 'before' }),
  show: ({ endpoints, activity }) => [
    ...endpoints.map(({ name, medianMilliseconds, spreadMilliseconds }) =>
      [name, `${medianMilliseconds.toFixed(1)} ms (half of them within ${spreadMilliseconds.toFixed(1)} ms)`] as const,
    ),
    ...showActivity(activity),
  ],
});
