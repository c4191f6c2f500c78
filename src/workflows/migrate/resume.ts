import { formatCount, formatSeconds, type Facts } from '../../contract/facts.js';
import { leaveMaintenanceNode } from '../../contract/names.js';
import { showTwoKeys } from '../keys/exchange.js';
import { gate, optionalStep, step } from '../words.js';
import { verifyRows } from './copy.js';
import { withTestAccount } from './dayBefore.js';
import { showActivity } from './machine.js';

export const startApplication = step({
  id: 'start-application',
  title: 'Application started, healthy',
  plan: '4, step 9.3',
  usersOffline: true,
  requires: ['source unchanged', 'volume open', 'database up'],
  do: (act) => act.startApplicationOnVolume(),
  undo: { title: 'Application on the encrypted volume stopped', do: (act) => act.stopApplication({ onVolume: true }) },
  show: (started) => [['health', String(started.status)]],
});

export const verifyService = optionalStep({
  id: 'verify-service',
  title: 'Login, an operation up and down, snapshot, restore point',
  plan: '4, step 9.4',
  when: withTestAccount,
  skippable: true,
  usersOffline: true,
  requires: ['volume open', 'application up'],
  do: (act) => act.verifyService(),
  show: (checks) => checks.passed.map((check) => [check, 'ok'] as const),
});

export const checkLogs = optionalStep({
  id: 'check-logs',
  title: 'No errors in the logs',
  plan: '4, step 9.5',
  skippable: true,
  usersOffline: true,
  requires: ['volume open', 'application up'],
  do: (act) => act.assertLogs(),
  show: (logs) => [['error lines', String(logs.errors)]],
});

export const comparePerformance = optionalStep({
  id: 'compare-performance',
  title: 'Performance against the baseline',
  plan: '4, step 9.6',
  when: withTestAccount,
  skippable: true,
  usersOffline: true,
  requires: ['volume open', 'application up'],
  do: (act) => act.comparePerformance(),
  show: ({ verdicts, activity }) => [
    ...verdicts.map(({ name, verdict, words }) => [name, `${verdict}: ${words}`] as const),
    ...showActivity(activity),
  ],
});

export const endMaintenance = step({
  id: 'end-maintenance',
  title: 'Maintenance mode off: users are back',
  plan: '4, step 10',
  requires: ['volume open', 'application up'],
  do: (act) => act.endMaintenance(),
  show: (ended) => [['users were offline', formatSeconds(ended.offlineSeconds)]],
});

/** For a run that ends here by a person's decision: the service stays on the new volume, and users get it back. */
export const leaveMaintenance = optionalStep({
  id: leaveMaintenanceNode,
  title: 'Maintenance mode off, the application healthy',
  plan: '4, step 10',
  requires: ['volume open'],
  skippable: true,
  do: (act) => act.leaveMaintenance(),
});

export const watchFirstHour = optionalStep({
  id: 'watch-first-hour',
  title: 'Watch the first hour',
  plan: '4, step 10',
  skippable: true,
  requires: ['volume open', 'application up'],
  do: (act, { settings }) => act.watch({ seconds: settings.firstHourSeconds, span: 'first-hour' }),
  show: showWatched,
});

export const finalGate = gate({
  id: 'final',
  title: 'Final: keep the encrypted volume?',
  plan: '4, step 10',
  requires: ['volume open', 'application up'],
  evidence: ({ from }) => [
    ['users were offline', formatSeconds(from(endMaintenance).offlineSeconds)],
    ['rows equal', formatCount(from(verifyRows).rows)],
    ...showWatched(from(watchFirstHour) ?? 'skipped'),
  ],
});

export const watchDay = optionalStep({
  id: 'watch-day',
  title: 'Watch the first day',
  plan: 'week 4',
  skippable: true,
  requires: ['volume open', 'application up'],
  do: (act, { settings }) => act.watch({ seconds: settings.daySeconds, span: 'first-day' }),
  show: showWatched,
});

/** An emergency may have come first since the volume got its keys. */
export const keysAtEnd = optionalStep({
  id: 'keys-at-end',
  title: 'The keys as they stand now: exactly two slots, both proven, and a header backup that has them',
  plan: '5.3, step 9',
  skippable: true,
  requires: ['volume open', 'application up'],
  do: (act) => act.proveKeysAtEnd(),
  show: (keys) => [...showTwoKeys(keys), ['header backup', keys.headerBackup] as const],
});

interface Watched {
  readonly checks: number;
  readonly failedChecks: number;
  readonly errors: number;
  readonly restarts: number;
  readonly errorsFile: string | null;
  /** Absent from what a run of an earlier version recorded. */
  readonly ioErrors?: number;
  readonly memoryKills?: number;
  readonly checksumFailures?: number;
}

/** What a watch saw; what it takes for a reason to go back it has not passed over. */
function showWatched(watched: Watched | 'skipped'): Facts {
  if (watched === 'skipped') return [['the watch of the first hour', 'was left out by a person']];
  const counted: readonly (readonly [string, number | undefined])[] = [
    ['container restarts', watched.restarts],
    ['kernel I/O errors under the volume', watched.ioErrors],
    ['processes killed for want of memory', watched.memoryKills],
    ['pages with a wrong checksum', watched.checksumFailures],
  ];
  return [
    ['error lines', watched.errorsFile === null ? 'none' : `${formatCount(watched.errors)}, in ${watched.errorsFile}`],
    ['failed health checks', `${formatCount(watched.failedChecks)} of ${formatCount(watched.checks)}`],
    ...counted.flatMap(([label, count]) => (count === undefined ? [] : [[label, formatCount(count)] as const])),
  ];
}
