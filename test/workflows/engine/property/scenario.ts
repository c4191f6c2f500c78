import fc, { type Arbitrary } from 'fast-check';
import type { Fault, MoveDescription, NodeDescription, QuestionDescription, RunbookDescription, StepDescription } from './description.js';

/** What people or the world do in the middle of a call: the signal arrives while the host acts. */
export type Interruption = 'rollback' | 'cancel' | 'reboot' | 'malformed rollback' | 'malformed decision';

/** What else is sent at a question before its answer. */
export type Noise = 'malformed' | 'no such choice' | 'without a reason' | 'to another question' | 'to the next opening' | 'to an answered question';

/** How a question is answered: by the choice of that number, after some noise. */
export interface Reply {
  readonly noise: readonly Noise[];
  readonly choice: number;
  /** The same answer again, from somebody else. */
  readonly doubled: boolean;
  /** A question with a limit is left to answer itself. */
  readonly leftToTime: boolean;
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
  /** How many steps the host did that the history does not know: a server restored from a backup. */
  readonly journalAheadBy: number;
  /** How many of the steps that history knows, from the last one back, the journal has lost. */
  readonly journalBehindBy: number;
}

const fault: Arbitrary<Fault> = fc.constantFrom('transient', 'permanent', 'secret', 'answer lost', 'answer lost for good');

/** Mostly none: a run that fails at each step never comes far. */
const faults: Arbitrary<readonly Fault[]> = fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: fc.array(fault, { minLength: 1, maxLength: 3 }) });

const step: Arbitrary<StepDescription> = fc.record({
  kind: fc.constant('step'),
  undo: mostly(true),
  skippable: fc.boolean(),
  needed: mostly(true),
  faults,
  undoFaults: faults,
});

const questionWords = {
  kind: fc.constantFrom('gate', 'acknowledgement'),
  people: fc.constantFrom(1, 1, 2),
  limited: mostly(false),
} as const;

const question: Arbitrary<QuestionDescription> = fc.record({ ...questionWords, needed: mostly(true) });

const node: Arbitrary<NodeDescription> = fc.oneof(
  { weight: 6, arbitrary: step },
  { weight: 3, arbitrary: question },
  { weight: 1, arbitrary: fc.constant({ kind: 'wait' }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('parallel'), questions: fc.array(fc.record({ ...questionWords, needed: fc.constant(true) }), { minLength: 1, maxLength: 3 }) }),
  },
);

const move: Arbitrary<MoveDescription> = fc.record({ before: fc.nat(6), faults, undoFaults: faults });

const runbook: Arbitrary<RunbookDescription> = fc.record({
  nodes: fc.array(node, { maxLength: 6 }),
  move: fc.oneof(fc.constant([]), fc.array(move, { minLength: 3, maxLength: 3 })),
  carriesOver: fc.boolean(),
  tellsWhenStopped: fc.boolean(),
});

const reply: Arbitrary<Reply> = fc.record({
  noise: fc.oneof(
    fc.constant([]),
    fc.array(fc.constantFrom<Noise[]>('malformed', 'no such choice', 'without a reason', 'to another question', 'to the next opening', 'to an answered question'), { maxLength: 2 }),
  ),
  choice: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 2, arbitrary: fc.nat(3) }),
  doubled: mostly(false),
  leftToTime: mostly(false),
});

/** Any run. */
export const scenario: Arbitrary<Scenario> = fc.record({
  runbook,
  besideFaults: faults,
  interruptions: fc.array(
    fc.record({
      atCall: fc.integer({ min: 1, max: 14 }),
      what: fc.constantFrom<Interruption[]>('rollback', 'rollback', 'cancel', 'reboot', 'malformed rollback', 'malformed decision'),
    }),
    { maxLength: 2 },
  ),
  replies: fc.array(reply, { maxLength: 10 }),
  answeredTooEarly: mostly(false),
  journalAheadBy: mostlyNone(),
  journalBehindBy: mostlyNone(),
});

function mostly(value: boolean): Arbitrary<boolean> {
  return fc.constantFrom(value, value, value, !value);
}

function mostlyNone(): Arbitrary<number> {
  return fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer({ min: 1, max: 3 }) });
}
