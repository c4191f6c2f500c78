import type { Condition } from '../../contract/calls.js';
import type { Opened } from '../../contract/settings.js';
import type { RunResult, RunState } from '../../contract/status.js';
import { attempt } from './attempt.js';
import type { RunContext } from './context.js';
import { actOn, type EngineActs } from './host.js';
import { withdrawnNote } from './inbox.js';
import { leavesOf, type Runbook } from './nodes.js';

/** What was left on the host before a run that goes back from another. */
export interface LeftBefore {
  /** An earlier way back had been begun. */
  readonly wayBackBegun?: boolean;
  /** The lost run whose host this one has taken over. */
  readonly takenFrom?: Opened['takenFrom'];
}

/** How the host stays where a run leaves that has changed nothing: what a lost run had begun is not over by that. */
export function asBefore(runbook: string, { takenFrom, wayBackBegun }: LeftBefore): string {
  if (wayBackBegun === true) return `The way back that was begun before stays where it stood, and users may be offline: "lockstep start ${runbook} --take-over" goes on with it`;
  if (takenFrom === undefined) return 'Nothing was changed';
  const { workflowId, runId, runbook: lost } = takenFrom;
  const onward = lost === runbook ? '' : `"lockstep start ${lost} --resume" goes on with it, `;
  return `Nothing was changed: ${workflowId} (run ${runId}) has the host again as it left it, and users may be offline. ${onward}"lockstep start ${runbook} --take-over" goes back`;
}

/** What a run that is left has not done, in a sentence without its full stop. */
export function notDone({ progress }: RunContext): readonly string[] {
  const open = progress.nodes().filter(({ state, note }) => ['pending', 'open', 'running', 'failed'].includes(state) || note === withdrawnNote);
  return open.length === 0 ? [] : [`NOT done: ${open.map(({ title }) => title).join('; ')}`];
}

/** The answer that ends a run whose host cannot be made as the run wants to leave it. */
const asItStands = 'as-it-stands';

/** @throws {@link WayBack} where the host cannot be made as the run wants to leave it, and a person goes back instead. */
export async function close<Acts>(context: RunContext, runbook: Runbook<Acts>, state: RunState, words: string, how: { readonly handsBack?: true } = {}): Promise<RunResult> {
  context.mayTurnBack = false;
  const { leftRunning } = context;
  const outcome = leftRunning.length === 0 ? words : `${words}. Goes on by itself: ${leftRunning.join('; ')}`;
  const summary = runbook.summary(context.view(), ({ id }) => context.results.get(id) !== undefined);
  const node = { id: 'close-run', title: 'Write the run record, give the host free', plan: '' };
  const leaves = state === 'succeeded' ? leavesOf(runbook, context.input) : [];
  const closeWith = (told: string, conditions: readonly Condition[]) => (opening: number) =>
    actOn<EngineActs>(context.input.host, context.envelope(node, { opening })).closeRun({ state, outcome: told, summary, leaves: conditions, ...how });
  const ways = leaves.length === 0 ? { rollback: false } : { others: { [asItStands]: `end the run without what it leaves else (${leaves.join(', ')})` } };
  const attempted = await attempt(context, { ...node, requires: leaves }, closeWith(outcome, leaves), ways);
  if (!('instead' in attempted)) return end(context, state, outcome);
  const asLeft = `${outcome}. The host stays as it stands, which may lack: ${leaves.join(', ')} (${attempted.words})`;
  await attempt(context, node, closeWith(asLeft, []), { rollback: false });
  return end(context, state, asLeft);
}

export function end(context: RunContext, state: RunState, outcome: string): RunResult {
  context.progress.state = state;
  context.progress.outcome = outcome;
  context.publishNow();
  return { state, outcome };
}
