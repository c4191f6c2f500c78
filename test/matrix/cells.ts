import type { Activities } from '../../src/activities/activities.js';
import { placedNodes } from '../../src/workflows/engine/progress.js';
import type { Node, Runbook } from '../../src/workflows/engine/nodes.js';
import { migrate } from '../../src/workflows/migrate.js';
import { rollback } from '../../src/workflows/rollback.js';

/** What can break at a place. */
export const faults = [
  'worker killed before',
  'worker killed during',
  'worker killed after',
  'worker frozen',
  'server killed',
  'power cut',
  'power cut, server inside',
] as const;

/** One of them: a column of the matrix. */
export type Fault = (typeof faults)[number];

/** A place where a run may be when something breaks: an action, or a question that is open. */
export interface Place {
  readonly runbook: string;
  readonly node: string;
  readonly kind: 'do' | 'undo' | 'question';
}

/** A place in one word, by which cells are counted: `migrate/copy-data`, `migrate/copy-data (undo)`; a question's is its node's. */
export function nameOf({ runbook, node, kind }: Place): string {
  return `${runbook}/${node}${kind === 'undo' ? ' (undo)' : ''}`;
}

/** Every place of a migration, and then of a rollback that carries over what users wrote: made from the lists themselves. */
export function allPlaces(): readonly Place[] {
  const act = (runbook: string, node: string): Place => ({ runbook, node, kind: 'do' });
  return [
    act('migrate', 'open-run'),
    ...placesOf(migrate),
    act('migrate', 'close-run'),
    act('rollback', 'open-run'),
    ...placesOf(rollback),
    act('rollback', 'begin-way-back'),
    { runbook: 'rollback', node: 'past-the-point-of-no-return', kind: 'question' },
    ...(migrate.carryOver ?? []).map(({ id }) => act('rollback', id)),
    ...placedNodes(migrate)
      .flatMap(({ node }) => (node.kind === 'step' && node.undo !== undefined ? [{ runbook: 'rollback', node: node.id, kind: 'undo' } as const] : []))
      .reverse(),
    ...rollback.afterRollback.map(({ id }) => act('rollback', id)),
    act('rollback', 'close-run'),
  ];
}

function placesOf(runbook: Runbook<Activities>): readonly Place[] {
  return placedNodes(runbook).flatMap(({ node }) => nodesOf(node).map(({ id, kind }) => ({ runbook: runbook.name, node: id, kind: kind === 'step' ? 'do' : 'question' }) as const));
}

function nodesOf(node: Node<Activities>): readonly { readonly id: string; readonly kind: string }[] {
  return node.kind === 'parallel' ? node.questions : [node];
}
