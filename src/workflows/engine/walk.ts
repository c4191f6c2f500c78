import { ApplicationFailure, CancellationScope, defineQuery, defineSignal, setHandler } from '@temporalio/workflow';
import { z } from 'zod';
import type { Condition } from '../../contract/calls.js';
import { failureTypes } from '../../contract/errors.js';
import { inputSchemaOf, optionsIn } from '../../contract/inputs.js';
import { catchUpNode, conditionsNodeOf, queryNames, signalNames } from '../../contract/names.js';
import { resumedSchema, rollbackRequestSchema } from '../../contract/questions.js';
import type { Reached } from '../../contract/settings.js';
import type { RunResult, RunStatus } from '../../contract/status.js';
import { askAboutCancel, throwIfRollbackRequested, WayBack } from './ask.js';
import { attempt, type Attemptable, messageOf } from './attempt.js';
import { Abandoned, catchUp, GoesOn } from './catchUp.js';
import { createRunContext, type RunContext } from './context.js';
import { tellFromStart, watchDeadlines } from './deadlines.js';
import { asBefore, close, end, type LeftBefore, notDone } from './ending.js';
import { actOn, type EngineActs } from './host.js';
import type { Node, Runbook } from './nodes.js';
import { createProgress, placedNodes, type Placed } from './progress.js';
import { carryOver, chooseWayBack, rollBack, walkBeside } from './rollback.js';
import { isPast, placeOf, takeUp } from './takeUp.js';
import { visit } from './visit.js';

const decideSignal = defineSignal<[unknown]>(signalNames.decide);
const rollbackSignal = defineSignal<[unknown]>(signalNames.rollback);
const resumedSignal = defineSignal<[unknown]>(signalNames.resumed);
const statusQuery = defineQuery<RunStatus>(queryNames.status);

/**
 * Makes a workflow of a runbook. It takes one JSON object, {@link inputSchemaOf} its options, and fails at once
 * where that does not fit; after that it ends only by its list or by the way back.
 */
export function workflowOf<Acts>(runbook: Runbook<Acts>): (input: unknown) => Promise<RunResult> {
  const inputSchema = inputSchemaOf(runbook.takes ?? []);
  return async (raw) => {
    const parsed = inputSchema.safeParse(raw);
    if (!parsed.success) throw ApplicationFailure.nonRetryable(z.prettifyError(parsed.error), failureTypes.invalidInput);
    const { awareSince } = parsed.data;
    if (awareSince !== undefined && Date.parse(awareSince) > Date.now()) throw ApplicationFailure.nonRetryable(`awareSince: ${awareSince} has not come yet; deadlines count from when it became known`, failureTypes.invalidInput);
    const placed = placedNodes(runbook);
    const context = createRunContext(runbook, parsed.data, createProgress(placed));
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
    if (!parsed.success) return;
    context.resumedBoot = parsed.data.bootId;
    if (parsed.data.hasHostAgain === true) context.hasHostAgain = true;
    else context.isBehind = (parsed.data.calls ?? 0) > context.calls();
  });
  setHandler(statusQuery, () => context.status(), { description: 'How the run stands: every node, every open question' });
}

async function walk<Acts>(context: RunContext, runbook: Runbook<Acts>, placed: readonly Placed<Acts>[]): Promise<RunResult> {
  context.publish();
  const lists = await open(context, runbook, placed);
  const { recorded, reached } = lists;
  let at = reached === undefined ? 0 : takeUp(context, runbook, recorded, reached, 'by the run that this one goes on with');
  let left = runbook.undoes === undefined && lists.wayBackBegun === true ? new WayBack('the run that this one goes on with had begun to go back') : undefined;
  context.mayTurnBack = left === undefined && !isPast(runbook, context, reached);
  if (left === undefined) tellFromStart(context, recorded.slice(at));
  void watchDeadlines(context);
  context.catchUp = (ahead) => catchUp(context, runbook, left !== undefined, ahead);
  for (;;) {
    try {
      if (left !== undefined) {
        const ended = await goBack(context, runbook, lists, { left, at });
        if (ended !== undefined) return ended;
        left = undefined;
        context.mayTurnBack = true;
      }
      if (context.cancelRequested && context.mayTurnBack) await askAboutCancel(context);
      throwIfRollbackRequested(context);
      const node = recorded[at];
      if (node === undefined) {
        if (runbook.undoes !== undefined) throw new WayBack(`${runbook.undoes.name} undone`);
        return await close(context, runbook, 'succeeded', `${runbook.title}: done`);
      }
      if (node.id === runbook.noWayBackFrom?.id) context.mayTurnBack = false;
      await visit(context, node);
      at += 1;
    } catch (error) {
      context.inbox.withdraw();
      context.progress.state = 'running';
      if (error instanceof Abandoned) return end(context, 'stopped', error.message);
      if (error instanceof GoesOn) {
        at = placeOf(context, runbook, recorded, at, error.caughtUp);
        context.mayTurnBack = left === undefined && !isPast(runbook, context, error.caughtUp.reached);
        continue;
      }
      if (!(error instanceof WayBack)) throw error;
      left = error;
      // What was due on the way forward is not, on the way back.
      context.deadlines.clear();
      if (error.caughtUp !== undefined) at = placeOf(context, runbook, recorded, at, error.caughtUp);
      context.mayTurnBack = false;
    }
  }
}

/** @returns What the run came to; undefined where a person chose to go on after all. */
async function goBack<Acts>(
  context: RunContext,
  runbook: Runbook<Acts>,
  lists: Lists<Acts>,
  { left, at }: { readonly left: WayBack; readonly at: number },
): Promise<RunResult | undefined> {
  const { reason } = left;
  const { recorded, toGoBackFrom } = lists;
  // Its own list has changed nothing yet: leaving it leaves the host as it is.
  if (runbook.undoes !== undefined && at < recorded.length) return close(context, runbook, 'stopped', `${reason}. ${asBefore(runbook.name, lists)}`, { handsBack: true });
  const mayUndo = runbook.undoesNothing !== true && (runbook.noWayBackFrom === undefined || (!isPast(runbook, context) && recorded.some((node) => node.kind === 'step' && node.undo !== undefined)));
  if (!mayUndo) return close(context, runbook, 'stopped', `${reason}. The host stays as it is`);
  if (runbook.holdsHost === false) return leave(context, runbook, reason);
  const way = await chooseWayBack(context, runbook, left);
  if (way === 'continue') return undefined;
  if (way === 'stop') {
    const { skipped } = await walkBeside(context, whenStoppedSection, runbook.whenStopped ?? []);
    return close(context, runbook, 'stopped', `${reason}. The service stays where it is${skipped.length === 0 ? '' : `. NOT done, and left to be done by hand: ${skipped.join('; ')}`}`);
  }
  const isCarriedOver = way.carriesOver ? await carryOver(context, runbook.undoes ?? runbook) : way.isCarriedOver;
  const skipped = await rollBack(context, runbook, toGoBackFrom, way.toUndo, isCarriedOver);
  return close(context, runbook, 'rolled back', skipped.length === 0 ? reason : `${reason}. NOT undone: ${skipped.join('; ')}`);
}

const whenStoppedSection = 'Before the run ends';

/** Ends a run that has changed nothing, and says what it leaves undone. */
async function leave<Acts>(context: RunContext, runbook: Runbook<Acts>, reason: string): Promise<RunResult> {
  const left = notDone(context);
  const { skipped } = await walkBeside(context, whenStoppedSection, runbook.whenStopped ?? []);
  return close(context, runbook, 'stopped', [reason, ...left, ...skipped.map((what) => `Left out: ${what}`)].join('. '));
}

/**
 * The first activity claims the host and records the list; a refusal ends the run with its message.
 * The run walks what was recorded: a node that a later version adds concerns new runs only.
 */
async function open<Acts>(context: RunContext, runbook: Runbook<Acts>, placed: readonly Placed<Acts>[]): Promise<Lists<Acts>> {
  const node = { id: 'open-run', title: `${runbook.title}: claim the host`, plan: '' };
  const act = actOn<EngineActs>(context.input.host, context.uncounted(node, {}));
  const options = optionsIn(context.input, runbook.takes ?? []);
  const opened = await act
    .openRun({ nodes: placed.map(({ node: { id } }) => id), takeOver: context.input.takeOver || context.input.resume, ...(context.input.resume ? { resume: true } as const : {}), ...(runbook.undoes === undefined ? {} : { undoes: runbook.undoes.name }), ...(runbook.comesFirst?.(context.input) === true ? { comesFirst: true } as const : {}), ...(Object.keys(options).length === 0 ? {} : { options }) })
    .catch((error: unknown) => {
      // The memo is what tells of a run that is over.
      context.progress.state = 'failed';
      context.progress.outcome = messageOf(error);
      context.publishNow();
      throw error;
    });
  context.delivered();
  context.settings = opened.settings;
  context.input = { ...context.input, ...opened.options };
  context.bootId = opened.bootId;
  const ensure = async (again: Attemptable, requires: readonly Condition[], id = again.id) => {
    const mayRollBack = runbook.noWayBackFrom === undefined || context.mayTurnBack;
    const call = (opening: number) => actOn<EngineActs>(context.input.host, context.envelope({ ...again, id }, { opening, requires })).ensureConditions();
    await attempt(context, again, call, mayRollBack ? {} : { rollback: false });
  };
  // Whoever goes on with this run when it is lost takes what has ended well for done: the node that waits has not.
  context.putRight = (id, requires, isLeft) => ensure({ id, title: `After the reboot, again: ${requires.join(', ')}`, plan: '', isLeft }, requires, conditionsNodeOf(id));
  // Not under the node that waits: where the history has lost just the last call of that, the host would take the look for it.
  context.lookAtHost = () => ensure({ id: catchUpNode, title: 'Look how far the host is', plan: '' }, []);
  context.progress.keepOnly(opened.nodes);
  const recorded = find(opened.nodes, placed, runbook);
  if (runbook.undoes === undefined) {
    const { reached, startedAt, wayBackBegun } = opened.adopted ?? {};
    if (reached !== undefined && startedAt !== undefined) context.countsFrom = context.input.awareSince ?? startedAt;
    if (reached !== undefined) {
      // The lost run told nobody of a reboot: what is asked first makes its conditions true, as after one.
      context.bootId = '';
      context.resumedBoot = opened.bootId;
    }
    return { recorded, toGoBackFrom: recorded, ...(reached === undefined ? {} : { reached }), ...(wayBackBegun === undefined ? {} : { wayBackBegun }) };
  }
  const { adopted, takenFrom } = opened;
  return {
    recorded,
    toGoBackFrom: find(adopted?.nodes ?? [], placedNodes(runbook.undoes), runbook.undoes),
    wayBackBegun: adopted?.wayBackBegun ?? false,
    ...(takenFrom === undefined ? {} : { takenFrom }),
  };
}

/** What a run walks, and what it undoes when it goes back: of most runbooks the same. */
interface Lists<Acts> extends LeftBefore {
  readonly recorded: readonly Node<Acts>[];
  readonly toGoBackFrom: readonly Node<Acts>[];
  /** Of a run that goes on with a lost one: how far that came. */
  readonly reached?: Reached;
}

function find<Acts>(ids: readonly string[], placed: readonly Placed<Acts>[], runbook: Runbook<Acts>): readonly Node<Acts>[] {
  return ids.map((id) => {
    const found = placed.find((candidate) => candidate.node.id === id);
    // Not an ApplicationFailure: the task waits for a worker whose version knows the node.
    if (!found) throw new Error(`node ${id} of this run is not known to this version of ${runbook.name}`);
    return found.node;
  });
}
