import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowExecutionAlreadyStartedError, WorkflowFailedError, type Client } from '@temporalio/client';
import type { Command } from 'commander';
import { inputSchemaOf, type RunInput } from '../contract/inputs.js';
import { isTurnPhase, workflowIdOf } from '../contract/names.js';
import { startRun } from '../worker/startRun.js';
import { refused, wrongUsage } from './exit.js';
import { observe } from './observe.js';
import { sentence } from './present/text.js';
import { readRunOptions, withRunOptions, type TypedRunOptions } from './runOptions.js';
import { runbookNamed, withRunbookArgument } from './runbooks.js';
import type { RunReference } from './runs.js';
import { configFlag, flagsFor, resolveHost, withHostOptions, withServer, type HostOptions, type Session } from './session.js';
import { watch } from './watch.js';

interface StartOptions extends HostOptions, TypedRunOptions {
  readonly takeOver?: boolean;
  readonly resume?: boolean;
  readonly watch?: boolean;
}

/** Adds `start`: begins a run, and says at once where the host refused it. */
export function addStartCommand(program: Command, session: Session): void {
  const command = withHostOptions(withRunbookArgument(program.command('start'), '<runbook>').description('begin a run of a runbook on a host'))
    .option('--take-over', 'take the host from a run that is closed or unknown, after a look at what it left')
    .option('--resume', 'go on where the last run of this runbook stood, which was terminated, or lost by the server')
    .option('--watch', 'go on with "lockstep watch"')
    .action((runbook: string, options: StartOptions) => start(session, runbook, options));
  withRunOptions(command);
}

async function start(session: Session, name: string, options: StartOptions): Promise<void> {
  const runbook = runbookNamed(name);
  if (options.resume === true && runbook.undoes !== undefined) throw wrongUsage(`${name} goes on by itself from where an earlier one came to: use --take-over`);
  const typed = readRunOptions(runbook, options);
  const host = await resolveHost(session, options);
  const input = inputSchemaOf(runbook.takes ?? []).safeParse({ host, startedBy: session.environment.person, takeOver: options.takeOver ?? false, resume: options.resume ?? false, ...typed });
  if (!input.success) throw wrongUsage(input.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '));
  await withServer(session, async ({ client }) => {
    const run = await begin(client, { host, runbook, input: input.data, flags: flagsFor(options) });
    session.terminal.print(...sentence(await readBeginning(client, run, options), session.terminal));
    if (options.watch === true) await watch(session, client, run, options);
  });
}

interface Beginning {
  readonly host: string;
  readonly runbook: { readonly name: string; readonly title: string };
  readonly input: RunInput;
  readonly flags: string;
}

async function begin(client: Client, { host, runbook: { name: runbook, title }, input, flags }: Beginning): Promise<RunReference> {
  const workflowId = workflowIdOf(host, runbook, input);
  try {
    const handle = await startRun(client, { runbook: { name: runbook, title }, input });
    return { workflowId, runId: handle.firstExecutionRunId, runbook, host };
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    throw refused(`${workflowId} is open already; look at it with "lockstep watch ${workflowId}${flags}"`);
  }
}

/** A worker that lives takes the first task within a second, and the claim within another. */
const patienceSeconds = 8;

async function readBeginning(client: Client, run: RunReference, options: HostOptions): Promise<string> {
  const flags = flagsFor(options);
  const begun = `${run.workflowId} began (run ${run.runId})`;
  for (let waitedSeconds = 0; waitedSeconds < patienceSeconds; waitedSeconds += 0.2) {
    const { execution, status, running } = await observe(client, run);
    const phase = running?.progress?.phase ?? '';
    if (execution === 'RUNNING' && isTurnPhase(phase)) return `${begun}, and ${phase}; look on with "lockstep watch ${run.workflowId}${flags}"`;
    if (execution === 'FAILED') throw refused(`${run.workflowId} was refused: ${await readFailure(client, run)}`);
    if (execution !== 'RUNNING') return `${run.workflowId} has ended already; see "lockstep status ${run.runbook}${flags}"`;
    if (status?.nodes.some(({ state }) => state !== 'pending') === true) return `${begun}; look on with "lockstep watch${flags}"`;
    await sleep(200);
  }
  return `${begun}; but no worker on ${run.host} has taken it up yet: start one there with "sudo lockstep worker${configFlag(options.config)}"`;
}

async function readFailure(client: Client, { workflowId, runId }: RunReference): Promise<string> {
  const error = await client.workflow
    .getHandle(workflowId, runId)
    .result()
    .then(
      () => undefined,
      (failure: unknown) => failure,
    );
  return error instanceof WorkflowFailedError ? deepestMessage(error) : String(error);
}

/** The outer failures only say that an activity, or the workflow, failed. */
function deepestMessage(error: Error): string {
  return error.cause instanceof Error ? deepestMessage(error.cause) : error.message;
}
