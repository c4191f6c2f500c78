import { ActivityFailure, ApplicationFailure, CancellationScope, condition, isCancellation, TimeoutFailure } from '@temporalio/workflow';
import type { Condition } from '../../contract/calls.js';
import { failureTypes, silentAttempt } from '../../contract/errors.js';
import type { Facts } from '../../contract/facts.js';
import { secretAnswers, type Decision } from '../../contract/questions.js';
import { ask, askParked, throwIfRollbackRequested, WayBack } from './ask.js';
import type { Ahead, RunContext } from './context.js';
import { Withdrawn } from './inbox.js';

/** How an attempt's failure may be answered besides `retry`. */
export interface FailureChoices {
  readonly skip?: boolean;
  readonly rollback?: boolean;
  /** Answers of the step's own, which need a reason and leave the step undone, each with what it does. */
  readonly others?: Readonly<Record<string, string>>;
  /** Where what was carried over turns out to lack something this way back ends, and one is chosen anew. */
  readonly leavesWhenVoid?: boolean;
}

/** What is attempted, as it is named to people. */
export interface Attemptable {
  readonly id: string;
  readonly title: string;
  readonly plan: string;
  readonly requires?: readonly Condition[];
  /** Whether nobody needs it any more: its failure asks nobody then. */
  readonly isLeft?: () => boolean;
}

/** What an attempt came to: its result, or the answer that a person gave instead, with who and why in words. */
export type Attempted<R> = { readonly result: R } | { readonly instead: string; readonly words: string };

/**
 * Calls, and calls again after each secret given and each `retry` chosen: what fails, or lacks a secret that
 * nobody has, parks and never ends the run.
 *
 * @param node - With the conditions that a reboot puts right again while its failure waits for an answer.
 * @param call - One activity; gets the number of this opening.
 * @throws {@link WayBack} where a person chooses to roll back, or the way back has to be chosen anew.
 * @throws {@link Withdrawn} where it fails and nobody needs it any more.
 */
export async function attempt<R>(
  context: RunContext,
  node: Attemptable,
  call: (opening: number) => Promise<R>,
  choices: FailureChoices = {},
): Promise<Attempted<R>> {
  for (;;) {
    try {
      const scope = new CancellationScope();
      context.runningStep = scope;
      const result = await scope.run(() => call(context.startOf(node.id)));
      context.delivered();
      return { result };
    } catch (error: unknown) {
      context.runningStep = undefined;
      throwIfRollbackRequested(context);
      // Anything else is a fault of the workflow's own code: its task is retried until it is mended.
      if (!(error instanceof ActivityFailure || isCancellation(error))) throw error;
      if (node.isLeft?.() === true) throw new Withdrawn(`${node.title}: not needed any more`);
      let failure = messageOf(error);
      const ahead = hostAheadOf(error);
      if (ahead !== undefined) await context.catchUp({ fact: failure, ...ahead });
      const secret = secretOf(error);
      if (secret !== undefined) {
        const given = await askForSecret(context, node, secret);
        if (given === undefined || given.answer === secretAnswers.typed) continue;
        failure = `${secret.reason}: nobody has it, says ${given.by} (${given.reason ?? ''})`;
      }
      const lacking = evidenceOf(error, failureTypes.carryOverVoid);
      if (lacking !== undefined && choices.leavesWhenVoid === true) throw new WayBack(failure, lacking);
      const trigger = evidenceOf(error, failureTypes.rollbackTrigger);
      const decision = await askAfterFailure(context, node, { failure, trigger }, choices);
      if (decision.answer === 'rollback') throw new WayBack(`${node.title} failed (${failure}); ${decision.by}: ${decision.reason ?? ''}`, trigger);
      if (decision.answer === 'skip') return { instead: 'skip', words: `skipped by ${decision.by}: ${decision.reason ?? ''}` };
      if (decision.answer in (choices.others ?? {})) return { instead: decision.answer, words: `${decision.answer}, ${decision.by}: ${decision.reason ?? ''}` };
    } finally {
      context.runningStep = undefined;
    }
  }
}

/** What failed, in words: of an activity its own failure, not the fact that one failed. */
export function messageOf(error: unknown): string {
  const cause = error instanceof ActivityFailure ? (error.cause ?? error) : error;
  if (cause instanceof TimeoutFailure) return silentAttempt;
  return cause instanceof Error ? cause.message : String(cause);
}

function secretOf(error: unknown): { name: string; reason: string; isNew: boolean } | undefined {
  const cause = error instanceof ActivityFailure ? error.cause : undefined;
  if (!(cause instanceof ApplicationFailure) || cause.type !== failureTypes.secretNeeded) return undefined;
  const [name, isNew] = cause.details ?? [];
  return typeof name === 'string' ? { name, reason: cause.message, isNew: isNew === true } : undefined;
}

/** What was measured, of a failure of that type. */
function evidenceOf(error: unknown, type: string): Facts | undefined {
  const cause = error instanceof ActivityFailure ? error.cause : undefined;
  if (!(cause instanceof ApplicationFailure) || cause.type !== type) return undefined;
  return (cause.details?.[0] ?? []) as Facts;
}

/** Trying again would be refused again: the host has moved on. */
function hostAheadOf(error: unknown): Omit<Ahead, 'fact'> | undefined {
  const cause = error instanceof ActivityFailure ? error.cause : undefined;
  if (!(cause instanceof ApplicationFailure) || cause.type !== failureTypes.hostAhead) return undefined;
  const [hasEnded, calls] = cause.details ?? [];
  return { hasEnded: hasEnded === true, ...(typeof calls === 'number' ? { calls } : {}) };
}

/**
 * A secret that is lost would be asked for without end, were there no answer that says so.
 *
 * @returns Undefined where the run has its host again from one that came first: that may have opened what the secret is for.
 */
async function askForSecret(
  context: RunContext,
  node: { id: string; title: string },
  secret: { name: string; reason: string; isNew: boolean },
): Promise<Decision | undefined> {
  const before = context.progress.state;
  context.progress.state = 'waiting';
  const id = context.numberedOpening(`${node.id}.secret`);
  const asking = { over: false, isVoid: false };
  context.hasHostAgain = false;
  void condition(() => asking.over || context.hasHostAgain).then(() => {
    if (asking.over) return;
    asking.isVoid = true;
    context.inbox.withdrawOpening(id);
  });
  const asked = ask(context, {
    id,
    node: node.id,
    kind: 'secret',
    title: secret.reason,
    choices: Object.values(secretAnswers),
    reasonFor: [secretAnswers.lacking],
    evidence: [],
    secret: secret.name,
    ...(secret.isNew ? { isNewSecret: true } : {}),
  });
  try {
    const decision = await asked;
    context.progress.state = before;
    context.publish();
    return decision;
  } catch (error) {
    if (!(error instanceof Withdrawn && asking.isVoid)) throw error;
    context.progress.state = before;
    context.publish();
    return undefined;
  } finally {
    asking.over = true;
  }
}

async function askAfterFailure(
  context: RunContext,
  node: Attemptable,
  { failure, trigger }: { readonly failure: string; readonly trigger: Facts | undefined },
  choices: FailureChoices,
): Promise<Decision> {
  const before = context.progress.stateOf(node.id);
  const others = Object.keys(choices.others ?? {});
  const id = context.numberedOpening(`${node.id}.failed`);
  const proposed = trigger !== undefined && choices.rollback !== false;
  // A question that was answered keeps who said so: it is its conditions that fail.
  if (before !== 'done') context.progress.mark(node.id, 'failed', { note: failure, ...(proposed ? { facts: trigger } : {}) });
  if (proposed && context.isFirstTrigger(node.id) && context.settings.automaticRollback === true) return decideBySetting(context, id);
  const title = [`${node.title} failed: ${failure}`, ...Object.entries(choices.others ?? {}).map(([answer, words]) => `${answer}: ${words}`)].join('. ');
  const asked = {
    ...({ id, node: node.id, kind: 'parked', title } as const),
    choices: ['retry', ...(choices.skip === true ? ['skip'] : []), ...(choices.rollback === false ? [] : ['rollback']), ...others],
    reasonFor: ['skip', 'rollback', ...others],
    evidence: proposed ? trigger : [],
    ...(proposed ? { recommended: 'rollback' } : {}),
  };
  const decision = await askParked(context, asked, node.requires);
  // A question may have been answered while its conditions were asked about: then it has its state by that.
  if (before !== undefined && context.progress.stateOf(node.id) === 'failed') context.progress.mark(node.id, before, { note: '', ...(proposed ? { facts: [] } : {}) });
  return decision;
}

/** Kept like a person's, so that the record and the audit log say who decided. */
function decideBySetting(context: RunContext, question: string): Decision {
  const decision = { question, answer: 'rollback', by: 'lockstep.yaml', reason: 'rollback.automatic is set, and the plan names this as a reason to go back' };
  context.inbox.keep(decision, 'counted');
  return decision;
}
