import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import { memoKey, queryNames, signalNames } from '../contract/names.js';
import type { Decision, OpenQuestion } from '../contract/questions.js';
import type { CompactStatus, RunStatus } from '../contract/status.js';
import { isNoAnswer } from '../worker/serverErrors.js';
import { rehearsalSecrets } from './hostConfig.js';
import type { Rehearsal } from './rehearsal.js';

/** How a question is answered; undefined: not yet, look again. */
export type Answerer = (question: OpenQuestion, status: RunStatus) => Promise<Pick<Decision, 'answer' | 'reason'> | undefined>;

const person = 'rehearsal';
const pollMilliseconds = 150;

/**
 * Looks at how a run stands. The run itself is asked only when its history has grown since it was asked
 * last: a status follows from history, and each answer costs the host time that its steps need.
 *
 * @param onlyWhenItAsks - Leaves the run alone while what the server keeps of it names no open question.
 * @returns A reader; undefined from it while nobody can tell, as during a restart of worker or server.
 */
export function createStatusReader(handle: WorkflowHandle, onlyWhenItAsks = false): () => Promise<RunStatus | undefined> {
  let last: { readonly historyLength: number; readonly status: RunStatus } | undefined;
  return async () => {
    try {
      const { historyLength, memo } = await handle.describe();
      const kept = memo?.[memoKey] as CompactStatus | undefined;
      if (onlyWhenItAsks && kept?.questions.length === 0) return undefined;
      if (last?.historyLength !== historyLength) last = { historyLength, status: await handle.query<RunStatus>(queryNames.status) };
      return last.status;
    } catch {
      // Whatever stands between is on its way back, or the watcher's own time limit ends the waiting.
      return undefined;
    }
  };
}

/** Goes at every gate; a parked run is a failed rehearsal, which a person has to look at. */
export const goEverywhere: Answerer = (question) => {
  switch (question.kind) {
    case 'gate':
    case 'acknowledgement': {
      const answer = question.choices[0] ?? 'go';
      return Promise.resolve({ answer, ...(question.reasonFor.includes(answer) ? { reason: 'rehearsed' } : {}) });
    }
    case 'wait':
      return Promise.resolve({ answer: 'now' });
    case 'secret':
      return Promise.resolve(undefined);
    case 'parked':
      // Of a rollback that is past the point of no return this is the one answer that loses nothing.
      if (question.choices.includes('carry-over')) return Promise.resolve({ answer: 'carry-over' });
      return Promise.reject(new Error(question.title));
    case 'cancelled':
      return Promise.reject(new Error(question.title));
  }
};

/**
 * Answers a run's questions until it ends: secrets through the socket as a person would, everything
 * else by the signal.
 *
 * @param secrets - What is typed, by the name of the secret; default what a rehearsal's host was set up with.
 * @param answer - Asked for each open question that is not a secret.
 * @param onStatus - Told of each status; without it the run is asked only where a question is open.
 * @returns The workflow's result.
 */
export async function answerUntilEnd<Result>(
  { rehearsal, handle, secrets = rehearsalSecrets }: { rehearsal: Rehearsal; handle: WorkflowHandle; secrets?: Readonly<Record<string, string>> },
  answer: Answerer = goEverywhere,
  onStatus?: (status: RunStatus) => void | Promise<void>,
): Promise<Result> {
  const answered = new Set<string>();
  const ended = { value: false };
  const result = awaitResult<Result>(handle).finally(() => (ended.value = true));
  // Awaited at the end; a failure in between must not count as unhandled.
  void result.catch(() => undefined);
  const readStatus = createStatusReader(handle, onStatus === undefined);
  while (!ended.value) {
    const status = await readStatus();
    if (status) {
      await onStatus?.(status);
      for (const question of status.questions) {
        if (answered.has(question.id)) continue;
        if (await answerOne({ rehearsal, handle, secrets }, question, status, answer)) answered.add(question.id);
      }
    }
    await Promise.race([sleep(pollMilliseconds), result.catch(() => undefined)]);
  }
  return result;
}

/** A server that is away, as in a power cut of the host that it runs in, is asked again. */
async function awaitResult<Result>(handle: WorkflowHandle): Promise<Result> {
  for (;;) {
    try {
      return (await handle.result()) as Result;
    } catch (error) {
      if (!isNoAnswer(error)) throw error;
      await sleep(1000);
    }
  }
}

/**
 * Types a secret as a person would: a worker that has just died has no socket; it, or the question that it asks anew, is soon
 * there again.
 *
 * @throws where the secret is not taken twenty times.
 */
export async function unlockPatiently({ rehearsal, handle }: { rehearsal: Rehearsal; handle: WorkflowHandle }, question: OpenQuestion, secret: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await rehearsal.unlock(question, secret, handle.workflowId);
      return;
    } catch (error) {
      if (tries === 20) throw error;
      await sleep(1000);
    }
  }
}

async function answerOne(
  { rehearsal, handle, secrets }: { rehearsal: Rehearsal; handle: WorkflowHandle; secrets: Readonly<Record<string, string>> },
  question: OpenQuestion,
  status: RunStatus,
  answer: Answerer,
): Promise<boolean> {
  const given = await answer(question, status);
  if (question.kind === 'secret' && given === undefined) {
    const secret = secrets[question.secret ?? ''];
    if (secret === undefined) throw new Error(`a rehearsal knows no secret ${question.secret ?? ''}`);
    await unlockPatiently({ rehearsal, handle }, question, secret);
    return true;
  }
  if (given === undefined) return false;
  try {
    await handle.signal(signalNames.decide, { question: question.id, by: person, ...given });
    return true;
  } catch (error) {
    if (!isNoAnswer(error)) throw error;
    return false;
  }
}
