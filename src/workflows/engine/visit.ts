import type { Answer, Decision } from '../../contract/questions.js';
import { describeAgreement } from './agreement.js';
import { WayBack, whileWaiting } from './ask.js';
import { attempt } from './attempt.js';
import { leaveChildren, visitChild } from './child.js';
import type { RunContext } from './context.js';
import { dueAtOf, within } from './deadlines.js';
import { actOn } from './host.js';
import { type Asked, Withdrawn, withdrawnNote } from './inbox.js';
import { type Child, type Node, partsOf, type Question, type Step, type WaitUntil } from './nodes.js';

/**
 * Goes through one node, or leaves it out where its `when` or `onlyIf` does not hold.
 *
 * @throws {@link WayBack} where a person, or the time, decides against going on.
 */
export async function visit<Acts>(context: RunContext, node: Node<Acts>): Promise<void> {
  if (isLeftOut(context, node)) return;
  switch (node.kind) {
    case 'step':
      return visitStep(context, node);
    case 'wait':
      return visitWait(context, node);
    case 'parallel':
      return visitTogether(context, node.id, node.nodes);
    case 'question':
    case 'child':
      return visitTogether(context, node.id, [node]);
  }
}

/** Whether it does not apply: then it is marked as not needed. */
function isLeftOut<Acts>(context: RunContext, node: Node<Acts>): boolean {
  const failing = isWanted(context, node) ? [node.onlyIf].find((each) => each?.holds(context.view()) === false) : node.when;
  if (failing === undefined) return false;
  for (const { id } of partsOf(node)) context.progress.mark(id, 'not needed', { note: failing.otherwise });
  return true;
}

/** As far as the settings and the input say. */
function isWanted<Acts>(context: RunContext, { when }: Node<Acts>): boolean {
  return when?.holds({ settings: context.settings, input: context.input }) !== false;
}

/** Asks, and begins runs, at the same time: each once those are over that it comes after. */
async function visitTogether(context: RunContext, id: string, parts: readonly (Question | Child)[]): Promise<void> {
  const place = { left: false };
  const over = new Map<string, Promise<void>>();
  const begin = async (part: Question | Child): Promise<void> => {
    const before = (part.after ?? []).flatMap((each) => over.get(each.id) ?? []);
    if (before.length > 0) await Promise.all(before);
    if (place.left) throw new Withdrawn(`${part.id} is not needed any more`);
    if (isLeftOut(context, part)) return;
    await (part.kind === 'child' ? visitChild(context, part, () => place.left) : putQuestion(context, part));
  };
  const asked = parts.filter((part) => isWanted(context, part));
  const requires = [...new Set(asked.flatMap((part) => (part.kind === 'question' ? (part.requires ?? []) : [])))];
  for (const part of parts) over.set(part.id, begin(part));
  try {
    await whileWaiting(context, id, requires, Promise.all(over.values()));
  } finally {
    place.left = true;
    leaveChildren(context, parts);
  }
  context.progress.state = 'running';
}

async function visitStep<Acts>(context: RunContext, step: Step<unknown, Acts>): Promise<void> {
  context.begun.add(step.id);
  context.progress.mark(step.id, 'running');
  context.publish();
  const attempted = await attempt(
    context,
    step,
    (opening) => {
      const terms = { opening, requires: step.requires ?? [], undoable: step.undo !== undefined };
      return step.do(actOn<Acts>(context.input.host, context.envelope(step, terms)), context.view());
    },
    { skip: step.skippable ?? false, rollback: context.mayTurnBack },
  );
  if ('instead' in attempted) {
    context.progress.mark(step.id, 'skipped', { note: attempted.words });
    return;
  }
  context.results.set(step.id, attempted.result);
  context.progress.mark(step.id, 'done', { facts: step.show?.(attempted.result) ?? [] });
}

async function putQuestion(context: RunContext, question: Question): Promise<void> {
  const due = dueAtOf(context, question.due);
  context.progress.mark(question.id, 'open', due);
  if (context.progress.state !== 'parked') context.progress.state = 'waiting';
  const onward = question.choices ?? [question.asks === 'gate' ? 'go' : 'acknowledged'];
  const refusing = question.choices === undefined ? ['no-go'] : [];
  const people = typeof question.people === 'function' ? question.people(context.settings) : question.people;
  const needsReason = typeof question.reasonForGo === 'function' ? question.reasonForGo(context.view()) : question.reasonForGo === true;
  const opening = context.openingOf(question.id);
  const asked = {
    id: opening,
    node: question.id,
    kind: question.asks,
    title: question.title,
    choices: [...onward, ...refusing],
    reasonFor: needsReason ? [...onward, ...refusing] : refusing,
    evidence: question.evidence?.(context.view()) ?? [],
    ...due,
    ...(people === undefined ? {} : { people }),
    ...(question.notTheStarter === true ? { excluded: context.input.startedBy } : {}),
    ...(question.timeoutSeconds === undefined
      ? {}
      : { until: { at: new Date(Date.now() + question.timeoutSeconds * 1000).toISOString(), answer: 'no-go' } }),
  };
  const { answer, by, reason } = await within(context, question, due.dueAt, () => put(context, asked));
  const goesOn = onward.includes(answer);
  const said = `${by}${reason === undefined ? '' : `: ${reason}`}`;
  const note = `${answer}, ${goesOn && people !== undefined && people > 1 ? describeAgreement(context.inbox.decisions(), opening, answer) : said}`;
  context.progress.mark(question.id, goesOn ? 'done' : 'failed', { note });
  if (context.inbox.open().length === 0) context.progress.state = 'running';
  if (!goesOn) throw new WayBack(`${answer} at "${question.title}" by ${by}: ${reason ?? ''}`);
  context.results.set(question.id, { answer, by, ...(reason === undefined ? {} : { reason }) } satisfies Answer);
}

async function visitWait(context: RunContext, wait: WaitUntil): Promise<void> {
  const at = wait.until(context.view());
  if (at === undefined || Date.parse(at) <= Date.now()) {
    context.progress.mark(wait.id, 'not needed', { note: at === undefined ? 'no time is set' : `${at} has passed` });
    return;
  }
  context.progress.mark(wait.id, 'open');
  context.progress.state = 'waiting';
  const answered = put(context, {
    id: context.openingOf(wait.id),
    node: wait.id,
    kind: 'wait',
    title: `${wait.title}: ${at}`,
    choices: ['now', 'no-go'],
    reasonFor: ['no-go'],
    evidence: [],
    until: { at, answer: 'opened' },
  });
  const decision = await whileWaiting(context, wait.id, [], answered);
  context.progress.state = 'running';
  context.progress.mark(wait.id, decision.answer === 'no-go' ? 'failed' : 'done', { note: `${decision.answer}, ${decision.by}` });
  if (decision.answer === 'no-go') throw new WayBack(`no-go while waiting, by ${decision.by}: ${decision.reason ?? ''}`);
}

/** Asks a node's own question; one that the run leaves behind does not stay open in the list. */
async function put(context: RunContext, asked: Asked): Promise<Decision> {
  try {
    return await context.inbox.ask(asked);
  } catch (error) {
    if (error instanceof Withdrawn) context.progress.mark(asked.node, 'not needed', { note: withdrawnNote });
    throw error;
  }
}
