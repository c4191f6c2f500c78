/*
 * A run as data, so that it can be generated, made smaller and printed: what the runbook's list is,
 * what its host does wrong, and what people send. No node, no question and no fault refers to another
 * one by more than its place, so that leaving one out leaves a run.
 */

/** How one attempt ends that does not simply succeed. A lost answer: the host acted, and the run does not learn it. */
export type Fault = 'transient' | 'permanent' | 'trigger' | 'void' | 'secret' | 'answer lost' | 'answer lost for good';

/** What a step does to the two databases; the others leave a mark of their own that its undo removes. */
export type Effect = 'stop old' | 'start new' | 'admit users';

export interface StepDescription {
  readonly kind: 'step';
  readonly undo: boolean;
  /** Its undo has another way, which a person may choose where the first one fails. */
  readonly otherwise: boolean;
  readonly skippable: boolean;
  /** False: left out by its `when`. */
  readonly needed: boolean;
  /** How its attempts end, one after the other; then they succeed. */
  readonly faults: readonly Fault[];
  readonly undoFaults: readonly Fault[];
}

export interface QuestionDescription {
  readonly kind: 'gate' | 'acknowledgement';
  readonly people: 1 | 2;
  readonly needed: boolean;
  /** Answers no-go by itself after a moment. */
  readonly limited: boolean;
}

export type NodeDescription =
  | StepDescription
  | QuestionDescription
  | { readonly kind: 'wait'; readonly needed: boolean }
  | { readonly kind: 'parallel'; readonly needed: boolean; readonly questions: readonly QuestionDescription[] };

/** The list of a generated runbook. */
export interface RunbookDescription {
  readonly nodes: readonly NodeDescription[];
  /** Before which of the nodes the old database stops, the new one starts and users are let in; none: the run moves no database. */
  readonly move: readonly MoveDescription[];
  readonly carriesOver: boolean;
  /** Of which of its steps, counted over and over, there is no way back; absent: there always is one. Such a list undoes and moves nothing. */
  readonly noWayBackFrom: number | undefined;
  readonly tellsWhenStopped: boolean;
}

export interface MoveDescription {
  readonly before: number;
  readonly otherwise: boolean;
  readonly faults: readonly Fault[];
  readonly undoFaults: readonly Fault[];
}

/** A node with the id that it has in its run. */
export type Identified = { readonly id: string; readonly effect?: Effect; readonly node: NodeDescription };

const effects = ['stop old', 'start new', 'admit users'] as const satisfies readonly Effect[];

/** The list in order: `n0`, `n1` … and the steps that move the database, named after what they do. */
export function listOf(runbook: RunbookDescription): readonly Identified[] {
  const last = placeOfNoWayBack(runbook);
  if (last === undefined) return listWithWayBack(runbook);
  return runbook.nodes.flatMap((node, index): readonly Identified[] => {
    // Whoever is asked afterwards could only be told that it is too late.
    if (node.kind !== 'step') return index < last ? [{ id: `n${index}`, node }] : [];
    return [{ id: `n${index}`, node: { ...node, undo: false, needed: node.needed || index === last } }];
  });
}

/** The step that cannot be undone. */
export function noWayBackStep(runbook: RunbookDescription): string | undefined {
  const place = placeOfNoWayBack(runbook);
  return place === undefined ? undefined : `n${place}`;
}

function placeOfNoWayBack({ nodes, noWayBackFrom }: RunbookDescription): number | undefined {
  const steps = nodes.flatMap(({ kind }, index) => (kind === 'step' ? [index] : []));
  return noWayBackFrom === undefined ? undefined : steps[noWayBackFrom % steps.length];
}

function listWithWayBack({ nodes, move }: RunbookDescription): readonly Identified[] {
  const moves = [...move].sort((one, other) => one.before - other.before);
  const moving = (place: number) =>
    moves.flatMap(({ before, ...faults }, index): readonly Identified[] => {
      const effect = effects[index];
      if (effect === undefined || Math.min(before, nodes.length) !== place) return [];
      return [{ id: effect.replace(' ', '-'), effect, node: { kind: 'step', undo: true, skippable: false, needed: true, ...faults } }];
    });
  return [...nodes.flatMap((node, index) => [...moving(index), { id: `n${index}`, node }]), ...moving(nodes.length)];
}

/** The question of the runbook that goes back from a generated one. */
export const goBack = 'go-back';

/** The answer that takes the other way of an undo, and the title of the call that then goes it. */
export const otherWay = 'other-way';

/** The questions that a node puts, with their ids. */
export function questionsOf({ id, node }: Identified): readonly { readonly id: string; readonly question: QuestionDescription }[] {
  if (node.kind === 'gate' || node.kind === 'acknowledgement') return [{ id, question: node }];
  // One that is left out leaves out its questions.
  if (node.kind === 'parallel') return node.questions.map((question, index) => ({ id: `${id}q${index}`, question: { ...question, needed: question.needed && node.needed } }));
  return [];
}
