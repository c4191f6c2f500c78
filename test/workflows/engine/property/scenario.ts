import fc, { type Arbitrary } from 'fast-check';
import type { Fault, MoveDescription, NodeDescription, QuestionDescription, RunbookDescription, StepDescription } from './description.js';

/** What people or the world do in the middle of a call: the signal arrives while the host acts. */
export type Interruption = 'rollback' | 'cancel' | 'reboot' | 'malformed rollback' | 'malformed decision';

/** What else is sent at a question before its answer. */
export type Noise = 'to an unknown question' | 'malformed' | 'no such choice' | 'without a reason' | 'to another question' | 'to the next opening' | 'to an answered question';

/** How a question is answered: by the choice of that number, after some noise. */
export interface Reply {
  readonly noise: readonly Noise[];
  readonly choice: number;
  /** The same answer again: from somebody else after the first, or by the same hand together with it. */
  readonly doubled: 'no' | 'by another' | 'at once';
  /** A question with a limit is left to answer itself. */
  readonly leftToTime: boolean;
}

/** A run of its own; one that goes on with a lost one; one of the runbook that undoes the last one. */
export type RunKind = 'first' | 'resumed' | 'back';

/** The server forgets the run in the middle of a call. */
export interface Loss {
  readonly atCall: number;
  /** What is left of the call: it may have begun, acted, or told its journal that it is done. */
  readonly leaves: 'begun' | 'acted' | 'done';
  /** What a person starts then; one who cannot go on goes back. */
  readonly then: Exclude<RunKind, 'first'>;
}

/** A run, with everything that happens to it. */
export interface Scenario {
  readonly runbook: RunbookDescription;
  /** How calls of the engine's own, and of steps beside the list, end: one after the other, then all succeed. */
  readonly besideFaults: readonly Fault[];
  readonly interruptions: readonly { readonly atCall: number; readonly what: Interruption }[];
  /** To the questions in the order in which they open; then each gets its first choice. */
  readonly replies: readonly Reply[];
  /** Every question of the list is answered before the run has opened one. */
  readonly answeredTooEarly: boolean;
  /** What the plan names as a reason to go back starts that by itself. */
  readonly automaticRollback: boolean;
  /** How many steps the host did that the history does not know: a server restored from a backup. */
  readonly journalAheadBy: number;
  /** How many of the steps that history knows, from the last one back, the journal has lost. */
  readonly journalBehindBy: number;
  readonly losses: readonly Loss[];
  /** A person undoes what the run has left, once it has ended. */
  readonly goesBackAfterwards: boolean;
  /** Where chance begins, for a server that has a choice. */
  readonly chance: number;
}

const fault: Arbitrary<Fault> = fc.constantFrom('transient', 'permanent', 'trigger', 'void', 'secret', 'answer lost', 'answer lost for good');

/** Mostly none: a run that fails at each step never comes far. */
const faults: Arbitrary<readonly Fault[]> = fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: fc.array(fault, { minLength: 1, maxLength: 3 }) });

const step: Arbitrary<StepDescription> = fc.record({
  kind: fc.constant('step'),
  undo: mostly(true),
  otherwise: mostly(false),
  skippable: fc.boolean(),
  needed: mostly(true),
  faults,
  undoFaults: faults,
});

const questionWords = {
  kind: fc.constantFrom('gate', 'acknowledgement'),
  people: fc.constantFrom(1, 1, 2),
  limited: mostly(false),
  needed: mostly(true),
} as const;

const question: Arbitrary<QuestionDescription> = fc.record(questionWords);

const node: Arbitrary<NodeDescription> = fc.oneof(
  { weight: 6, arbitrary: step },
  { weight: 3, arbitrary: question },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('wait'), needed: mostly(true) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('parallel'), needed: mostly(true), questions: fc.array(question, { minLength: 1, maxLength: 3 }) }),
  },
);

const move: Arbitrary<MoveDescription> = fc.record({ before: fc.nat(6), otherwise: fc.boolean(), faults, undoFaults: faults });

const runbook: Arbitrary<RunbookDescription> = fc.record({
  nodes: fc.array(node, { maxLength: 6 }),
  move: fc.oneof(fc.constant([]), fc.array(move, { minLength: 3, maxLength: 3 })),
  carriesOver: fc.boolean(),
  noWayBackFrom: fc.oneof({ weight: 7, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.nat(5) }),
  tellsWhenStopped: fc.boolean(),
});

const reply: Arbitrary<Reply> = fc.record({
  noise: fc.oneof(
    fc.constant([]),
    fc.array(fc.constantFrom<Noise[]>('malformed', 'to an unknown question', 'no such choice', 'without a reason', 'to another question', 'to the next opening', 'to an answered question'), { maxLength: 2 }),
  ),
  choice: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 2, arbitrary: fc.nat(3) }),
  doubled: fc.constantFrom('no', 'no', 'no', 'by another', 'at once'),
  leftToTime: mostly(false),
});

const loss: Arbitrary<Loss> = fc.record({
  atCall: fc.integer({ min: 1, max: 12 }),
  leaves: fc.constantFrom('begun', 'acted', 'done'),
  then: fc.constantFrom('resumed', 'resumed', 'back'),
});

/** Any run. */
export const scenario: Arbitrary<Scenario> = fc.record({
  runbook,
  besideFaults: faults,
  interruptions: fc.array(
    fc.record({
      atCall: fc.integer({ min: 1, max: 16 }),
      what: fc.constantFrom<Interruption[]>('rollback', 'rollback', 'cancel', 'reboot', 'malformed rollback', 'malformed decision'),
    }),
    { maxLength: 3 },
  ),
  replies: fc.array(reply, { maxLength: 10 }),
  answeredTooEarly: mostly(false),
  automaticRollback: mostly(false),
  journalAheadBy: mostlyNone(),
  journalBehindBy: mostlyNone(),
  losses: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: fc.array(loss, { minLength: 1, maxLength: 2 }) }),
  goesBackAfterwards: mostly(false),
  chance: fc.nat(),
});

function mostly(value: boolean): Arbitrary<boolean> {
  return fc.constantFrom(value, value, value, !value);
}

function mostlyNone(): Arbitrary<number> {
  return fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer({ min: 1, max: 3 }) });
}
