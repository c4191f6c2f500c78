import { setTimeout as sleep } from 'node:timers/promises';
import { workflowIdOf } from '../../src/contract/names.js';
import type { OpenQuestion } from '../../src/contract/questions.js';
import type { RunStatus } from '../../src/contract/status.js';
import { answerUntilEnd } from '../../src/rehearsal/answers.js';
import { deployment } from '../../src/rehearsal/deployment/files.js';
import { hostFiles, rehearsalHost, rehearsalSecrets } from '../../src/rehearsal/hostConfig.js';
import type { Rehearsal } from '../../src/rehearsal/rehearsal.js';
import { isNotFound } from '../../src/worker/serverErrors.js';
import type { Breaker } from './breaker.js';
import { nameOf } from './cells.js';
import type { CourseRun } from './courses/course.js';

interface ServiceSettings {
  readonly rehearsal: Rehearsal;
  readonly run: CourseRun;
  readonly breaker: Pick<Breaker, 'powerCuts' | 'lastBroken'>;
  readonly onFailure: (words: string) => void;
}

/** So long a host has after a boot to come up, or to ask for what it needs. */
const patienceSeconds = 180;

/**
 * After a boot in the middle of a run people are not asked for anything else before the service is up again, or the
 * passphrase is asked for that brings it up.
 *
 * @returns Whether a question may be answered.
 */
export function createBootWatch({ rehearsal, run: { service }, breaker, onFailure }: ServiceSettings): (question: OpenQuestion, status: RunStatus) => Promise<boolean> {
  let seen = breaker.powerCuts();
  let since: number | undefined;
  return async (question, { nodes, questions }) => {
    if (breaker.powerCuts() === seen || service?.upAtQuestions !== true || service.downAt?.includes(question.node) === true) return true;
    if (question.kind === 'parked' || question.kind === 'cancelled') return true;
    if (nodes.find(({ id }) => id === question.node)?.usersOffline === true) return true;
    since ??= performance.now();
    const isUp = await serves(rehearsal);
    if (!isUp && performance.now() - since < patienceSeconds * 1000) return false;
    if (!isUp) {
      const asked = questions.map(({ id }) => id).join(', ');
      onFailure(`${nameOf(breaker.lastBroken() ?? { runbook: '', node: '', kind: 'do' })}: ${patienceSeconds} s after the boot users are offline at ${question.id} (open: ${asked}), and nobody is asked for the passphrase`);
    }
    seen = breaker.powerCuts();
    since = undefined;
    return true;
  };
}

/** Behind a run that leaves the service up: a start-up that a boot has begun since is answered, with what opens the volume now. */
export async function waitForService({ rehearsal, run: { runbook, service, noGoAt }, secrets = rehearsalSecrets, breaker, onFailure }: ServiceSettings & { readonly secrets: CourseRun['secrets'] }): Promise<void> {
  if (service?.upAfter !== true) return;
  const last = breaker.lastBroken();
  // Between its last question and its end a run is over within seconds; where it has given the host free, a boot has nobody else.
  const mayBeDown = noGoAt !== undefined || (last?.runbook === runbook.name && last.node === 'close-run');
  for (const since = performance.now(); performance.now() - since < patienceSeconds * 1000; ) {
    if ((await serves(rehearsal)) && (await isFree(rehearsal))) return;
    if ((await answerStartUp(rehearsal, secrets)) && !mayBeDown) onFailure(`${last === undefined ? runbook.name : nameOf(last)}: ${runbook.name} ended with the service down, and a start-up had to bring it up`);
    await sleep(500);
  }
  throw new Error(`the service is not up ${patienceSeconds} s after ${runbook.name} has ended`);
}

/**
 * Answers a start-up that the worker has begun by itself, to its end.
 *
 * @returns Whether there was one.
 */
export async function answerStartUp(rehearsal: Rehearsal, secrets: Readonly<Record<string, string>>): Promise<boolean> {
  const handle = rehearsal.client.workflow.getHandle(workflowIdOf(rehearsalHost, 'startup'));
  const found = await handle.describe().catch((error: unknown) => {
    if (!isNotFound(error)) throw error;
    return undefined;
  });
  if (found?.status.name !== 'RUNNING') return false;
  const { state } = await answerUntilEnd<{ state: string }>({ rehearsal, handle: rehearsal.client.workflow.getHandle(handle.workflowId, found.runId), secrets });
  if (state !== 'succeeded') throw new Error(`the start-up that the worker had begun ended as ${state}`);
  return true;
}

async function serves({ guest }: Rehearsal): Promise<boolean> {
  const { stdout } = await guest.exec('curl', ['--silent', '--max-time', '5', '--output', '/dev/null', '--write-out', '%{http_code}', `http://127.0.0.1:${deployment.applicationPort}/health`]);
  return stdout === '200';
}

async function isFree({ guest }: Rehearsal): Promise<boolean> {
  return (await guest.exec('test', ['-e', `${hostFiles.state}/claim.json`])).exitCode !== 0;
}
