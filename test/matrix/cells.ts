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
