import { join } from 'node:path';
import type { WorkflowHandle } from '@temporalio/client';
import { readEnvironment } from '../../src/config/environment.js';
import { workflowIdOf, workflowTaskQueue } from '../../src/contract/names.js';
import type { RunRecord } from '../../src/contract/record.js';
import type { RunStatus } from '../../src/contract/status.js';
import { createRun } from '../../src/host/processes/runner.js';
import { answerUntilEnd, createStatusReader, type Answerer } from '../../src/rehearsal/answers.js';
import type { ClientVerdict } from '../../src/rehearsal/clientVerdict.js';
import { hostFiles, rehearsalHost } from '../../src/rehearsal/hostConfig.js';
import { preparedHost } from '../../src/rehearsal/preparedHost.js';
import { openRehearsal, type Rehearsal, type RehearsalSettings } from '../../src/rehearsal/rehearsal.js';
import { setTimeout as sleep } from 'node:timers/promises';

/** Opens a disposable host for a test file; the build has to be there, as `scripts/test` makes it. */
export async function openTestHost(
  name: string,
  settings: Partial<Pick<RehearsalSettings, 'server' | 'config' | 'times' | 'directorPort' | 'snapshot'>> = {},
): Promise<Rehearsal> {
  const run = createRun();
  const { cacheDirectory } = readEnvironment();
  const onProgress = (stage: string): void => void process.stderr.write(`${name}: ${stage}\n`);
  const image = await preparedHost({ run, cacheDirectory, onProgress });
  const times = { firstHourSeconds: 3, daySeconds: 3 };
  return openRehearsal({
    ...{ run, image, cacheDirectory, onProgress, name, server: 'outside', times },
    directory: join(cacheDirectory, 'guest-run', name),
    ...settings,
  });
}

/** Starts a migration as a person would over the server. */
export function startMigration(rehearsal: Rehearsal, input: Record<string, unknown> = {}): Promise<WorkflowHandle & { runId: string }> {
  return startRunbook(rehearsal, 'migrate', input);
}

/** Starts any runbook in the same way. */
export async function startRunbook(rehearsal: Rehearsal, runbook: string, input: Record<string, unknown> = {}): Promise<WorkflowHandle & { runId: string }> {
  const handle = await rehearsal.client.workflow.start(runbook, {
    taskQueue: workflowTaskQueue,
    workflowId: workflowIdOf(rehearsalHost, runbook, input),
    args: [{ host: rehearsalHost, startedBy: 'e2e', ...input }],
  });
  return Object.assign(handle, { runId: handle.firstExecutionRunId });
}

/** Answers a migration to its end, ends the client that has been sending, and reads what both say of it. */
export async function finishMigration(
  rehearsal: Rehearsal,
  handle: WorkflowHandle & { runId: string },
  answer: Answerer,
  disturb: (status: RunStatus) => Promise<void>,
): Promise<{ result: { state: string }; verdict: ClientVerdict; record: RunRecord }> {
  const result = await answerUntilEnd<{ state: string }>({ rehearsal, handle }, answer, disturb);
  const verdict = await rehearsal.finishSending();
  return { result, verdict, record: await readRecord(rehearsal, handle.runId) };
}

/** Waits until the run's status is as wanted; the test's own time limit ends a wait in vain. */
export async function waitFor(handle: WorkflowHandle, what: (status: RunStatus) => boolean): Promise<RunStatus> {
  const readStatus = createStatusReader(handle);
  for (;;) {
    const status = await readStatus();
    if (status && what(status)) return status;
    await sleep(200);
  }
}

/** The run record as it lies on the host. */
export async function readRecord(rehearsal: Rehearsal, runId: string, runbook = 'migrate'): Promise<RunRecord> {
  return JSON.parse((await rehearsal.guest.getFile(`${hostFiles.state}/runs/${runbook}-${runId}/record.json`)).toString('utf8')) as RunRecord;
}

/** The message with which a run that was refused at its start failed. */
export async function refusalOf(handle: WorkflowHandle): Promise<string> {
  try {
    await handle.result();
  } catch (error) {
    let cause: unknown = error;
    while (cause instanceof Error && cause.cause instanceof Error) cause = cause.cause;
    return cause instanceof Error ? cause.message : String(cause);
  }
  throw new Error('the run was not refused');
}
