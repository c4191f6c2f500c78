import type { Activities } from '../activities/activities.js';
import { formatBytes, formatCount } from '../contract/facts.js';
import type { Runbook } from './engine/nodes.js';
import { migrate } from './migrate.js';
import { gate, section, step } from './words.js';

const readWayBack = step({
  id: 'read-way-back',
  title: 'What there is to go back to',
  plan: '4, rollback',
  do: (act) => act.readWayBack(),
  show: ({ root, sizeBytes }) => [
    ['old data directory', root],
    ['size', formatBytes(sizeBytes)],
  ],
});

const rollbackGate = gate({
  id: 'roll-back',
  title: 'Leave the encrypted volume: go back to the old one?',
  plan: '4, rollback',
  reasonForGo: true,
  evidence: ({ from }) => {
    const { root, databaseRuns, stoppedAt, rows, usersMayWriteSince, carriedOver, begunBefore } = from(readWayBack);
    return [
      ['old data directory', root],
      ['PostgreSQL now', databaseRuns ? 'runs' : 'is stopped: users are offline'],
      ['old database stopped', stoppedAt ?? 'not by this migration'],
      ...(rows === null ? [] : [['rows in it', formatCount(rows)] as const]),
      ['users may have written on the encrypted volume', written(usersMayWriteSince, carriedOver)],
      ...(begunBefore ? [['an earlier way back', 'was begun and not ended: users may be offline until this one is'] as const] : []),
    ];
  },
});

function written(since: string | null, isCarriedOver: boolean): string {
  if (since !== null) return `since ${since}`;
  return isCarriedOver ? 'it was carried over by an earlier way back' : 'no';
}

/** The plan's rollback procedure, on its own: of a migration that has ended, or that lost its run. */
export const rollback: Runbook<Activities> = {
  name: 'rollback',
  title: 'Go back to the old volume',
  undoes: migrate,
  sections: [section('Decide', '4, rollback', [readWayBack, rollbackGate])],
  afterRollback: migrate.afterRollback,
  whenStopped: migrate.whenStopped ?? [],
  summary: () => [],
};
