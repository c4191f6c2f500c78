import { setTimeout as sleep } from 'node:timers/promises';
import { input, select } from '@inquirer/prompts';
import type { Client } from '@temporalio/client';
import type { PassphrasePolicy } from '../config/passphrasePolicy.js';
import type { OpenQuestion } from '../contract/questions.js';
import { askSecret } from './askSecret.js';
import { explainOutcome, sendDecision } from './decision.js';
import { CommandEnded } from './exit.js';
import { observe } from './observe.js';
import { ignoreAbort, isNoAnswer } from '../worker/serverErrors.js';
import type { RunReference } from './runs.js';
import { giveSecret } from './secretClient.js';
import type { Session } from './session.js';
import { findFault } from './spoken.js';
import { readTypist } from './typist.js';

/** Where an interactive watch sends what it is told. */
export interface AnswerContext {
  readonly session: Session;
  readonly client: Client;
  readonly run: RunReference;
  /** Who answers, as claimed. */
  readonly by: string;
  /** Added to each command that is shown, such as ` --host db2`. */
  readonly flags: string;
  /** Where secrets go and what is asked of new ones, where this is the host itself. */
  readonly secrets?: { readonly socketPath: string; readonly policy: PassphrasePolicy };
}

/** What became of asking: `left open` is not asked again, `changed` needs a new look at the run. */
export type Answered = 'left open' | 'changed';

const later = 'leave it open';

/** Asks the person at the terminal one open question, and sends the answer. */
export async function answerQuestion(context: AnswerContext, question: OpenQuestion): Promise<Answered> {
  const { session, client, run, by, flags } = context;
  const closed = new AbortController();
  const watching = watchClosing(context, question, closed);
  try {
    if (question.kind === 'secret') return await typeSecret(context, question, closed.signal);
    const answer = await select(
      { message: 'Your answer', choices: [...question.choices, later].map((value) => ({ value, name: value === question.recommended ? `${value} (recommended)` : value })), default: later },
      { signal: closed.signal },
    );
    if (answer === later) {
      session.terminal.print('It stays open: answer it from another terminal with one of the commands above; this one looks on.');
      return 'left open';
    }
    const reason = question.reasonFor.includes(answer) ? await askReason(closed.signal) : undefined;
    const decision = { question: question.id, answer, by, ...(reason === undefined ? {} : { reason }) };
    const recorded = await sendDecision(client, run, decision);
    session.terminal.print(explainOutcome(decision, recorded, { after: await stillOpen(context, question), flags }));
    return 'changed';
  } catch (error) {
    if (isAborted(error)) {
      session.terminal.print(`\n${question.id} was answered elsewhere`);
      return 'changed';
    }
    if (!(error instanceof CommandEnded)) throw error;
    session.terminal.warn(error.message);
    return 'changed';
  } finally {
    closed.abort();
    await watching;
  }
}

async function askReason(signal: AbortSignal): Promise<string> {
  const validate = (text: string): true | string => {
    const fault = findFault('reason', text);
    return fault === undefined ? true : `The reason ${fault}`;
  };
  return (await input({ message: 'Reason', validate }, { signal })).trim();
}

async function typeSecret(context: AnswerContext, question: OpenQuestion, signal: AbortSignal): Promise<Answered> {
  const { session, run, by, flags, secrets } = context;
  const { environment, terminal } = session;
  if (secrets === undefined) {
    terminal.print(`Secrets are typed on the host itself: "sudo lockstep unlock${flags}" there`);
    return 'left open';
  }
  const value = await askSecret(terminal, question, secrets.policy, signal);
  try {
    await giveSecret(secrets.socketPath, {
      question: question.id,
      secret: question.secret ?? '',
      value,
      workflowId: run.workflowId,
      ...(await readTypist({ ...environment, person: by })),
    });
    return 'changed';
  } catch (error) {
    if (!(error instanceof CommandEnded)) throw error;
    // Asking at once again would help no one: root is needed, or a worker.
    terminal.warn(error.message);
    return 'left open';
  }
}

/** Another person may answer, or time may: then this prompt is over too. */
async function watchClosing(context: AnswerContext, question: OpenQuestion, closed: AbortController): Promise<void> {
  const over = (): boolean => closed.signal.aborted;
  while (!over()) {
    await sleep(2000, undefined, { signal: closed.signal }).catch(ignoreAbort);
    if (over()) return;
    try {
      if ((await stillOpen(context, question)) === undefined) closed.abort();
    } catch (error) {
      // The server may be away for a while; the person goes on typing.
      if (!isNoAnswer(error)) throw error;
    }
  }
}

/** The question as the run shows it now; one that no worker can tell of counts as open. */
async function stillOpen({ client, run }: AnswerContext, question: OpenQuestion): Promise<OpenQuestion | undefined> {
  const { status } = await observe(client, run);
  return status === undefined ? question : status.questions.find(({ id }) => id === question.id);
}

function isAborted(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortPromptError';
}
