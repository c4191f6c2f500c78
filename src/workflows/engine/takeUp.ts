import type { CaughtUp, Reached } from '../../contract/settings.js';
import type { NodeState } from '../../contract/status.js';
import type { RunContext } from './context.js';
import { type Node, partsOf, type Runbook } from './nodes.js';

/**
 * Takes up what a run found that is gone on with, as its host tells. It goes on after the last step
 * that is known to have ended: what it was told before that counts, what it was told after is asked again.
 * A step that can not be undone, once begun, is gone on with at once: whoever said no now would say it too late.
 *
 * @param note - Who knows of what was done before.
 * @returns The place in the list to go on from.
 */
export function takeUp<Acts>(context: RunContext, { noWayBackFrom }: Runbook<Acts>, recorded: readonly Node<Acts>[], { found, begun }: Reached, note: string): number {
  const results = new Map(found.map(({ id, result }) => [id, result]));
  // A question may have had its conditions put right without an answer.
  const ended = recorded.findLastIndex(({ id, kind }) => kind === 'step' && results.has(id));
  const beyondReturn = recorded.findIndex(({ id }) => id === noWayBackFrom?.id && begun.includes(id));
  const last = Math.max(ended, beyondReturn - 1);
  for (const node of recorded.slice(0, last + 1)) {
    for (const each of partsOf(node)) {
      const isLeftOut = each.kind === 'step' && !results.has(each.id);
      if (!isLeftOut) context.results.set(each.id, results.get(each.id));
      if (!isOver(node, context.progress.stateOf(each.id))) context.progress.mark(each.id, isLeftOut ? 'skipped' : 'done', { note });
    }
  }
  return last + 1;
}

/** A question that was withdrawn, as the run turned to its host, has been answered by what the host has done since. */
function isOver<Acts>({ kind, when, onlyIf }: Node<Acts>, state: NodeState | undefined): boolean {
  return state === 'done' || state === 'skipped' || (state === 'not needed' && (kind === 'step' || when !== undefined || onlyIf !== undefined));
}

/** Where in its list a run goes on that has caught up with its host. */
export function placeOf<Acts>(context: RunContext, runbook: Runbook<Acts>, recorded: readonly Node<Acts>[], at: number, { reached, goesBack }: CaughtUp): number {
  if (runbook.undoes !== undefined) return goesBack ? recorded.length : at;
  return reached === undefined ? at : takeUp(context, runbook, recorded, reached, "by the host's journal");
}

/** Whether what can not be undone was begun, by what this history knows or by what the host tells. */
export function isPast<Acts>({ noWayBackFrom }: Runbook<Acts>, { begun }: RunContext, reached?: Reached): boolean {
  return noWayBackFrom !== undefined && (begun.has(noWayBackFrom.id) || reached?.begun.includes(noWayBackFrom.id) === true);
}
