import { formatBytes, formatCount } from '../../contract/facts.js';
import { step } from '../words.js';
import { showVerified } from './copy.js';

/** Past the point of no return: what users wrote on the volume goes back with them, before the switch back. */
export const carryOver = [
  step({
    id: 'carry-over-room',
    title: 'Room beside the old data directory',
    plan: '2.5',
    requires: ['volume open'],
    do: (act) => act.assertCarryOverRoom(),
    show: ({ sizeBytes, availableBytes }) => [
      ['to carry over', formatBytes(sizeBytes)],
      ['room', formatBytes(availableBytes)],
    ],
  }),
  step({
    id: 'carry-over-maintenance',
    title: 'Users kept out again',
    plan: '2.5',
    requires: ['volume open'],
    usersOffline: true,
    do: (act) => act.beginMaintenance(),
    show: (begun) => [['how', begun.how]],
  }),
  step({
    id: 'carry-over-stop-application',
    title: 'Application on the encrypted volume stopped',
    plan: '2.5',
    usersOffline: true,
    do: (act) => act.stopApplication({}),
  }),
  step({
    id: 'carry-over-statistics',
    title: 'Exact row counts, sequences and roles on the encrypted volume',
    plan: '2.5',
    usersOffline: true,
    // A way back that was lost may have selected the old volume already.
    requires: ['volume open', 'application stopped', 'volume selected', 'database up'],
    do: (act) => act.documentStatistics({ moment: 'carried' }),
    show: (statistics) => statistics.counted.map(({ table, rows }) => [table, formatCount(rows)] as const),
  }),
  step({
    id: 'carry-over-stop-database',
    title: 'PostgreSQL on the encrypted volume stopped cleanly',
    plan: '2.5',
    usersOffline: true,
    requires: ['volume open', 'application stopped', 'volume selected'],
    do: (act) => act.stopDatabaseToCarryOver(),
    show: (stopped) => [
      ['state', stopped.state],
      ['checkpoint', stopped.checkpoint],
    ],
  }),
  step({
    id: 'carry-over-copy',
    title: 'Copied from the encrypted volume into a new directory beside the old one',
    plan: '2.5',
    usersOffline: true,
    requires: ['volume open', 'database stopped'],
    do: (act) => act.copyBack(),
    show: (copied) => [
      ['copied', `${formatBytes(copied.sizeBytes)} in ${formatCount(copied.files)} files`],
      ['rate', `${formatBytes(copied.bytesPerSecond)}/s`],
    ],
  }),
  step({
    id: 'carry-over-verify',
    title: 'Every file equal by digest, read from the devices',
    plan: '2.5',
    usersOffline: true,
    requires: ['volume open', 'database stopped'],
    do: (act) => act.verifyCopyBack(),
    show: showVerified,
  }),
  step({
    id: 'carry-over-exchange',
    title: 'The new directory takes the place of the old one, which is kept beside it',
    plan: '2.5',
    usersOffline: true,
    requires: ['volume open', 'database stopped'],
    do: (act) => act.exchangeSource(),
    show: (exchanged) => [['kept', exchanged.kept]],
  }),
];
