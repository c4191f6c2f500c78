import { formatBytes, formatCount } from '../../../src/contract/facts.js';
import { type Runbook, wordsFor } from '../../../src/workflows/engine/nodes.js';
import type { ToyActs } from './acts.js';

const { acknowledgement, gate, optionalStep, parallel, section, step, waitUntil } = wordsFor<ToyActs>();

const measure = step({
  id: 'measure',
  title: 'Measure the source',
  plan: '1.1',
  do: (act) => act.measure(),
  show: ({ sizeBytes }) => [['size', formatBytes(sizeBytes)]],
});

const copy = step({
  id: 'copy',
  title: 'Copy every file to the new volume',
  plan: '4, step 5',
  do: (act, { from }) => act.copy({ sizeBytes: from(measure).sizeBytes }),
  undo: { title: 'Remove the copy', do: (act) => act.removeCopy() },
  usersOffline: true,
  show: ({ files }) => [['files', formatCount(files)]],
});

/** A runbook as small as one can be that has every kind of node. */
export const toy: Runbook<ToyActs> = {
  name: 'toy',
  title: 'Toy',
  sections: [
    section('Preparation', '1', [
      measure,
      parallel({
        id: 'questions',
        title: 'What has to be true before the window',
        plan: '1.2',
        nodes: [
          acknowledgement({ id: 'announced', title: 'The maintenance is announced to the users', plan: '1.2' }),
          gate({
            id: 'ready',
            title: 'Everything is ready: begin?',
            plan: '1.3',
            evidence: ({ from }) => [
              ['size of the source', formatBytes(from(measure).sizeBytes)],
              ['free space on the target', '41.2 GiB'],
            ],
          }),
        ],
      }),
      waitUntil({ id: 'window', title: 'Wait for the maintenance window', plan: '2', until: ({ settings }) => settings.windowOpensAt }),
    ]),
    section('Migration', '4', [
      copy,
      optionalStep({
        id: 'switch',
        title: 'Start the database from the copy',
        plan: '4, step 8',
        when: { holds: ({ settings }) => !settings.filesystemCopy, otherwise: 'a filesystem copy is configured' },
        do: (act) => act.switchOver(),
        undo: { title: 'Start the database from the source', do: (act) => act.switchBack() },
        usersOffline: true,
        skippable: true,
      }),
    ]),
  ],
  afterRollback: [step({ id: 'prove', title: 'Prove that the source serves', plan: '6', do: (act) => act.prove() })],
  summary: ({ from }, has) => (has(copy) ? [['files copied', formatCount(from(copy).files)]] : []),
};
