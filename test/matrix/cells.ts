import type { Activities } from '../../src/activities/activities.js';
import { placedNodes } from '../../src/workflows/engine/progress.js';
import { type Node, partsOf, type Runbook } from '../../src/workflows/engine/nodes.js';
import { migrate } from '../../src/workflows/migrate.js';
import { verificationGate } from '../../src/workflows/migrate/copy.js';
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

/** Where the Temporal server runs while that breaks. */
export function serverOf(fault: Fault): 'inside' | 'outside' {
  return fault === 'power cut, server inside' ? 'inside' : 'outside';
}

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

/** The gate at which the second migration of a chain is said no to: nobody has written on its volume. */
export const noGoGate = verificationGate.id;

/**
 * Every place of a migration, then of a rollback that carries over what users wrote, and then of the way back of a
 * migration that is left before its switch: made from the lists themselves.
 */
export function allPlaces(): readonly Place[] {
  const act = (runbook: string, node: string): Place => ({ runbook, node, kind: 'do' });
  const nodes = placedNodes(migrate).map(({ node }) => node);
  const undosOf = (runbook: string, begun: readonly Node<Activities>[]) =>
    begun.flatMap((node): readonly Place[] => (node.kind === 'step' && node.undo !== undefined ? [{ runbook, node: node.id, kind: 'undo' }] : [])).reverse();
  return [
    act('migrate', 'open-run'),
    ...placesOf(migrate),
    act('migrate', 'close-run'),
    act('rollback', 'open-run'),
    ...placesOf(rollback),
    act('rollback', 'begin-way-back'),
    { runbook: 'rollback', node: 'past-the-point-of-no-return', kind: 'question' },
    ...(migrate.carryOver ?? []).map(({ id }) => act('rollback', id)),
    ...undosOf('rollback', nodes),
    ...rollback.afterRollback.map(({ id }) => act('rollback', id)),
    act('rollback', 'close-run'),
    act('migrate', 'begin-way-back'),
    ...undosOf('migrate', nodes.slice(0, nodes.findIndex(({ id }) => id === noGoGate))),
    ...migrate.afterRollback.map(({ id }) => act('migrate', id)),
  ];
}

function placesOf(runbook: Runbook<Activities>): readonly Place[] {
  return placedNodes(runbook).flatMap(({ node }) => partsOf(node).map(({ id, kind }) => ({ runbook: runbook.name, node: id, kind: kind === 'step' ? 'do' : 'question' }) as const));
}
