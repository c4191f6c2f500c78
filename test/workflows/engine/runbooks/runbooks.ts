import { type Runbook, wordsFor } from '../../../../src/workflows/engine/nodes.js';
import type { TestActs } from './acts.js';

const { acknowledgement, child, gate, optionalStep, parallel, section, step, waitUntil } = wordsFor<TestActs>();

const undo = (title: string) => ({ title, do: (act: TestActs) => act.act() });

const prepare = step({ id: 'prepare', title: 'Prepare', plan: '1', do: (act) => act.act(), undo: undo('Clear away') });

const measure = step({
  id: 'measure',
  title: 'Measure',
  plan: '1',
  do: (act) => act.act(),
  show: ({ figure }) => [['figure', String(figure)]],
});

const copy = step({
  id: 'copy',
  title: 'Copy',
  plan: '2',
  requires: ['volume open'],
  usersOffline: true,
  do: (act, { from }) => act.act({ given: from(measure).figure }),
  undo: undo('Remove the copy'),
});

const extra = optionalStep({
  id: 'extra',
  title: 'Extra copy',
  plan: '2',
  when: { holds: ({ settings }) => settings.filesystemCopy, otherwise: 'no extra copy is configured' },
  do: (act) => act.act(),
  undo: undo('Remove the extra copy'),
});

const compare = optionalStep({ id: 'compare', title: 'Compare', plan: '2', skippable: true, do: (act) => act.act(), undo: undo('Forget the comparison') });

const finish = step({ id: 'finish', title: 'Finish', plan: '3', do: (act) => act.act() });

const prove = step({ id: 'prove', title: 'Prove the way back', plan: '4', do: (act) => act.act() });

const afterRollback = [prove];

const carryOver = [
  step({ id: 'save', title: 'Save what users wrote', plan: '4', requires: ['volume open'], do: (act) => act.act() }),
  step({ id: 'exchange', title: 'Exchange', plan: '4', do: (act) => act.act() }),
];

/** Steps alone. */
export const steps: Runbook<TestActs> = {
  name: 'steps',
  title: 'Steps',
  sections: [section('First', '1', [prepare, measure]), section('Second', '2', [copy, extra, compare]), section('Third', '3', [finish])],
  afterRollback,
  leaves: ['application up'],
  summary: ({ from }, has) => [...(has(copy) ? [['copied', String(from(copy).figure)] as const] : []), ...(has(compare) ? [['compared', 'yes'] as const] : [])],
};

/** One step, which can be undone in two ways; who stops past the point of no return lets users in. */
export const twoWaysBack: Runbook<TestActs> = {
  name: 'twoWaysBack',
  title: 'Two ways back',
  sections: [
    section('First', '1', [
      prepare,
      step({
        id: 'stop',
        title: 'Stop',
        plan: '1',
        do: (act) => act.act(),
        undo: { ...undo('Start the old one'), otherwise: { answer: 'use-spare', title: 'Start the spare one', do: (act) => act.act({ given: 'spare' }) } },
      }),
      gate({ id: 'ready', title: 'Go on?', plan: '1' }),
    ]),
  ],
  carryOver,
  afterRollback,
  whenStopped: [optionalStep({ id: 'let-in', title: 'Let users in', plan: '4', skippable: true, do: (act) => act.act() })],
  summary: () => [],
};

/** One gate between two steps. */
export const gated: Runbook<TestActs> = {
  name: 'gated',
  title: 'Gated',
  sections: [
    section('First', '1', [
      measure,
      prepare,
      gate({
        id: 'ready',
        title: 'Go on?',
        plan: '1',
        requires: ['volume open', 'database up'],
        evidence: ({ from }) => [['figure', String(from(measure).figure)]],
      }),
    ]),
    section('Second', '2', [finish]),
  ],
  carryOver,
  afterRollback,
  summary: () => [],
};

/** Goes back from the last run of another runbook. */
export const back: Runbook<TestActs> = {
  name: 'back',
  title: 'Back',
  undoes: gated,
  sections: [section('Decide', '1', [gate({ id: 'sure', title: 'Go back?', plan: '1', reasonForGo: true })])],
  afterRollback,
  summary: () => [],
};

const remove = optionalStep({ id: 'remove', title: 'Remove', plan: '1', skippable: true, do: (act) => act.act() });

/** Ends in what can not be undone; how many must agree to it is the settings' matter. */
export const final: Runbook<TestActs> = {
  name: 'final',
  title: 'Final',
  noWayBackFrom: remove,
  sections: [
    section('First', '1', [
      measure,
      gate({ id: 'sure', title: 'Remove it?', plan: '1', people: ({ decommissionPeople }) => decommissionPeople }),
      remove,
      finish,
    ]),
  ],
  afterRollback: [],
  summary: () => [],
};

/** Three questions at once: any order of answers. */
export const together: Runbook<TestActs> = {
  name: 'together',
  title: 'Together',
  sections: [
    section('First', '1', [
      prepare,
      parallel({
        id: 'all-three',
        title: 'All three',
        plan: '1',
        nodes: [
          acknowledgement({ id: 'announced', title: 'It is announced', plan: '1' }),
          acknowledgement({ id: 'reviewed', title: 'It was reviewed', plan: '1', timeoutSeconds: 7200 }),
          gate({ id: 'ready', title: 'Go on?', plan: '1', requires: ['database up'] }),
        ],
      }),
      finish,
    ]),
  ],
  afterRollback,
  summary: () => [],
};

/** Questions at once, one of which only some runs put. */
export const partlyTogether: Runbook<TestActs> = {
  name: 'partlyTogether',
  title: 'Partly together',
  sections: [
    section('First', '1', [
      parallel({
        id: 'both',
        title: 'Both',
        plan: '1',
        nodes: [
          acknowledgement({ id: 'announced', title: 'It is announced', plan: '1' }),
          gate({
            id: 'copied',
            title: 'Is the copy elsewhere?',
            plan: '1',
            requires: ['database stopped'],
            when: { holds: ({ settings }) => settings.filesystemCopy, otherwise: 'no extra copy is configured' },
          }),
        ],
      }),
      finish,
    ]),
  ],
  afterRollback,
  summary: () => [],
};

/** A run of its own, which comes first. */
export const rotation: Runbook<TestActs> = {
  name: 'rotation',
  title: 'Rotation',
  takes: ['emergency'],
  comesFirst: ({ emergency }) => emergency === true,
  sections: [section('First', '1', [prepare, gate({ id: 'rotate', title: 'Rotate?', plan: '1' })])],
  afterRollback,
  summary: () => [],
};

const rotated = child({ id: 'rotated', title: 'Keys rotated', plan: '1', runbook: 'rotation', input: () => ({ emergency: true }), due: { withinSeconds: 3600 } });

/** A run of its own, and then a step. */
export const withChild: Runbook<TestActs> = {
  name: 'withChild',
  title: 'With a child',
  sections: [section('First', '1', [prepare, rotated, finish])],
  afterRollback,
  summary: ({ from }, has) => (has(rotated) ? [['rotation', from(rotated)?.state ?? '']] : []),
};

const harmless = acknowledgement({ id: 'harmless', title: 'Is it harmless?', plan: '1', choices: ['yes', 'no'], reasonForGo: true, due: { withinSeconds: 24 * 3600 } });

/** Deadlines beside one another, one of them for what only an answer makes necessary, and a run of its own; it holds no host. */
export const incident: Runbook<TestActs> = {
  name: 'incident',
  title: 'Incident',
  takes: ['awareSince'],
  holdsHost: false,
  sections: [
    section('First', '1', [
      measure,
      parallel({
        id: 'response',
        title: 'Response',
        plan: '1',
        nodes: [
          acknowledgement({ id: 'assessed', title: 'It is assessed', plan: '1', choices: ['acknowledged'], reasonForGo: true, due: { withinSeconds: 3600 } }),
          rotated,
          harmless,
          acknowledgement({
            id: 'notified',
            title: 'The authority is notified',
            plan: '1',
            choices: ['acknowledged'],
            due: { withinSeconds: 72 * 3600 },
            after: [harmless],
            onlyIf: { holds: ({ from }) => from(harmless)?.answer !== 'yes', otherwise: 'it is harmless' },
          }),
        ],
      }),
      finish,
    ]),
  ],
  afterRollback: [],
  whenStopped: [optionalStep({ id: 'report', title: 'Report', plan: '1', skippable: true, do: (act) => act.act() })],
  summary: () => [],
};

/** What a gate can ask of people. */
export const people: Runbook<TestActs> = {
  name: 'people',
  title: 'People',
  sections: [
    section('First', '1', [
      prepare,
      gate({ id: 'two', title: 'Two people, not the starter: go on?', plan: '1', people: 2, notTheStarter: true }),
      gate({ id: 'why', title: 'Go on, and why?', plan: '1', reasonForGo: true }),
      gate({ id: 'soon', title: 'Go on within the hour?', plan: '1', timeoutSeconds: 3600 }),
    ]),
  ],
  afterRollback,
  summary: () => [],
};

/** A wait for a time, between two steps. */
export const waiting: Runbook<TestActs> = {
  name: 'waiting',
  title: 'Waiting',
  sections: [
    section('First', '1', [prepare, waitUntil({ id: 'window', title: 'The window opens', plan: '1', until: ({ settings }) => settings.windowOpensAt }), finish]),
  ],
  afterRollback,
  summary: () => [],
};

/** As long as a real runbook: forty steps in ten sections, each with a question at its end. */
export const long: Runbook<TestActs> = {
  name: 'long',
  title: 'Long',
  sections: Array.from({ length: 10 }, (_, index) =>
    section(`Section ${index}`, String(index), [
      ...Array.from({ length: 4 }, (__, at) =>
        step({
          id: `step-${index * 4 + at}`,
          title: `Σκαλοπάτι αριθμός ${index * 4 + at} – mit längerem Titel, damit die Seite voll wird`,
          plan: String(index),
          do: (act) => act.act(),
          undo: undo('Undo'),
          show: ({ figure }) => [
            ['Größe', `${figure} ${'μ'.repeat(150)}`],
            ['Menge', 'ж'.repeat(150)],
          ],
        }),
      ),
      gate({ id: `question-${index}`, title: `Question ${index}?`, plan: String(index), evidence: () => [['evidence', 'ψ'.repeat(100)]] }),
    ]),
  ),
  afterRollback,
  summary: () => [],
};

/** Steps that are never undone, and after which nothing is as before. */
export const forward: Runbook<TestActs> = {
  name: 'forward',
  title: 'Forward',
  undoesNothing: true,
  sections: [section('Only', '1', [measure, finish])],
  afterRollback,
  summary: () => [],
};
