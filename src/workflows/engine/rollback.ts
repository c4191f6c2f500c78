import { attempt } from './attempt.js';
import { askParked } from './ask.js';
import type { RunContext } from './context.js';
import { actOn, type EngineActs } from './host.js';
import type { Node, Runbook, Step } from './nodes.js';

/**
 * Undoes, in reverse, what the journal on the host or this run's own history says was begun, then
 * proves the way back. It parks where an undo fails, and never gives up.
 *
 * @param nodes - The recorded list: its order is the order in which things are undone, reversed.
 * @param journal - The steps that the journal says began and were not undone.
 * @returns The undos that a person skipped, in words: the run's outcome has to name them.
 */
export async function rollBack<Acts>(
  context: RunContext,
  runbook: Runbook<Acts>,
  nodes: readonly Node<Acts>[],
  journal: readonly string[],
): Promise<readonly string[]> {
  context.progress.state = 'rolling back';
  const skipped: string[] = [];
  // History may be behind the host or ahead of it: what either of them says was begun is undone.
  const toUndo = new Set([...journal, ...context.begun]);
  for (const step of [...nodes].reverse()) {
    if (step.kind !== 'step' || step.undo === undefined || !toUndo.has(step.id)) continue;
    const { undo } = step;
    const node = { id: step.id, title: undo.title, plan: step.plan };
    context.progress.mark(step.id, 'undoing');
    context.publish();
    const attempted = await attempt(
      context,
      node,
      (opening) => {
        const terms = { opening, phase: 'undo', requires: undo.requires ?? [] } as const;
        return undo.do(actOn<Acts>(context.input.host, context.envelope(node, terms)));
      },
      { skip: true, rollback: false },
    );
    if ('skipped' in attempted) {
      skipped.push(`${undo.title} (${attempted.skipped})`);
      context.progress.mark(step.id, 'failed', { note: `undo ${attempted.skipped}` });
    } else {
      context.progress.mark(step.id, 'undone');
    }
  }
  await closingSteps(context, runbook.afterRollback);
  return skipped;
}

/** Steps that end a run which left its list; they have nothing to go back from. */
export async function closingSteps<Acts>(context: RunContext, steps: readonly Step<unknown, Acts>[]): Promise<void> {
  for (const step of steps) {
    const attempted = await attempt(
      context,
      step,
      (opening) => step.do(actOn<Acts>(context.input.host, context.envelope(step, { opening, requires: step.requires ?? [] })), context.view()),
      { skip: step.skippable ?? false, rollback: false },
    );
    if ('result' in attempted) context.results.set(step.id, attempted.result);
  }
}

/** What a run does that leaves the way forward. */
export type Way = 'continue' | 'stop' | { readonly toUndo: readonly string[] };

/**
 * Reads from the host, never from history alone, on which side of the point of no return we are.
 * Before it: what is to be undone. After it a switch back would lose what users wrote, so a person
 * chooses between going on and ending the run as it stands.
 *
 * @param reason - Why the way forward was left.
 */
export async function chooseWayBack<Acts>(context: RunContext, runbook: Runbook<Acts>, reason: string): Promise<Way> {
  const node = { id: 'begin-way-back', title: 'End what this run left running, and read its journal', plan: '' };
  const attempted = await attempt(
    context,
    node,
    (opening) => actOn<EngineActs>(context.input.host, context.envelope(node, { opening })).beginWayBack(),
    { rollback: false },
  );
  if (!('result' in attempted)) return { toUndo: [] };
  const { toUndo, usersMayWriteSince } = attempted.result;
  if (usersMayWriteSince === undefined) return { toUndo };
  const stopping = (runbook.whenStopped ?? []).map(({ title }) => title).join('; ');
  const decision = await askParked(context, {
    id: context.openingOf('past-the-point-of-no-return'),
    node: 'begin-way-back',
    kind: 'parked',
    title: `${reason}. But users may have written on the new volume since ${usersMayWriteSince}: switching back would lose what they wrote. Continue where the run stands, or stop the run and leave the service on the new volume${stopping.length === 0 ? '' : ` (${stopping})`}?`,
    choices: ['continue', 'stop'],
    reasonFor: ['stop'],
    evidence: [],
  });
  return decision.answer === 'stop' ? 'stop' : 'continue';
}
