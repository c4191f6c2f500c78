import type { Condition } from '../contract/calls.js';
import type { RunInput } from '../contract/inputs.js';
import type { RunSettings } from '../contract/settings.js';
import type { Node, Runbook } from './engine/nodes.js';

/** A runbook without its code: what `lockstep plan` prints and the documentation is made from. */
export interface RunbookDescription {
  readonly name: string;
  readonly title: string;
  readonly sections: readonly { readonly title: string; readonly plan: string; readonly nodes: readonly NodeDescription[] }[];
  /** The runbook whose last run is undone after its own list. */
  readonly undoes?: string;
  /** The nodes whose undos are the way back: its own, or those of the runbook that it undoes. */
  readonly undone: readonly NodeDescription[];
  /** What saves that which users wrote past the point of no return, before the undos. */
  readonly carryOver: readonly NodeDescription[];
  /** What proves and tells the way back, after all undos. */
  readonly afterRollback: readonly NodeDescription[];
}

/** A node in words. */
export interface NodeDescription {
  readonly id: string;
  readonly title: string;
  readonly plan: string;
  readonly kind: 'step' | 'gate' | 'acknowledgement' | 'wait';
  readonly usersOffline: boolean;
  /** How it is undone. */
  readonly undo?: string;
  /** Another way of undoing it, which a person may choose by this answer where the first has failed. */
  readonly otherwise?: { readonly answer: string; readonly title: string };
  readonly requires: readonly Condition[];
  /** A person may leave it out when it fails. */
  readonly skippable: boolean;
  /** Why it is left out where its condition does not hold. */
  readonly unless?: string;
  /** Whether it runs with the given settings; absent where none were given. */
  readonly runs?: boolean;
  /** How many different people must agree. */
  readonly people?: number;
  readonly notTheStarter?: boolean;
  /** Open at the same time as the other questions of the same group. */
  readonly together?: string;
}

/**
 * Describes a runbook. Pure: it runs nothing and reads nothing.
 *
 * @param view - Settings and input of a run to come; with them it tells which nodes would be left out.
 */
export function describeRunbook<Acts>(
  runbook: Runbook<Acts>,
  view?: { readonly settings: RunSettings; readonly input: RunInput },
): RunbookDescription {
  const describe = (node: Node<Acts>): readonly NodeDescription[] => {
    const condition =
      node.when === undefined
        ? {}
        : { unless: node.when.otherwise, ...(view === undefined ? {} : { runs: node.when.holds(view) }) };
    if (node.kind !== 'parallel') return [{ ...describeNode(node), ...condition }];
    return node.questions.flatMap(describe).map((question) => ({ ...question, ...condition, together: node.title }));
  };
  return {
    name: runbook.name,
    title: runbook.title,
    sections: runbook.sections.map(({ title, plan, nodes }) => ({ title, plan, nodes: nodes.flatMap(describe) })),
    ...(runbook.undoes === undefined ? {} : { undoes: runbook.undoes.name }),
    undone: (runbook.undoes ?? runbook).sections.flatMap(({ nodes }) => nodes.flatMap(describe)),
    carryOver: ((runbook.undoes ?? runbook).carryOver ?? []).flatMap(describe),
    afterRollback: runbook.afterRollback.flatMap(describe),
  };
}

function describeNode<Acts>(node: Exclude<Node<Acts>, { kind: 'parallel' }>): NodeDescription {
  const { id, title, plan } = node;
  const common = { id, title, plan, usersOffline: false, requires: [], skippable: false };
  switch (node.kind) {
    case 'step':
      return {
        ...common,
        kind: 'step',
        usersOffline: node.usersOffline ?? false,
        requires: node.requires ?? [],
        skippable: node.skippable ?? false,
        ...(node.undo === undefined ? {} : { undo: node.undo.title }),
        ...(node.undo?.otherwise === undefined ? {} : { otherwise: { answer: node.undo.otherwise.answer, title: node.undo.otherwise.title } }),
      };
    case 'question':
      return {
        ...common,
        kind: node.asks,
        usersOffline: node.usersOffline ?? false,
        requires: node.requires ?? [],
        ...(node.people === undefined ? {} : { people: node.people }),
        ...(node.notTheStarter === undefined ? {} : { notTheStarter: node.notTheStarter }),
      };
    case 'wait':
      return { ...common, kind: 'wait' };
  }
}
