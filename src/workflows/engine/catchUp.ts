import { ActivityFailure, workflowInfo } from '@temporalio/workflow';
import { catchUpNode, resumeCommandOf, takeOverByRollback } from '../../contract/names.js';
import type { Decision } from '../../contract/questions.js';
import type { CaughtUp } from '../../contract/settings.js';
import { askParked, WayBack } from './ask.js';
import { messageOf } from './attempt.js';
import type { Ahead, RunContext } from './context.js';
import { actOn, type EngineActs } from './host.js';
import type { Runbook } from './nodes.js';

/** Thrown where the run goes on from where the host stands, and not from where its history does. */
export class GoesOn extends Error {
  constructor(readonly caughtUp: CaughtUp) {
    super('the run goes on from where the host stands');
  }
}

/** Thrown where a person ends a run that the host has left behind: nothing more is asked of the host. */
export class Abandoned extends Error {}

/**
 * The host knows more of the run than the server's history does, or is held by another run: the
 * database was restored from a copy, or the run was reset. A person is told what was left, and chooses.
 *
 * @param goesBack - The run was on its way back: it goes on with that.
 * @param ahead - What the host knows.
 * @throws {@link GoesOn}, {@link WayBack} or {@link Abandoned}, as the person chose.
 */
export async function catchUp<Acts>(
  context: RunContext,
  runbook: Runbook<Acts>,
  goesBack: boolean,
  { fact, hasEnded, calls }: Ahead,
): Promise<never> {
  const goesBackLater = runbook.undoes !== undefined || runbook.carryOver !== undefined;
  const mayRollBack = !hasEnded && !goesBack && context.mayTurnBack && runbook.undoes === undefined && runbook.noWayBackFrom === undefined;
  // Otherwise the signal `rollback` would lead back here, by a call that the host refuses again.
  if (!mayRollBack) context.mayTurnBack = false;
  context.inbox.withdraw();
  const undoes = runbook.undoes === undefined ? {} : { undoes: runbook.undoes.name };
  // A reset sends again what was decided before it: that was said of a host that stood elsewhere.
  const question = calls === undefined ? 'host-ahead' : `host-ahead.${calls}`;
  for (let told = fact; ; ) {
    const decision = await choose(context, { runbook: runbook.name, goesBack, goesBackLater }, question, told, [...(hasEnded ? [] : ['continue']), ...(mayRollBack ? ['rollback'] : []), 'stop']);
    if (decision.answer === 'stop') throw new Abandoned(`${fact}. Ended here by ${decision.by}: ${decision.reason ?? ''}`);
    const way = goesBack || decision.answer === 'rollback' || runbook.undoes !== undefined ? 'back' : 'on';
    try {
      const node = { id: catchUpNode, title: 'Catch up with the host', plan: '' };
      const call = context.uncounted(node, { opening: context.startOf(catchUpNode) });
      const caughtUp = await actOn<EngineActs>(context.input.host, call).catchUp({ way, ...undoes });
      context.delivered();
      context.countFrom(caughtUp.calls);
      // The journal knows all of it, and what of it was undone.
      context.begun.clear();
      if (decision.answer === 'rollback') throw new WayBack(`rollback by ${decision.by}, with the host ahead of the server: ${decision.reason ?? ''}`, undefined, caughtUp);
      throw new GoesOn(caughtUp);
    } catch (error) {
      if (!(error instanceof ActivityFailure)) throw error;
      told = `${messageOf(error)}. ${fact}`;
    }
  }
}

async function choose(
  context: RunContext,
  { runbook, goesBack, goesBackLater }: { readonly runbook: string; readonly goesBack: boolean; readonly goesBackLater: boolean },
  question: string,
  fact: string,
  choices: readonly string[],
): Promise<Decision> {
  const words: Readonly<Record<string, string>> = {
    continue: goesBack
      ? 'go on with the way back from where the host stands; where users may have written since, what becomes of that is asked first'
      : 'go on from where the host stands; what was asked since then is asked again',
    rollback: 'go back from there',
    stop: `end this run and leave the host as it is; "${resumeCommandOf({ workflowId: workflowInfo().workflowId, runbook })}"${goesBackLater ? ` and "${takeOverByRollback}" take` : ' takes'} up what it left`,
  };
  try {
    return await askParked(context, {
      id: context.openingOf(question),
      node: catchUpNode,
      kind: 'parked',
      title: [fact, ...choices.map((choice) => `${choice}: ${words[choice] ?? ''}`)].join('. '),
      choices,
      reasonFor: choices.filter((choice) => choice !== 'continue'),
      evidence: [],
    });
  } catch (error) {
    if (!(error instanceof WayBack)) throw error;
    return { question, answer: 'rollback', by: 'the signal rollback', reason: error.reason };
  }
}
