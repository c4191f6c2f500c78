import type { Activities } from '../activities/activities.js';
import { formatCount, formatSeconds } from '../contract/facts.js';
import type { Runbook } from './engine/nodes.js';
import { gate, optionalStep, section, step } from './words.js';

const lookBefore = step({
  id: 'look-before',
  title: 'Who is connected, and how old the last backup is',
  plan: '5.1',
  do: (act) => act.readBeforeShutdown(),
  show: ({ volume, connections, lastBackupHours }) => [
    ['volume', volume],
    ['connections to PostgreSQL', connections === null ? 'it does not run' : formatCount(connections)],
    ['last backup', lastBackupHours === null ? 'none is in the backup directory' : `${formatSeconds(lastBackupHours * 3600)} old`],
  ],
});

const shutdownGate = gate({
  id: 'shut-down',
  title: 'Stop the service and lock the volume? Users go offline, until somebody types the operational passphrase',
  plan: '5.1',
  reasonForGo: true,
  requires: ['volume open', 'application up'],
  evidence: ({ from }) => lookBefore.show?.(from(lookBefore)) ?? [],
});

const stopApplication = step({
  id: 'stop-application',
  title: 'Application stopped',
  plan: '5.1',
  usersOffline: true,
  do: (act) => act.stopApplication({}),
  undo: { title: 'Application started again, healthy', requires: ['volume open', 'database up'], do: (act) => act.startApplicationAgain() },
});

const stopDatabase = optionalStep({
  id: 'stop-database',
  title: 'PostgreSQL stopped cleanly, proven by its control file',
  plan: '5.1',
  usersOffline: true,
  // A reboot in its middle has locked the volume by itself: whoever has no passphrase at hand leaves the proof out.
  skippable: true,
  requires: ['volume open', 'application stopped'],
  do: (act) => act.stopDatabaseCleanly(),
  undo: { title: 'PostgreSQL started again on the encrypted volume', requires: ['volume open'], do: (act) => act.startDatabaseOnVolume() },
  show: ({ state, checkpoint }) => [
    ['control file', state],
    ['last checkpoint', checkpoint],
  ],
});

const lockVolume = step({
  id: 'lock-volume',
  title: 'Unmounted and closed: the key leaves the kernel',
  plan: '5.1',
  usersOffline: true,
  do: (act) => act.lockVolume(),
  undo: { title: 'Volume unlocked and mounted again', do: (act) => act.unlockAgain() },
  show: ({ closed }) => [['closed', closed]],
});

const proveLocked = step({
  id: 'prove-locked',
  title: 'Closed, and intact',
  plan: '5.1',
  usersOffline: true,
  do: (act) => act.proveLocked(),
  show: ({ closed, header }) => [
    ['closed', closed],
    ['LUKS header', header],
  ],
});

/** The mirror of `startup`: for a planned stop of the host, or where nobody is to reach the data for a while. */
export const shutdown: Runbook<Activities> = {
  name: 'shutdown',
  title: 'Stop the service and lock the encrypted volume',
  sections: [
    section('Decide', '5.1', [lookBefore, shutdownGate]),
    section('Stop and lock', '5.1', [stopApplication, stopDatabase, lockVolume, proveLocked]),
  ],
  afterRollback: [],
  summary: (_, has) => (has(proveLocked) ? [['to start again', 'lockstep start startup; a reboot of the host begins that by itself']] : []),
};
