import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { ChildWorkflowCancellationType, ChildWorkflowFailure, condition, executeChild, ParentClosePolicy, rootCause } from '@temporalio/workflow';
import { workflowIdOf } from '../../contract/names.js';
import type { RunResult } from '../../contract/status.js';
import { askParked } from './ask.js';
import type { RunContext } from './context.js';
import { dueAtOf, within } from './deadlines.js';
import type { Child } from './nodes.js';

/**
 * Begins a run of another runbook and waits for its end; where that is no success a person tries again, or goes
 * on without.
 *
 * @param isLeft - Whether this run has left the place: nobody waits for the other one then.
 */
export async function visitChild(context: RunContext, child: Child, isLeft: () => boolean): Promise<void> {
  const { host, startedBy } = context.input;
  const options = child.input(context.view());
  const workflowId = workflowIdOf(host, child.runbook, options);
  const due = dueAtOf(context, child.due);
  const left = condition(isLeft).then(() => 'left' as const);
  const begin = () => run(child, workflowId, { host, startedBy, ...options });
  await within(context, child, due.dueAt, async () => {
    for (;;) {
      context.progress.mark(child.id, 'running', { note: `lockstep watch ${workflowId}`, ...due });
      context.publish();
      const ended = await Promise.race([begin(), left]);
      if (ended === 'left') return;
      if ('state' in ended) context.results.set(child.id, ended);
      if ('state' in ended && ended.state === 'succeeded') {
        context.progress.mark(child.id, 'done', { note: `${workflowId}: ${ended.outcome}` });
        return;
      }
      const failure = 'state' in ended ? `${workflowId} ended as ${ended.state}: ${ended.outcome}` : ended.failure;
      context.progress.mark(child.id, 'failed', { note: failure });
      const decision = await askParked(context, {
        id: context.numberedOpening(`${child.id}.failed`),
        node: child.id,
        kind: 'parked',
        title: `${child.title}: ${failure}. retry: begin it anew; skip: go on without it`,
        choices: ['retry', 'skip'],
        reasonFor: ['skip'],
        evidence: [],
        ...due,
      });
      if (decision.answer === 'skip') {
        context.progress.mark(child.id, 'skipped', { note: `${failure}; skipped by ${decision.by}: ${decision.reason ?? ''}` });
        return;
      }
    }
  });
}

/** Keeps of the runs that go on by themselves, as this one leaves their place, which they are. */
export function leaveChildren(context: RunContext, children: readonly { readonly id: string; readonly kind: string }[]): void {
  for (const { id, kind } of children) {
    if (kind !== 'child' || context.progress.stateOf(id) !== 'running') continue;
    const watched = context.progress.noteOf(id) ?? '';
    context.progress.mark(id, 'skipped', { note: `left to itself: it goes on (${watched})` });
    context.leftRunning.push(watched);
  }
}

async function run({ runbook, title }: Child, workflowId: string, input: object): Promise<RunResult | { readonly failure: string }> {
  try {
    return await executeChild<(input: unknown) => Promise<RunResult>>(runbook, {
      workflowId,
      args: [input],
      // Whoever leaves this run must not stop that one half-way.
      parentClosePolicy: ParentClosePolicy.ABANDON,
      cancellationType: ChildWorkflowCancellationType.ABANDON,
      staticSummary: title,
    });
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return { failure: `${workflowId} is open already, begun by somebody else ("lockstep watch ${workflowId}"): begin it anew when that has ended, or go on without` };
    if (!(error instanceof ChildWorkflowFailure)) throw error;
    return { failure: `${workflowId} failed: ${rootCause(error) ?? error.message}` };
  }
}
