import { type Node, wordsFor, type Runbook } from '../../../src/workflows/engine/nodes.js';
import { workflowOf } from '../../../src/workflows/engine/walk.js';
import type { TestActs } from '../engine/runbooks/acts.js';
import { steps } from '../engine/runbooks/runbooks.js';

const { acknowledgement, section, step } = wordsFor<TestActs>();

const added = step({ id: 'added', title: 'Added later', plan: '1', do: (act) => act.act() });

/** What a later version may do to a runbook: its runs walk the list that they recorded. */
export const stepsReorderedAndLonger = workflowOf({ ...steps, sections: [section('New', '0', [added]), ...[...steps.sections].reverse()] });

/** What it may not: a node that open runs have passed is gone. */
export const stepsWithoutCopy = workflowOf(eachNode((node) => (node.id === 'copy' ? [] : [node])));

/** What was a step has become a question. */
export const stepsWithQuestion = workflowOf(
  eachNode((node) => (node.id === 'copy' ? [acknowledgement({ id: 'copy', title: 'Copied', plan: '2' })] : [node])),
);

/** A step calls another activity than it did. */
export const stepsWithOtherCall = workflowOf(
  eachNode((node) => (node.id === 'copy' && node.kind === 'step' ? [{ ...node, do: (act) => act.ensureConditions() }] : [node])),
);

function eachNode(change: (node: Node<TestActs>) => readonly Node<TestActs>[]): Runbook<TestActs> {
  return { ...steps, sections: steps.sections.map((each) => ({ ...each, nodes: each.nodes.flatMap(change) })) };
}
