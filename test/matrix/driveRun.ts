import { WorkflowExecutionAlreadyStartedError, type WorkflowHandle } from '@temporalio/client';
import { signalNames, workflowIdOf } from '../../src/contract/names.js';
import type { OpenQuestion } from '../../src/contract/questions.js';
import { answerUntilEnd, goEverywhere, type Answerer } from '../../src/rehearsal/answers.js';
import { rehearsalHost, rehearsalSecrets } from '../../src/rehearsal/hostConfig.js';
import type { Rehearsal } from '../../src/rehearsal/rehearsal.js';
import { isNoAnswer } from '../../src/worker/serverErrors.js';
import { startRunbook } from '../e2e/host.js';
import type { Breaker } from './breaker.js';
import type { CourseRun } from './courses/course.js';
import { answerStartUp, createBootWatch } from './service.js';

/** One run of a course, and what is told of it. */
export interface DriveSettings {
  readonly rehearsal: Rehearsal;
  readonly run: CourseRun;
  readonly breaker: Pick<Breaker, 'atQuestion' | 'powerCuts' | 'lastBroken'>;
  /** It was begun before: the host comes from a snapshot. */
  readonly isOpen: boolean;
  /** What it does to people that it must not, in words. */
  readonly onFailure: (words: string) => void;
}

/** So many people say go where several have to. */
const people = ['ann', 'ben', 'cleo'];

/** Begins a run, or goes on with it, answers what it asks, and breaks what is to be broken at its questions, until it ends. */
export async function driveRun({ rehearsal, run, breaker, isOpen, onFailure }: DriveSettings): Promise<{ readonly state: string; readonly runId: string }> {
  const { runbook, noGoAt, secrets = rehearsalSecrets } = run;
  const isAskedFor = createBootWatch({ rehearsal, run, breaker, onFailure });
  for (let isBegun = isOpen; ; isBegun = false) {
    const handle = isBegun ? await handleOf(rehearsal, run) : await begin(rehearsal, run);
    const answer: Answerer = async (question, status) => {
      if (await breaker.atQuestion(runbook.name, question)) return undefined;
      if (question.kind === 'secret') return undefined;
      if (!(await isAskedFor(question, status))) return undefined;
      if (question.id === noGoAt) return { answer: 'no-go', reason: 'a rehearsal of the way back' };
      return (question.people ?? 1) > 1 ? answerTogether(handle, question) : goEverywhere(question, status);
    };
    try {
      return { ...(await answerUntilEnd<{ state: string }>({ rehearsal, handle, secrets }, answer)), runId: handle.runId };
    } catch (error) {
      // Whoever is refused since a boot has begun a start-up ends that, and begins again.
      if (isHeldByStartUp(error) && runbook.name !== 'startup' && (await answerStartUp(rehearsal, secrets))) continue;
      // Else its result is still waited for when the connection is gone.
      await handle.terminate('the chain broke').catch(() => undefined);
      throw error;
    }
  }
}

/** @returns Nothing: each has said it for themselves, and the question is looked at again. */
async function answerTogether(handle: WorkflowHandle, { id, choices, agreed = [], people: needed = 1 }: OpenQuestion): Promise<undefined> {
  for (const by of people.slice(0, needed).filter((name) => !agreed.includes(name))) {
    await handle.signal(signalNames.decide, { question: id, answer: choices[0], by, reason: 'photo ID checked by the other', login: `${by}@rehearsal` }).catch((error: unknown) => {
      if (!isNoAnswer(error)) throw error;
    });
  }
}

/** A boot may have begun the start-up that the course comes to next. */
async function begin(rehearsal: Rehearsal, run: CourseRun): Promise<WorkflowHandle & { runId: string }> {
  try {
    return await startRunbook(rehearsal, run.runbook.name, run.input);
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    return handleOf(rehearsal, run);
  }
}

async function handleOf(rehearsal: Rehearsal, { runbook, input }: CourseRun): Promise<WorkflowHandle & { runId: string }> {
  const { workflowId } = rehearsal.client.workflow.getHandle(workflowIdOf(rehearsalHost, runbook.name, input));
  const { runId } = await rehearsal.client.workflow.getHandle(workflowId).describe();
  return Object.assign(rehearsal.client.workflow.getHandle(workflowId, runId), { runId });
}

function isHeldByStartUp(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at.message.includes(`this host is held by ${workflowIdOf(rehearsalHost, 'startup')} `)) return true;
  }
  return false;
}
