import { formatCount, formatSeconds } from '../../contract/facts.js';
import { gate, optionalStep, step } from '../words.js';
import { verifyRows } from './copy.js';
import { showActivity } from './machine.js';

export const startApplication = step({
  id: 'start-application',
  title: 'Application started, healthy',
  plan: '4, step 9.3',
  usersOffline: true,
  requires: ['volume open', 'database up'],
  do: (act) => act.startApplicationOnVolume(),
  undo: { title: 'Application on the encrypted volume stopped', do: (act) => act.stopApplication() },
  show: (started) => [['health', String(started.status)]],
});

export const verifyService = optionalStep({
  id: 'verify-service',
  title: 'Login, an operation up and down, snapshot, restore point',
  plan: '4, step 9.4',
  when: { holds: ({ settings }) => settings.testAccount, otherwise: 'no verification.testAccount is configured' },
  usersOffline: true,
  requires: ['application up'],
  do: (act) => act.verifyService(),
  show: (checks) => checks.passed.map((check) => [check, 'ok'] as const),
});

export const checkLogs = step({
  id: 'check-logs',
  title: 'No errors in the logs',
  plan: '4, step 9.5',
  usersOffline: true,
  do: (act) => act.assertLogs(),
  show: (logs) => [['error lines', String(logs.errors)]],
});

export const comparePerformance = optionalStep({
  id: 'compare-performance',
  title: 'Performance against the baseline',
  plan: '4, step 9.6',
  skippable: true,
  usersOffline: true,
  requires: ['application up'],
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
  requires: ['application up'],
  do: (act) => act.endMaintenance(),
  show: (ended) => [['users were offline', formatSeconds(ended.offlineSeconds)]],
});

export const watchFirstHour = step({
  id: 'watch-first-hour',
  title: 'Watch the first hour',
  plan: '4, step 10',
  do: (act, { settings }) => act.watch({ seconds: settings.firstHourSeconds, span: 'first hour' }),
  show: (watched) => [
    ['error lines', String(watched.errors)],
    ['failed health checks', String(watched.failedChecks)],
  ],
});

export const finalGate = gate({
  id: 'final',
  title: 'Final: keep the encrypted volume?',
  plan: '4, step 10',
  requires: ['volume open', 'application up'],
  evidence: ({ from }) => [
    ['users were offline', formatSeconds(from(endMaintenance).offlineSeconds)],
    ['rows equal', formatCount(from(verifyRows).rows)],
    ['error lines in the first hour', String(from(watchFirstHour).errors)],
    ['failed health checks', String(from(watchFirstHour).failedChecks)],
  ],
});

export const watchDay = step({
  id: 'watch-day',
  title: 'Watch the first day',
  plan: 'week 4',
  do: (act, { settings }) => act.watch({ seconds: settings.daySeconds, span: 'first day' }),
  show: (watched) => [
    ['error lines', String(watched.errors)],
    ['failed health checks', String(watched.failedChecks)],
  ],
});
