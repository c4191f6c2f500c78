import { pastNoReturnQuestion } from '../../contract/names.js';
import { attempt, type Attempted, type FailureChoices } from './attempt.js';
import { askParked, WayBack } from './ask.js';
import type { RunContext } from './context.js';
import { actOn, type EngineActs } from './host.js';
import { leavesOf, type Node, type Runbook, type Step, type Undo } from './nodes.js';

/**
 * Undoes, in reverse, what the journal on the host or this run's own history says was begun, then
 * proves the way back. It parks where an undo fails, and never gives up.
 *
 * @param nodes - The recorded list: its order is the order in which things are undone, reversed.
 * @param journal - The steps that the journal says began and were not undone.
 * @param isCarriedOver - What users wrote was carried over: another way of an undo would lack it, and is not offered.
 * @returns The undos that a person skipped, in words: the run's outcome has to name them.
 */
export async function rollBack<Acts>(
  context: RunContext,
  runbook: Runbook<Acts>,
  nodes: readonly Node<Acts>[],
  journal: readonly string[],
  isCarriedOver = false,
): Promise<readonly string[]> {
  context.progress.state = 'rolling back';
  const skipped: string[] = [];
  // History may be behind the host or ahead of it: what either of them says was begun is undone.
  const toUndo = new Set([...journal, ...context.begun]);
  const undos = [...nodes].reverse().flatMap((step) => (step.kind === 'step' && step.undo !== undefined && toUndo.has(step.id) ? [{ step, undo: step.undo }] : []));
  // Those of another run's list are not on this one's.
  context.progress.add('Undo', undos.map(({ step: { id, plan, usersOffline = false }, undo: { title } }) => ({ id, title, plan, usersOffline })));
  for (const { step, undo } of undos) {
    context.progress.mark(step.id, 'undoing');
    context.publish();
    const { attempted, title, note } = await undoStep(context, step, undo, isCarriedOver);
    if ('instead' in attempted) {
      skipped.push(`${title} (${attempted.words})`);
      context.progress.mark(step.id, 'failed', { note: `undo ${attempted.words}` });
    } else {
      // Whoever chooses the way back anew does not undo it again.
      context.begun.delete(step.id);
      context.progress.mark(step.id, 'undone', note === undefined ? {} : { note });
    }
  }
  await walkBeside(context, 'After the way back', runbook.afterRollback);
  return skipped;
}

/** The answer that leaves the other way of an undo again. */
const firstWay = 'first-way';

/**
 * Undoes one step by its own way, or by the other one that a person chose when that failed.
 *
 * @throws {@link WayBack} where what was carried over turns out to lack something.
 */
async function undoStep<Acts>(context: RunContext, step: Step<unknown, Acts>, undo: Undo<Acts>, isCarriedOver: boolean) {
  const go = ({ title, requires = [], do: act }: Pick<Undo<Acts>, 'title' | 'requires' | 'do'>, choices: FailureChoices) => {
    const node = { id: step.id, title, plan: step.plan, requires };
    return attempt(
      context,
      node,
      (opening) => act(actOn<Acts>(context.input.host, context.envelope(node, { opening, phase: 'undo', requires }))),
      { skip: true, rollback: false, ...choices },
    );
  };
  const { otherwise } = undo;
  if (isCarriedOver) return { attempted: await go(undo, { leavesWhenVoid: true }), title: undo.title };
  if (otherwise === undefined) return { attempted: await go(undo, {}), title: undo.title };
  for (;;) {
    const first = await go(undo, { others: { [otherwise.answer]: otherwise.title } });
    if (!('instead' in first) || first.instead !== otherwise.answer) return { attempted: first, title: undo.title };
    const second = await go(otherwise, { others: { [firstWay]: undo.title } });
    if (!('instead' in second) || second.instead !== firstWay) return { attempted: second, title: otherwise.title, note: first.words };
  }
}

/**
 * Goes through steps beside the list: they save, prove or tell, and have nothing to go back from.
 *
 * @param others - Answers to a failure that leave this step and those after it.
 * @returns How they were left, where they were not gone through to the end; and what of them a person skipped, in words.
 */
export async function walkBeside<Acts>(
  context: RunContext,
  section: string,
  steps: readonly Step<unknown, Acts>[],
  others: Readonly<Record<string, string>> = {},
): Promise<{ readonly left?: Left; readonly skipped: readonly string[] }> {
  context.progress.add(section, steps);
  const skipped: string[] = [];
  for (const step of steps) {
    context.progress.mark(step.id, 'running');
    context.publish();
    const attempted: Attempted<unknown> = await attempt(
      context,
      step,
      (opening) => step.do(actOn<Acts>(context.input.host, context.envelope(step, { opening, requires: step.requires ?? [] })), context.view()),
      { skip: step.skippable ?? false, rollback: false, others },
    );
    if ('instead' in attempted) {
      context.progress.mark(step.id, 'skipped', { note: attempted.words });
      if (attempted.instead in others) return { left: { answer: attempted.instead, words: `${step.title}: ${attempted.words}` }, skipped };
      skipped.push(`${step.title} (${attempted.words})`);
      continue;
    }
    context.results.set(step.id, attempted.result);
    context.progress.mark(step.id, 'done', { facts: step.show?.(attempted.result) ?? [] });
  }
  return { skipped };
}

/** How steps beside the list were left. */
interface Left {
  readonly answer: string;
  /** Who left them at which step, and why. */
  readonly words: string;
}

/** The answer that goes back with what users wrote past the point of no return. */
const carry = 'carry-over';

/** The answer that gives up what users wrote past the point of no return: nothing else ever does. */
const discard = 'discard-writes';

/** The answer that leaves a carry-over, and lets what becomes of what users wrote be asked again. */
const chooseAgain = 'choose-again';

/**
 * Saves what users wrote past the point of no return; where that cannot be done a person may give it up by name.
 *
 * @returns Whether it was saved.
 * @throws {@link WayBack} where a person chooses the way back anew.
 */
export async function carryOver<Acts>(context: RunContext, runbook: Runbook<Acts>): Promise<boolean> {
  context.progress.state = 'rolling back';
  const { left } = await walkBeside(context, 'Carry over what users wrote', runbook.carryOver ?? [], {
    [discard]: 'go back without what users wrote',
    [chooseAgain]: 'choose anew what becomes of what users wrote',
  });
  if (left?.answer === chooseAgain) throw new WayBack(left.words);
  return left === undefined;
}

/** What a run does that leaves the way forward. */
export type Way =
  | 'continue'
  | 'stop'
  | {
      readonly toUndo: readonly string[];
      readonly carriesOver: boolean;
      /** By an earlier way back, or by one that was chosen anew. */
      readonly isCarriedOver: boolean;
    };

/**
 * Reads from the host, never from history alone, on which side of the point of no return we are.
 * Before it: what is to be undone. After it a switch back alone would lose what users wrote, so a
 * person chooses what becomes of that.
 *
 * @param wayBack - Why the way forward was left.
 */
export async function chooseWayBack<Acts>(context: RunContext, runbook: Runbook<Acts>, { reason, trigger }: WayBack): Promise<Way> {
  const node = { id: 'begin-way-back', title: 'End what this run left running, and read its journal', plan: '' };
  const attempted = await attempt(
    context,
    node,
    (opening) => actOn<EngineActs>(context.input.host, context.envelope(node, { opening })).beginWayBack(),
    { rollback: false },
  );
  if (!('result' in attempted)) throw new Error(`${node.title} was left without its journal`);
  const { toUndo, usersMayWriteSince, carriedOver: isCarriedOver = false, carryOverBegun = false, undoBegun = false } = attempted.result;
  if (usersMayWriteSince === undefined) return { toUndo, carriesOver: false, isCarriedOver };
  const back = (runbook.undoes ?? runbook).carryOver === undefined ? [] : [carry, discard];
  // What was undone already no list knows to do again, nor to let users in whom a carry-over has kept out; and the
  // service may not run where it would be left.
  const isServing = !undoBegun && !carryOverBegun;
  const onward = runbook.undoes === undefined && isServing ? ['continue'] : [];
  const leaving = undoBegun && back.length > 0 ? [] : ['stop'];
  const stopping = (runbook.whenStopped ?? []).map(({ title }) => title).join('; ');
  const asked = {
    id: context.openingOf(pastNoReturnQuestion),
    node: 'begin-way-back',
    kind: 'parked' as const,
    title: [
      `${reason}. But users may have written on the new volume since ${usersMayWriteSince}, and a switch back alone would lose what they wrote`,
      ...(back.length === 0 ? [] : [`${carry}: go back with it, users offline meanwhile (pages that are damaged on the volume go along); ${discard}: go back without it`]),
      ...(onward.length === 0 ? [] : ['continue: go on where the run stands']),
      ...leaving.map(() => `stop: end the run and leave the service on the new volume${stopping.length === 0 ? '' : ` (${stopping})`}`),
    ].join('. '),
    choices: [...back, ...onward, ...leaving],
    reasonFor: [discard, 'stop'],
    evidence: trigger ?? [],
    ...(trigger === undefined || back.length === 0 ? {} : { recommended: carry }),
  };
  // Nothing has stopped the service yet: after a reboot it would else be down until somebody answers.
  const decision = await askParked(context, asked, isServing ? leavesOf(runbook.undoes ?? runbook, context.input) : []);
  if (decision.answer === 'stop' || decision.answer === 'continue') return decision.answer;
  return { toUndo, carriesOver: decision.answer === carry, isCarriedOver };
}
