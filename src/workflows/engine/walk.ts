import { ApplicationFailure, CancellationScope, defineQuery, defineSignal, setHandler } from '@temporalio/workflow';
import { z } from 'zod';
import { failureTypes } from '../../contract/errors.js';
import { runInputSchema } from '../../contract/inputs.js';
import { queryNames, signalNames } from '../../contract/names.js';
import { resumedSchema, rollbackRequestSchema } from '../../contract/questions.js';
import type { Reached } from '../../contract/settings.js';
import type { RunState, RunStatus } from '../../contract/status.js';
import { askAboutCancel, throwIfRollbackRequested, WayBack } from './ask.js';
import { attempt, messageOf } from './attempt.js';
import { createRunContext, type RunContext } from './context.js';
import { actOn, type EngineActs } from './host.js';
import type { Node, Runbook } from './nodes.js';
import { createProgress, placedNodes, type Placed } from './progress.js';
import { carryOver, chooseWayBack, rollBack, walkBeside } from './rollback.js';
import { visit } from './visit.js';

/** What a run came to; the workflow's result. */
export interface RunResult {
  readonly state: RunState;
  readonly outcome: string;
}

const decideSignal = defineSignal<[unknown]>(signalNames.decide);
const rollbackSignal = defineSignal<[unknown]>(signalNames.rollback);
const resumedSignal = defineSignal<[unknown]>(signalNames.resumed);
const statusQuery = defineQuery<RunStatus>(queryNames.status);

/**
 * Makes a workflow of a runbook. It takes one JSON object, {@link runInputSchema}, and fails at once
 * where that does not fit; after that it ends only by its list or by the way back.
 */
export function workflowOf<Acts>(runbook: Runbook<Acts>): (input: unknown) => Promise<RunResult> {
  return async (raw) => {
    const parsed = runInputSchema.safeParse(raw);
    if (!parsed.success) throw ApplicationFailure.nonRetryable(z.prettifyError(parsed.error), failureTypes.invalidInput);
    const placed = placedNodes(runbook);
    const context = createRunContext(runbook.name, parsed.data, createProgress(placed));
    listen(context);
    const cancelled = CancellationScope.current().cancelRequested.catch(() => {
      context.cancelRequested = true;
    });
    // Cancel is a question here: nothing below is ever cancelled by Temporal itself.
    return CancellationScope.nonCancellable(async () => {
      void cancelled;
      return walk(context, runbook, placed);
    });
  };
}

function listen(context: RunContext): void {
  setHandler(decideSignal, (sent) => context.inbox.receive(sent), {
    description: 'Answers an open question: {"question", "answer", "by", "reason"}',
  });
  setHandler(
    rollbackSignal,
    (sent) => {
      const parsed = rollbackRequestSchema.safeParse(sent);
      if (!parsed.success) {
        context.inbox.receive(sent);
        return;
      }
      // On the way back, or at the end, a rollback must not end the undo that runs.
      context.inbox.keep({ question: 'rollback', answer: 'rollback', ...parsed.data }, context.mayTurnBack ? 'counted' : 'not open any more');
      if (!context.mayTurnBack) return;
      context.rollbackRequest = parsed.data;
      context.runningStep?.cancel();
    },
    { description: 'Leaves the way forward and undoes what was done: {"by", "reason"}' },
  );
  setHandler(resumedSignal, (sent) => {
    const parsed = resumedSchema.safeParse(sent);
    if (parsed.success) context.resumedBoot = parsed.data.bootId;
  });
  setHandler(statusQuery, () => context.status(), { description: 'How the run stands: every node, every open question' });
}

async function walk<Acts>(context: RunContext, runbook: Runbook<Acts>, placed: readonly Placed<Acts>[]): Promise<RunResult> {
  context.publish();
  const { recorded, toGoBackFrom, reached } = await open(context, runbook, placed);
  const undone = runbook.undoes ?? runbook;
  for (let at = reached === undefined ? 0 : takeUp(context, recorded, reached); ; ) {
    try {
      if (context.cancelRequested && context.mayTurnBack) await askAboutCancel(context);
      throwIfRollbackRequested(context);
      const node = recorded[at];
      if (node === undefined) {
        if (runbook.undoes === undefined) break;
        throw new WayBack(`${undone.name} undone`);
      }
      if (node.id === runbook.noWayBackFrom?.id) context.mayTurnBack = false;
      await visit(context, node);
      at += 1;
    } catch (error) {
      if (!(error instanceof WayBack)) throw error;
      context.mayTurnBack = false;
      context.progress.state = 'running';
      context.inbox.withdrawAll();
      // Its own list has changed nothing yet: leaving it leaves the host as it is.
      if (runbook.undoes !== undefined && at < recorded.length) return close(context, runbook, 'stopped', `${error.reason}. Nothing was changed`);
      if (runbook.noWayBackFrom !== undefined) return close(context, runbook, 'stopped', `${error.reason}. The host stays as it is`);
      const way = await chooseWayBack(context, runbook, error);
      if (way === 'stop') {
        await walkBeside(context, 'Before the run ends', runbook.whenStopped ?? []);
        return close(context, runbook, 'stopped', `${error.reason}. The service stays where it is`);
      }
      if (way !== 'continue') {
        const isCarriedOver = way.carriesOver && (await carryOver(context, undone));
        const skipped = await rollBack(context, runbook, toGoBackFrom, way.toUndo, !isCarriedOver);
        return close(context, runbook, 'rolled back', skipped.length === 0 ? error.reason : `${error.reason}. NOT undone: ${skipped.join('; ')}`);
      }
      context.mayTurnBack = true;
    }
  }
  return close(context, runbook, 'succeeded', `${runbook.title}: done`);
}

/**
 * The first activity claims the host and records the list; a refusal ends the run with its message.
 * The run walks what was recorded: a node that a later version adds concerns new runs only.
 */
async function open<Acts>(context: RunContext, runbook: Runbook<Acts>, placed: readonly Placed<Acts>[]): Promise<Lists<Acts>> {
  const node = { id: 'open-run', title: `${runbook.title}: claim the host`, plan: '' };
  const act = actOn<EngineActs>(context.input.host, context.envelope(node, {}));
  const opened = await act
    .openRun({ nodes: placed.map(({ node: { id } }) => id), takeOver: context.input.takeOver || context.input.resume, ...(context.input.resume ? { resume: true } as const : {}), ...(runbook.undoes === undefined ? {} : { undoes: runbook.undoes.name }) })
    .catch((error: unknown) => {
      // The memo is what tells of a run that is over.
      context.progress.state = 'failed';
      context.progress.outcome = messageOf(error);
      context.publish();
      throw error;
    });
  context.delivered();
  context.settings = opened.settings;
  context.bootId = opened.bootId;
  context.putRight = async (id, requires) => {
    const again = { id, title: `After the reboot, again: ${requires.join(', ')}`, plan: '' };
    await attempt(context, again, (opening) =>
      actOn<EngineActs>(context.input.host, context.envelope(again, { opening, requires })).ensureConditions(),
    );
  };
  context.progress.keepOnly(opened.nodes);
  const recorded = find(opened.nodes, placed, runbook);
  if (runbook.undoes === undefined) {
    const reached = opened.adopted?.reached;
    return { recorded, toGoBackFrom: recorded, ...(reached === undefined ? {} : { reached }) };
  }
  return { recorded, toGoBackFrom: find(opened.adopted?.nodes ?? [], placedNodes(runbook.undoes), runbook.undoes) };
}

/** What a run walks, and what it undoes when it goes back: of most runbooks the same. */
interface Lists<Acts> {
  readonly recorded: readonly Node<Acts>[];
  readonly toGoBackFrom: readonly Node<Acts>[];
  /** Of a run that goes on with a lost one: how far that came. */
  readonly reached?: Reached;
}

/**
 * Takes up what a lost run found. It goes on after the last step that is known to have ended: what that
 * run was told before it counts, and what it was told after is asked again.
 *
 * @returns The place in the list to go on from.
 */
function takeUp<Acts>(context: RunContext, recorded: readonly Node<Acts>[], { found }: Reached): number {
  const results = new Map(found.map(({ id, result }) => [id, result]));
  // A question may have had its conditions put right without an answer.
  const last = recorded.findLastIndex(({ id, kind }) => kind === 'step' && results.has(id));
  for (const node of recorded.slice(0, last + 1)) {
    for (const each of node.kind === 'parallel' ? node.questions : [node]) {
      const isLeftOut = each.kind === 'step' && !results.has(each.id);
      if (!isLeftOut) context.results.set(each.id, results.get(each.id));
      context.progress.mark(each.id, isLeftOut ? 'skipped' : 'done', { note: 'by the run that this one goes on with' });
    }
  }
  return last + 1;
}

function find<Acts>(ids: readonly string[], placed: readonly Placed<Acts>[], runbook: Runbook<Acts>): readonly Node<Acts>[] {
  return ids.map((id) => {
    const found = placed.find((candidate) => candidate.node.id === id);
    // Not an ApplicationFailure: the task waits for a worker whose version knows the node.
    if (!found) throw new Error(`node ${id} of this run is not known to this version of ${runbook.name}`);
    return found.node;
  });
}

async function close<Acts>(context: RunContext, runbook: Runbook<Acts>, state: RunState, outcome: string): Promise<RunResult> {
  context.mayTurnBack = false;
  const summary = runbook.summary(context.view(), ({ id }) => context.results.get(id) !== undefined);
  const node = { id: 'close-run', title: 'Write the run record, give the host free', plan: '' };
  await attempt(
    context,
    node,
    (opening) => actOn<EngineActs>(context.input.host, context.envelope(node, { opening })).closeRun({ state, outcome, summary }),
    { rollback: false },
  );
  context.progress.state = state;
  context.progress.outcome = outcome;
  context.publish();
  return { state, outcome };
}
