import type { Activities } from '../activities/activities.js';
import { formatBytes, formatCount, type Facts } from '../contract/facts.js';
import type { Runbook, View } from './engine/nodes.js';
import { optionalStep, section, step } from './words.js';

const lookAtHost = step({
  id: 'look-at-host',
  title: 'Which of volume, database and application is down, and why',
  plan: '5.1',
  usersOffline: true,
  do: (act) => act.readHostStanding(),
  show: ({ volume, why, services }) => [
    ['volume', `${volume}: ${why}`],
    ...services.map(({ container, cause, since }) => [container, cause === undefined ? 'runs' : `${cause}, since ${since ?? 'unknown'}`] as const),
  ],
});

const unlock = step({
  id: 'unlock',
  title: 'Volume unlocked with the operational passphrase, and mounted',
  plan: '5.1, step 2',
  usersOffline: true,
  do: (act) => act.openVolume(),
  show: ({ opened, by, from }) => (opened ? [['passphrase', by === undefined ? 'from the file that lockstep.yaml names' : `typed by ${by}, from ${from ?? 'this host'}`]] : [['passphrase', 'not needed: it was open']]),
});

const checkVolume = step({
  id: 'check-volume',
  title: 'It is really the encrypted volume: dm-crypt, UUID, AES-256-XTS, sentinel, writable, room',
  plan: '5.1, step 3',
  usersOffline: true,
  requires: ['volume open'],
  do: (act) => act.checkVolume(),
  show: ({ uuid, cipher, roles, usedPercent, availableBytes }) => [
    ['LUKS UUID', uuid],
    ['cipher', `${cipher}, 512 bits`],
    ['slots', roles.join(', ')],
    ['room', `${formatBytes(availableBytes)} left, ${usedPercent} % used${usedPercent >= 80 ? ': grow it' : ''}`],
  ],
});

const startDatabase = step({
  id: 'start-database',
  title: 'PostgreSQL started, every file that it holds open on the encrypted volume',
  plan: '5.1, step 4',
  usersOffline: true,
  requires: ['volume open'],
  do: (act) => act.startDatabaseOnVolume(),
  show: ({ openFiles }) => [['open files on the volume', formatCount(openFiles)]],
});

const startApplication = step({
  id: 'start-application',
  title: 'Application started, healthy',
  plan: '5.1, step 4',
  usersOffline: true,
  requires: ['volume open', 'database up'],
  do: (act) => act.startApplicationOnVolume(),
  show: ({ status }) => [['health', String(status)]],
});

const verifyFromOutside = optionalStep({
  id: 'verify-from-outside',
  title: 'It answers, also where users reach it',
  plan: '5.1, step 5',
  skippable: true,
  requires: ['volume open', 'application up'],
  do: (act) => act.verifyFromOutside(),
  show: ({ asked }) => asked.map((url) => [url, '200'] as const),
});

const logStartup = step({
  id: 'log-startup',
  title: 'Who started it, when and from where, in the audit log',
  plan: '5.1, step 6',
  requires: ['volume open'],
  do: (act) => act.tellStartup(),
  show: ({ by, from }) => [
    ['by', by],
    ['from', from],
  ],
});

/** The plan's server startup: after every reboot, and after whatever else has ended the database. */
export const startup: Runbook<Activities> = {
  name: 'startup',
  title: 'Start up on the encrypted volume',
  undoesNothing: true,
  sections: [
    section('Look', '5.1', [lookAtHost]),
    section('Unlock and check', '5.1, steps 2 and 3', [unlock, checkVolume]),
    section('Start and verify', '5.1, steps 4 and 5', [startDatabase, startApplication, verifyFromOutside]),
    section('Log', '5.1, step 6', [logStartup]),
  ],
  afterRollback: [],
  leaves: ['volume open', 'application up'],
  summary: summarise,
};

function summarise({ from }: View, has: (step: { readonly id: string }) => boolean): Facts {
  return [
    ...(has(lookAtHost) ? [['volume at the start', `${from(lookAtHost).volume}: ${from(lookAtHost).why}`] as const] : []),
    ...(has(logStartup) ? [['started by', `${from(logStartup).by}, from ${from(logStartup).from}`] as const] : []),
  ];
}
