/** The names under which a run is reached: by our CLI, the `temporal` CLI and the UI alike. */

/** Task queue of the workflows; activities have one of their own for each host. */
export const workflowTaskQueue = 'lockstep';

/** The task queue of the worker on a host, the only one that may change that host. */
export function hostTaskQueue(host: string): string {
  return `lockstep-${host}`;
}

/**
 * A run's workflow id: one run of a runbook at a time for each host; and beside it one that comes first, since
 * the other may wait for people.
 */
export function workflowIdOf(host: string, runbook: string, { emergency = false }: { readonly emergency?: boolean | undefined } = {}): string {
  return `${host}/${runbook}${emergency ? '-emergency' : ''}`;
}

/** What is typed to go on with a run that was lost: whatever else it was started with its host knows. */
export function resumeCommandOf({ workflowId, runbook }: { readonly workflowId: string; readonly runbook: string }): string {
  return `lockstep start ${runbook}${workflowId.endsWith(`/${runbook}-emergency`) ? ' --emergency' : ''} --resume`;
}

/** What is typed to go back from a run that was lost, or to go on with a way back that was: see {@link undoneByRollback}. */
export const takeOverByRollback = 'lockstep start rollback --take-over';

/**
 * What of a run's id goes into names on a host: its end. Ids may be UUIDs of version 7 (RFC 9562), whose first
 * 8 digits are a time: all runs that begin within the same 65 seconds share them.
 *
 * @returns Up to 12 hexadecimal digits.
 */
export function shortRunId(runId: string): string {
  return runId.replaceAll('-', '').slice(-12);
}

/** The signals that a run takes, each with one JSON object. */
export const signalNames = {
  /** A {@link Decision}, as one JSON object. */
  decide: 'decide',
  /** `{by, reason}`: leave the way forward and undo what was done. */
  rollback: 'rollback',
  /** From a worker that has just started: `{bootId}`. */
  resumed: 'resumed',
} as const;

/** The query that a run answers: its whole {@link RunStatus}, with every node and open question. */
export const queryNames = { status: 'status' } as const;

/** The key under which the compact status lies in a workflow's memo. */
export const memoKey = 'lockstep';

/**
 * Search attributes, all of type Keyword. A worker registers them or refuses to start: upserting one
 * that the server does not know makes the workflow task fail for ever.
 */
export const searchAttributeNames = {
  host: 'LockstepHost',
  runbook: 'LockstepRunbook',
  state: 'LockstepState',
  question: 'LockstepQuestion',
} as const;

/** Whether the runbook `rollback` goes back from a run of it, days later too; any other goes back within its own run, or one that goes on with it. */
export function undoneByRollback(runbook: string): boolean {
  return runbook === 'migrate' || runbook === 'rollback';
}

const ofConditions = '.conditions';

/** The node under which a run puts the conditions right of one that waits: that one has not ended by it. */
export function conditionsNodeOf(node: string): string {
  return `${node}${ofConditions}`;
}

/** Whether it is one of {@link conditionsNodeOf}. */
export function isConditionsNode(node: string): boolean {
  return node.endsWith(ofConditions);
}

const ofAlerts = 'alert.';

/** The node under which a run tells people something: no step of a list, and no act of a run. */
export function alertNodeOf(key: string): string {
  return `${ofAlerts}${key}`;
}

/** Whether it is one of {@link alertNodeOf}. */
export function isAlertNode(node: string): boolean {
  return node.startsWith(ofAlerts);
}

/** The node under which a run looks how far its host is, and catches up with it: no step of a list. */
export const catchUpNode = 'catch-up';

/** The step that lets users in where a run ends past the point of no return, with the service as it is. */
export const leaveMaintenanceNode = 'leave-maintenance';

/** The question that asks what becomes of what users wrote, where a run goes back that they have written since. */
export const pastNoReturnQuestion = 'past-the-point-of-no-return';

/** What a run reports while another one has its turn on the host. */
export const turnPhases = {
  /** @param step - The title of the step that is at work, where its journal tells. */
  waitsForStep: (workflowId: string, step?: string) => `waits until ${workflowId} has ended its step${step === undefined ? '' : ` "${step}"`}, and has the host then`,
  hasHostFirst: (workflowId: string) => `waits: ${workflowId} has the host first; this run goes on by itself afterwards`,
} as const;

/** Whether it is one of {@link turnPhases}. */
export function isTurnPhase(phase: string): boolean {
  return phase.startsWith('waits until ') || phase.startsWith('waits: ');
}

/** What a step reports while it lets time pass before it tries a passphrase, after wrong ones: whoever gave it waits for longer. */
export const passphraseDelayPhase = 'waits, after wrong passphrases, before it tries the next one';
