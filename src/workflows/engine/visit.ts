import type { Decision } from '../../contract/questions.js';
import { describeAgreement } from './agreement.js';
import { WayBack, whileWaiting } from './ask.js';
import { attempt } from './attempt.js';
import type { RunContext } from './context.js';
import { actOn } from './host.js';
import { type Asked, Withdrawn } from './inbox.js';
import type { Node, Question, Step, WaitUntil } from './nodes.js';

/**
 * Goes through one node, or leaves it out where its `when` does not hold.
 *
 * @throws {@link WayBack} where a person, or the time, decides against going on.
 */
export async function visit<Acts>(context: RunContext, node: Node<Acts>): Promise<void> {
  if (isLeftOut(context, node)) return;
  switch (node.kind) {
    case 'step':
      return visitStep(context, node);
    case 'question':
      return whileWaiting(context, node.id, node.requires ?? [], putQuestion(context, node));
    case 'wait':
      return visitWait(context, node);
    case 'parallel': {
      const questions = node.questions.filter((question) => !isLeftOut(context, question));
      const requires = [...new Set(questions.flatMap((question) => question.requires ?? []))];
      await whileWaiting(context, node.id, requires, Promise.all(questions.map((question) => putQuestion(context, question))));
    }
  }
}

/** Whether its `when` does not hold: then it is marked as not needed. */
function isLeftOut<Acts>(context: RunContext, node: Node<Acts>): boolean {
  if (node.when === undefined || node.when.holds({ settings: context.settings, input: context.input })) return false;
  for (const { id } of node.kind === 'parallel' ? node.questions : [node]) {
    context.progress.mark(id, 'not needed', { note: node.when.otherwise });
  }
  return true;
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
  context.progress.mark(question.id, 'open');
  context.progress.state = 'waiting';
  const go = question.asks === 'gate' ? 'go' : 'acknowledged';
  const people = typeof question.people === 'function' ? question.people(context.settings) : question.people;
  const needsReason = typeof question.reasonForGo === 'function' ? question.reasonForGo(context.view()) : question.reasonForGo === true;
  const opening = context.openingOf(question.id);
  const decision = await put(context, {
    id: opening,
    node: question.id,
    kind: question.asks,
    title: question.title,
    choices: [go, 'no-go'],
    reasonFor: needsReason ? [go, 'no-go'] : ['no-go'],
    evidence: question.evidence?.(context.view()) ?? [],
    ...(people === undefined ? {} : { people }),
    ...(question.notTheStarter === true ? { excluded: context.input.startedBy } : {}),
    ...(question.timeoutSeconds === undefined
      ? {}
      : { until: { at: new Date(Date.now() + question.timeoutSeconds * 1000).toISOString(), answer: 'no-go' } }),
  });
  const said = `${decision.by}${decision.reason === undefined ? '' : `: ${decision.reason}`}`;
  const agreed = people !== undefined && people > 1 && decision.answer === go;
  const note = `${decision.answer}, ${agreed ? describeAgreement(context.inbox.decisions(), opening, go) : said}`;
  context.progress.mark(question.id, decision.answer === go ? 'done' : 'failed', { note });
  if (context.inbox.open().length === 0) context.progress.state = 'running';
  if (decision.answer !== go) throw new WayBack(`${decision.answer} at "${question.title}" by ${decision.by}: ${decision.reason ?? ''}`);
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
    if (error instanceof Withdrawn) context.progress.mark(asked.node, 'not needed', { note: 'withdrawn: the run left this place before an answer' });
    throw error;
  }
}
