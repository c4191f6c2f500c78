import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { signalNames } from '../contract/names.js';
import type { Decision, OpenQuestion, RecordedDecision } from '../contract/questions.js';
import { statementOf } from '../contract/signatures.js';
import type { RunStatus } from '../contract/status.js';
import { createRun } from '../host/processes/runner.js';
import { createSignatures } from '../host/signatures.js';
import { noAnswer, refused, wrongUsage } from './exit.js';
import { readLoginUser } from './loginUser.js';
import { observe } from './observe.js';
import { commandFor } from './present/questionLines.js';
import { runFlag } from './runbooks.js';
import type { RunReference } from './runs.js';

/**
 * Chooses the question that an answer is meant for: the one that is named, or the only open one that
 * can be answered so.
 */
export function chooseQuestion(open: readonly OpenQuestion[], answer: string, named?: string): OpenQuestion {
  const ids = open.map(({ id }) => id).join(', ');
  if (named !== undefined) {
    const found = open.find(({ id }) => id === named);
    if (found !== undefined) return found;
    throw refused(`question ${named} is not open; ${open.length === 0 ? 'no question is' : `open are: ${ids}`}`);
  }
  const fitting = open.filter(({ choices }) => choices.includes(answer));
  const [only, second] = fitting;
  if (only !== undefined && second === undefined) return only;
  if (only !== undefined) throw wrongUsage(`several open questions can be answered with "${answer}"; name one: ${fitting.map(({ id }) => id).join(', ')}`);
  throw refused(open.length === 0 ? 'no question is open' : `no open question can be answered with "${answer}"; open are: ${ids}`);
}

/** How long a worker may take to say what became of a signal. */
const patienceSeconds = 10;

/**
 * Sends a decision and reads back what became of it.
 *
 * @returns What the run recorded; undefined where no worker answered in time.
 */
export async function sendDecision(client: Client, run: RunReference, decision: Decision): Promise<RecordedDecision | undefined> {
  const matching = (status: RunStatus | undefined): readonly RecordedDecision[] =>
    (status?.decisions ?? []).filter(({ question, answer, by }) => question === decision.question && answer === decision.answer && by === decision.by);
  const before = matching((await observe(client, run)).status).length;
  await client.workflow.getHandle(run.workflowId, run.runId).signal(signalNames.decide, { ...decision, ...(await withLogin()) });
  for (let waitedSeconds = 0; waitedSeconds < patienceSeconds; waitedSeconds += 0.2) {
    const { status } = await observe(client, run);
    const after = matching(status);
    if (after.length > before) return after.at(-1);
    await sleep(200);
  }
  return undefined;
}

/** Signs what is sent, with a key that ssh-keygen or an agent has. */
export async function signDecision({ workflowId, runId }: RunReference, decision: Decision, key: string): Promise<Decision> {
  const signatures = createSignatures({ run: createRun() });
  const { question, answer, by, reason } = decision;
  return { ...decision, signature: await signatures.sign({ key, statement: statementOf({ workflowId, runId, question, answer, by, ...(reason === undefined ? {} : { reason }) }) }) };
}

async function withLogin(): Promise<Pick<Decision, 'login'>> {
  const login = await readLoginUser();
  return login === undefined ? {} : { login };
}

/** What there is to say beside an outcome. */
export interface OutcomeContext {
  /** The question as it stands afterwards, where it is open still. */
  readonly after?: OpenQuestion | undefined;
  /** The run that has the host before this one, where there is one. */
  readonly ahead?: string | undefined;
  /** Added to each command that is shown, such as ` --host db2`. */
  readonly flags?: string;
  /** Named the run, where one was named; only answers take it. */
  readonly run?: string | undefined;
}

/**
 * Says what became of a decision.
 *
 * @throws CommandEnded where it did not count, with the next move, or where nobody could say.
 */
export function explainOutcome(decision: Decision, recorded: RecordedDecision | undefined, context: OutcomeContext = {}): string {
  const { after, ahead, flags = '' } = context;
  const what = `"${decision.answer}" for ${decision.question}`;
  if (recorded === undefined) {
    throw noAnswer(`${what} was sent, but no worker answers to say what became of it; see "lockstep status${flags}" when the host is back`);
  }
  if (recorded.outcome !== 'counted') {
    throw refused(`${what} did not count: ${recorded.outcome}; ${nextMoveAfter(recorded.outcome, decision, context)}`);
  }
  const missing = after?.people === undefined ? '' : `; ${after.people - (after.agreed?.length ?? 0)} more must agree`;
  const later = ahead === undefined ? '' : `; ${ahead} comes first on this host: what follows begins when that has ended`;
  return `${what} by ${decision.by} counted${missing}${later}`;
}

function nextMoveAfter(outcome: Exclude<RecordedDecision['outcome'], 'counted'>, { question, answer, by }: Decision, { after, flags = '', run }: OutcomeContext): string {
  const again = commandFor(after ?? { id: question, kind: 'gate', reasonFor: [] }, answer, `${runFlag(run)}${flags}`);
  switch (outcome) {
    case 'malformed':
      return `the run could not read it; see "lockstep status${flags}" for what can be answered`;
    case 'unknown question':
      return `see "lockstep status${flags}" for the questions that are open`;
    case 'not open any more':
      return `it was answered, or the run has moved on; see "lockstep status${flags}"`;
    case 'not open yet':
      return `the run has not come to it; answer when "lockstep watch${flags}" asks`;
    case 'not a choice':
      return after === undefined ? `see "lockstep status${flags}" for its choices` : `the choices are ${after.choices.join(', ')}`;
    case 'reason missing':
      return `say why: ${again.includes('--reason') ? again : `${again} --reason "…"`}`;
    case 'same person':
      return `${by} has agreed already, and somebody else has to: ${again} --by NAME`;
    case 'starter may not decide':
      return `${by} started the run, and somebody else has to decide: ${again} --by NAME`;
  }
}
