import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { runInputSchema } from '../contract/inputs.js';
import { searchAttributeNames, workflowIdOf, workflowTaskQueue } from '../contract/names.js';
import { runbooks } from './runbooks.js';
import { CommandEnded, exitCodes, wrongUsage } from './exit.js';

/** Which run is meant. */
export interface RunReference {
  readonly workflowId: string;
  readonly runId: string;
  readonly runbook: string;
  readonly host: string;
}

/** How a command is typed again, for the words that say so. */
export interface Typed {
  /** What names one of several runs in it; default `--run migrate`. */
  readonly naming?: (run: string) => string;
  /** Added to each command that is shown, such as ` --host db2`. */
  readonly flags?: string;
}

/**
 * Finds the run of a host that a command means: the open one, or else the last.
 *
 * @param runbook - Its name, or a whole workflow id; where several runs are open, it is needed.
 * @throws CommandEnded where there is none, or several are open, with what to type.
 */
export async function findRun(client: Client, host: string, runbook?: string, { naming = (run) => `--run ${run}`, flags = '' }: Typed = {}): Promise<RunReference> {
  const open = await listRuns(client, host, runbook, `ExecutionStatus = 'Running'`);
  const [first, second] = open;
  if (first !== undefined && second !== undefined) {
    const names = open.map((run) => naming(nameAmong(open, run)));
    throw wrongUsage(`several runs are open on ${host}; name the one that is meant: ${names.join(' or ')}`);
  }
  if (first !== undefined) return toReference(first, host);
  const closed = await listRuns(client, host, runbook, `ExecutionStatus != 'Running'`);
  const last = [...closed].sort((one, other) => other.startTime.getTime() - one.startTime.getTime())[0];
  if (last !== undefined) return toReference(last, host);
  if (runbook?.includes('/') === true) throw new CommandEnded(exitCodes.failed, `there is no run ${runbook} on ${host}; "lockstep status${flags}" shows the last one`);
  const what = runbook === undefined ? 'no run' : `no run of ${runbook}`;
  throw new CommandEnded(exitCodes.failed, `there is ${what} on ${host}; begin one with "lockstep start ${runbook ?? 'migrate'}${flags}"`);
}

/**
 * How a run is named in an answer to it.
 *
 * @returns Its runbook, or its whole id where another one is of that runbook; undefined where it is the only open one, and needs no name.
 */
export async function nameAmongOpen(client: Client, { host, workflowId }: RunReference): Promise<string | undefined> {
  const open = await listRuns(client, host, undefined, `ExecutionStatus = 'Running'`);
  const own = open.find((run) => run.workflowId === workflowId);
  return own === undefined || open.length === 1 ? undefined : nameAmong(open, own);
}

/**
 * The run that has the host before this one, which does nothing there until that has ended.
 *
 * @returns Its id; undefined where none is open, or this one comes first itself, or holds no host.
 */
export async function findRunAhead(client: Client, { host, workflowId, runbook }: RunReference): Promise<string | undefined> {
  const inputs = [false, true].map((emergency) => ({ ...runInputSchema.parse({ host }), emergency }));
  const ahead = runbooks.flatMap(({ name, comesFirst }) => inputs.flatMap((input) => (comesFirst?.(input) === true ? [workflowIdOf(host, name, input)] : [])));
  const holdsNone = runbooks.some(({ name, holdsHost }) => name === runbook && holdsHost === false);
  if (ahead.includes(workflowId) || holdsNone) return undefined;
  const open = await listRuns(client, host, undefined, `ExecutionStatus = 'Running'`);
  return open.find((run) => ahead.includes(run.workflowId))?.workflowId;
}

/** A planned rotation and one that came first are of the same runbook. */
function nameAmong(open: readonly WorkflowExecutionInfo[], { type, workflowId }: WorkflowExecutionInfo): string {
  return open.filter((each) => each.type === type).length === 1 ? type : workflowId;
}

/** Enough to find the last run; a host has one run at a time. */
const mostListed = 200;

async function listRuns(client: Client, host: string, runbook: string | undefined, status: string): Promise<WorkflowExecutionInfo[]> {
  const query = [
    `TaskQueue = '${workflowTaskQueue}'`,
    status,
    // A run has its search attribute from its first task on; before that its id tells.
    `(${searchAttributeNames.host} = '${host}' OR WorkflowId STARTS_WITH '${host}/')`,
  ].join(' AND ');
  const found: WorkflowExecutionInfo[] = [];
  for await (const run of client.workflow.list({ query })) {
    if (runbook === undefined || run.type === runbook || run.workflowId === runbook) found.push(run);
    if (found.length >= mostListed) break;
  }
  return found;
}

function toReference({ workflowId, runId, type }: WorkflowExecutionInfo, host: string): RunReference {
  return { workflowId, runId, runbook: type, host };
}
