import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { Command } from 'commander';
import { signalNames } from '../contract/names.js';
import { rollbackRequestSchema } from '../contract/questions.js';
import type { RunStatus } from '../contract/status.js';
import { noAnswer, refused } from './exit.js';
import { observe, type Observation } from './observe.js';
import { runOption } from './runbooks.js';
import { findRun, type RunReference } from './runs.js';
import { flagsFor, resolveHost, withHostOptions, withServer, type HostOptions, type Session } from './session.js';
import { assertSpoken } from './spoken.js';

interface RollbackOptions extends HostOptions {
  readonly run?: string;
  readonly reason: string;
  readonly by?: string;
}

/** Adds `rollback`: leaves the way forward and undoes what was done. */
export function addRollbackCommand(program: Command, session: Session): void {
  withHostOptions(program.command('rollback').description('end the step that runs, and undo what the run did'))
    .requiredOption('--reason <text>', 'why (required)')
    .option('--by <name>', 'who decides, as claimed (default: you)')
    .addOption(runOption())
    .action((options: RollbackOptions) => rollBack(session, options));
}

async function rollBack(session: Session, options: RollbackOptions): Promise<void> {
  const request = { by: options.by ?? session.environment.person, reason: options.reason };
  assertSpoken(request);
  const flags = flagsFor(options);
  const host = await resolveHost(session, options);
  await withServer(session, async ({ client }) => {
    const run = await findRun(client, host, options.run, { flags });
    const before = await observe(client, run);
    if (before.execution !== 'RUNNING') throw refused(`${run.workflowId} has ended; to go back from it, a run of its own is needed: lockstep start rollback${flags}`);
    await client.workflow.getHandle(run.workflowId, run.runId).signal(signalNames.rollback, rollbackRequestSchema.parse(request));
    session.terminal.print(await readEffect(client, run, { before, flags }));
  });
}

/** Requests to roll back that came too late to count. */
function requestsLeftOut(status: RunStatus | undefined): number {
  return (status?.decisions ?? []).filter(({ question, outcome }) => question === 'rollback' && outcome !== 'counted').length;
}

const patienceSeconds = 15;

/** What came of it: a way back that began, or the question that stands before it. */
async function readEffect(client: Client, run: RunReference, { before, flags }: { readonly before: Observation; readonly flags: string }): Promise<string> {
  const watch = `"lockstep watch${flags}"`;
  const known = new Set(before.status?.questions.map(({ id }) => id));
  let answered = false;
  for (let waitedSeconds = 0; waitedSeconds < patienceSeconds; waitedSeconds += 0.5) {
    const { status, execution } = await observe(client, run);
    answered ||= status !== undefined;
    if (status !== undefined && requestsLeftOut(status) > requestsLeftOut(before.status)) {
      throw refused(`${run.workflowId} did not take it: it goes back already, or is at a step from which there is no way back (${watch})`);
    }
    if (status?.state === 'rolling back') return `${run.workflowId} rolls back; look on with ${watch}`;
    if (status?.outcome !== undefined) return `${run.workflowId} ${status.state}: ${status.outcome}`;
    if (execution !== 'RUNNING') return `${run.workflowId} has ended`;
    const question = status?.questions.find(({ id }) => !known.has(id));
    if (question !== undefined) return `before anything is undone, answer: ${question.title} (${watch} shows how)`;
    await sleep(500);
  }
  if (!answered) throw noAnswer(`rollback was asked for; no worker on ${run.host} answers yet, and it begins when one does`);
  return `rollback was asked for; the step that runs is being ended first (${watch})`;
}
