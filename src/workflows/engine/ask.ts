import { condition, workflowInfo } from '@temporalio/workflow';
import type { Condition } from '../../contract/calls.js';
import type { Facts } from '../../contract/facts.js';
import { catchUpNode } from '../../contract/names.js';
import type { Decision } from '../../contract/questions.js';
import type { CaughtUp } from '../../contract/settings.js';
import { alertPeople, firstWordsOf } from './alerts.js';
import type { RunContext } from './context.js';
import { type Asked, Withdrawn } from './inbox.js';

/** Thrown where the way forward ends by a decision: the engine then undoes what was done. */
export class WayBack extends Error {
  /**
   * @param trigger - What was measured, where the plan's rollback trigger led here.
   * @param caughtUp - Where the host stands, where the server's history did not know.
   */
  constructor(
    readonly reason: string,
    readonly trigger?: Facts,
    readonly caughtUp?: CaughtUp,
  ) {
    super(reason);
  }
}

/** After these the run needs its conditions as much as before; whatever else is answered leaves the place they are for. */
const answersThatGoOn = ['go', 'acknowledged', 'retry', 'skip', 'continue'];

/**
 * Asks, and looks after the host while the answer is out.
 *
 * @param requires - What a reboot puts right again meanwhile.
 * @throws {@link WayBack} on the signal `rollback`.
 */
export async function ask(context: RunContext, asked: Asked, requires: readonly Condition[] = []): Promise<Decision> {
  return whileWaiting(context, asked.node, requires, context.inbox.ask(asked), ({ answer }) => !answersThatGoOn.includes(answer));
}

/**
 * Waits for people, and looks after the host meanwhile: a reboot puts the conditions right again, a
 * cancel opens its own question, a rollback ends the waiting.
 *
 * @param requires - Of all questions that are waited for; without any a reboot is left to whoever waits further out.
 * @param answered - What is waited for; where it is rejected the run leaves this place.
 * @param leaves - Whether the run leaves this place by that answer: what its conditions wait for is not needed then.
 * @throws {@link WayBack} on the signal `rollback`, and whatever `answered` throws.
 */
export async function whileWaiting<T>(
  context: RunContext,
  node: string,
  requires: readonly Condition[],
  answered: Promise<T>,
  leaves: (answer: T) => boolean = () => false,
): Promise<T> {
  const waiting = { over: false, left: true };
  const tracked = answered.then((answer) => {
    waiting.left = leaves(answer);
    return answer;
  }).finally(() => (waiting.over = true));
  const turned = () => context.mayTurnBack && (context.rollbackRequest !== undefined || context.cancelRequested);
  // Who is asked how to catch up knows already.
  const isBehind = () => context.isBehind && node !== catchUpNode;
  const rebooted = () => requires.length > 0 && context.resumedBoot !== undefined;
  for (;;) {
    await Promise.race([tracked, condition(() => waiting.over || turned() || isBehind() || rebooted())]);
    if (waiting.over) return tracked;
    throwIfRollbackRequested(context);
    if (isBehind()) {
      context.isBehind = false;
      await context.lookAtHost();
    }
    if (turned()) await askAboutCancel(context);
    if (rebooted()) await lookAfterReboot(context, node, requires, () => waiting.over && waiting.left);
  }
}

/** @throws {@link WayBack} where the signal `rollback` has arrived and there is a way to leave. */
export function throwIfRollbackRequested(context: RunContext): void {
  const request = context.rollbackRequest;
  if (request === undefined || !context.mayTurnBack) return;
  context.rollbackRequest = undefined;
  throw new WayBack(`rollback asked for by ${request.by}: ${request.reason}`);
}

/** Temporal's cancel is a question, since a run that just ends would leave the database stopped. */
export async function askAboutCancel(context: RunContext): Promise<void> {
  context.cancelRequested = false;
  const decision = await askParked(context, {
    id: context.openingOf('cancelled'),
    node: 'cancelled',
    kind: 'cancelled',
    title: 'Cancel was asked for from Temporal: go on, or roll back?',
    choices: ['continue', 'rollback'],
    reasonFor: ['rollback'],
    evidence: [],
  });
  if (decision.answer === 'rollback') throw new WayBack(`cancelled by ${decision.by}: ${decision.reason ?? ''}`);
}

/** Asks with the run's state set to parked, and tells people that it is. */
export async function askParked(context: RunContext, asked: Asked, requires: readonly Condition[] = []): Promise<Decision> {
  const { progress } = context;
  const before = progress.state;
  progress.state = 'parked';
  const { id, title, evidence, choices } = asked;
  const text = [title, ...evidence.map(([label, value]) => `${label}: ${value}`), `Answers: ${choices.join(', ')}. Look at it, and answer: lockstep watch ${workflowInfo().workflowId}`].join('\n');
  alertPeople(context, { severity: 'warning', subject: `is parked: ${firstWordsOf(title)}`, text, key: id });
  try {
    return await ask(context, asked, requires);
  } finally {
    // The run may have left this place meanwhile.
    if (isParked(context)) progress.state = before;
    context.publish();
  }
}

function isParked({ progress }: RunContext): boolean {
  return progress.state === 'parked';
}

/** @param isLeft - Whether the run leaves this place: people are not asked any more for what it waits for. */
async function lookAfterReboot(context: RunContext, node: string, requires: readonly Condition[], isLeft: () => boolean): Promise<void> {
  const { bootId: before, resumedBoot: bootId = before } = context;
  context.resumedBoot = undefined;
  if (bootId === before) return;
  context.bootId = bootId;
  const looking = { over: false };
  const withdrawn = condition(() => looking.over || isLeft()).then(() => {
    if (looking.over) return;
    context.runningStep?.cancel();
    context.inbox.withdraw(node);
  });
  try {
    await context.putRight(node, requires, isLeft);
  } catch (error) {
    // The host is still as the boot left it: whatever is asked next has to look after that.
    context.bootId = before;
    context.resumedBoot ??= bootId;
    if (!(error instanceof Withdrawn && isLeft())) throw error;
  } finally {
    looking.over = true;
  }
  await withdrawn;
}
