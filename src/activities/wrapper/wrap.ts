import { ApplicationFailure, Context } from '@temporalio/activity';
import { join } from 'node:path';
import type { Call, Condition } from '../../contract/calls.js';
import { CarryOverVoid, failureTypes, HostAhead, PermanentFailure, RollbackTrigger, SecretNeeded } from '../../contract/errors.js';
import { turnPhases } from '../../contract/names.js';
import type { Progress } from '../../contract/status.js';
import type { Config } from '../../config/schema.js';
import { explainHostFault } from '../../host/hostFault.js';
import { CommandFailed, createRun } from '../../host/processes/runner.js';
import { createHostTools } from '../../host/tools.js';
import type { Activity, Attempt, Who } from '../activity.js';
import { assertHoldsHost, assertNotBehind, isLent } from './hostAhead.js';
import type { Holder } from './claim.js';
import { toAlert, type RaiseAlert } from '../run/alertPeople.js';
import { describeSigner } from '../run/witnesses.js';
import { hasActedBefore, openJournal, type CallIdentity, type EndOfAttempt } from './journal.js';
import { appendCommandLog } from './commandLog.js';
import { decisionEvents, newsFor } from './news.js';
import { createSecretReader } from './secretReader.js';
import type { SecretVault } from './secretVault.js';
import type { SingleFlight } from './singleFlight.js';
import type { Turns } from './turns.js';

/** What the wrapper needs of the worker. */
export interface WrapperDependencies {
  /** Reads lockstep.yaml anew for each attempt, so that a mended file counts at the next retry. */
  readonly loadConfig: () => Promise<{ readonly config: Config; readonly digest: string }>;
  readonly vault: SecretVault;
  /** Where systemd put the worker's credentials; undefined where it was given none. */
  readonly credentialsDirectory: string | undefined;
  readonly singleFlight: SingleFlight;
  readonly turns: Turns;
  /** Whether the server knows a run as running; `unknown` where it can not be asked. */
  readonly isRunning: (run: Holder) => Promise<boolean | 'unknown'>;
  /** Makes the named condition true, or fails with what stands against it. */
  readonly ensure: (condition: Condition, attempt: Attempt) => Promise<void>;
  readonly controlGroups: {
    /** Makes the group and ends whatever an earlier attempt left in it. @returns its directory, or undefined without cgroup v2. */
    readonly takeOver: (name: string) => Promise<string | undefined>;
    readonly end: (name: string) => Promise<void>;
  };
  readonly audit: (config: Config, id: string, event: string, call: Call, details: Readonly<Record<string, string | number>>, who?: Who) => Promise<void>;
  readonly raiseAlert: RaiseAlert;
  readonly bootId: () => Promise<string>;
  readonly now: () => Date;
}

/** Names of activities that may run without the claim, since they take it or look at it. */
export type Unclaimed = ReadonlySet<string>;

/** An activity as the worker registers it. */
export type Wrapped = (call: Call, args: unknown) => Promise<unknown>;

/**
 * Wraps one activity: claim, one attempt at a time, journal, conditions, audit, heartbeat; failures
 * leave with a message alone. Everything that is true of every step is here, and nothing else.
 */
export function wrap(activity: Activity<never, unknown>, needsClaim: boolean, dependencies: WrapperDependencies): Wrapped {
  return (call, args) =>
    dependencies.singleFlight.run(`${call.runId}/${call.node}`, async (superseded) => {
      const context = Context.current();
      const beat = startHeartbeat(context);
      try {
        const signal = AbortSignal.any([superseded, context.cancellationSignal]);
        return await inTurn(call, signal, beat.report, (config) => perform(call, args, config, context.info.attempt, signal, beat.report));
      } catch (error) {
        if (context.cancellationSignal.aborted) await context.cancelled;
        throw toFailure(error);
      } finally {
        beat.stop();
      }
    });

  /** Waits while another run has the host first. */
  async function inTurn<R>(call: Call, signal: AbortSignal, report: (progress: Progress) => void, act: (config: Config) => Promise<R>): Promise<R> {
    const { config } = await dependencies.loadConfig();
    let hasWaited = false;
    const lending = {
      isRunning: dependencies.isRunning,
      onLent: ({ workflowId }: Holder) => {
        hasWaited = true;
        report({ phase: turnPhases.hasHostFirst(workflowId) });
      },
    };
    const mayAct = async () => {
      if (call.holdsHost === false) {
        assertMayActBeside(activity, needsClaim, call);
        return true;
      }
      if (await isLent(config, call, lending)) return false;
      if (needsClaim) await assertHoldsHost(config, call, (run) => runDirectory(config, run));
      return true;
    };
    // It may have been mended meanwhile.
    return dependencies.turns.during(call.runId, mayAct, signal, async () => act(hasWaited ? (await dependencies.loadConfig()).config : config));
  }

  async function perform(
    call: Call,
    args: unknown,
    config: Config,
    attemptNumber: number,
    signal: AbortSignal,
    report: (progress: Progress) => void,
  ): Promise<unknown> {
    const directory = runDirectory(config, call);
    const journal = await openJournal(join(directory, 'journal.jsonl'));
    assertNotBehind(journal.earlier, call);
    const group = controlGroupOf(call);
    const controlGroup = await dependencies.controlGroups.takeOver(group);
    const onFailure = appendCommandLog(directory);
    const run = createRun({ signal, onFailure, ...(controlGroup === undefined ? {} : { controlGroup }) });
    const secrets = createSecretReader({ config, vault: dependencies.vault, call, run, credentialsDirectory: dependencies.credentialsDirectory });
    const attempt: Attempt = {
      call,
      config,
      run,
      tools: createHostTools({ run, signal, controlGroup, onFailure }),
      signal,
      controlGroup,
      hasPredecessor: hasActedBefore(journal.earlier, call),
      directory,
      report,
      secret: secrets.read,
      refuseSecret: secrets.refuse,
      giverOf: secrets.giverOf,
      journal: journal.append,
      readJournal: journal.read,
      occurrence: `${call.opening}.${attemptNumber}`,
      audit: (event, details, who, occurrence) => dependencies.audit(config, eventId(call, event, occurrence), event, call, details, who),
      alert: (words, key = words.subject) => dependencies.raiseAlert(toAlert(call, words, key, { host: config.host, at: dependencies.now() })),
      now: dependencies.now,
    };

    // Not the clock of the host, which may be set while a step runs.
    const began = performance.now();
    const identity = identityOf(call);
    const at = dependencies.now().toISOString();
    // Before the journal has them: what it has is not told again.
    for (const { id, details, who, decision } of decisionEvents(call)) {
      await dependencies.audit(config, id, 'DECISION', call, { ...details, ...(await describeSigner(attempt, decision)) }, who);
    }
    await journal.append(...newsFor(journal, call, at), { kind: 'began', at, attempt: attemptNumber, bootId: await dependencies.bootId(), ...numberOf(call), ...identity });
    const ended = (result: EndOfAttempt, more: { figures?: unknown; message?: string }) =>
      journal.append({
        kind: 'ended',
        at: dependencies.now().toISOString(),
        attempt: attemptNumber,
        result,
        seconds: (performance.now() - began) / 1000,
        ...more,
        ...identity,
      });
    // Before its end is written: a step has not ended while a program that it started is there.
    const act = async () => {
      try {
        for (const condition of call.requires) await dependencies.ensure(condition, attempt);
        if (activity.event !== undefined) await attempt.audit(`${activity.event}_BEGIN`, {});
        return await activity.perform(attempt, args as never);
      } finally {
        try {
          await dependencies.controlGroups.end(group);
        } finally {
          // Not before: a program that is still there could read what has been overwritten for a passphrase.
          secrets.overwrite();
        }
      }
    };
    try {
      const result = await act();
      if (activity.event !== undefined) await attempt.audit(activity.event, {});
      await ended('done', { figures: result });
      return result;
    } catch (error) {
      // Else the audit log would tell of a beginning without an end.
      if (error instanceof SecretNeeded && activity.event !== undefined) await attempt.audit(`${activity.event}_WAITS`, { secret: error.secret });
      if (error instanceof RollbackTrigger) await attempt.audit('ROLLBACK_TRIGGER', { reason: error.fact, measured: error.evidence.map(([label, value]) => `${label}: ${value}`).join('; ') });
      await ended(signal.aborted ? 'cancelled' : error instanceof SecretNeeded ? 'secret needed' : 'failed', { message: messageOf(error) });
      throw error;
    }
  }
}

/** Names begin with the run, so that all of a run's can be found. */
export function controlGroupOf({ runId, node }: Pick<Call, 'runId' | 'node'>): string {
  return `${runId}-${node}`;
}

/** Where a run keeps its journal, its manifests and its record. */
export function runDirectory(config: Pick<Config, 'stateDirectory'>, call: Pick<Call, 'runbook' | 'runId'>): string {
  return join(config.stateDirectory, 'runs', `${call.runbook}-${call.runId}`);
}

/**
 * What runs beside the holder of a host must not change it under its feet.
 *
 * @throws {@link PermanentFailure} naming the activity's audit event, or the conditions that it would make true.
 */
function assertMayActBeside({ event }: Activity<never, unknown>, needsClaim: boolean, { node, runbook, requires }: Call): void {
  if (requires.length === 0 && (event === undefined || !needsClaim)) return;
  const what = requires.length > 0 ? `the conditions ${requires.join(', ')}` : (event ?? '');
  throw new PermanentFailure(`${runbook} holds no claim of this host, and "${node}" would change it (${what})`, 'report this: the runbook is made wrongly');
}

/** Once for each run, node, phase, opening and event, whatever the number of attempts; unless it names its occurrence. */
function eventId(call: Call, event: string, occurrence = String(call.opening)): string {
  return [call.runId, call.node, call.phase, occurrence, event].join('/');
}

function identityOf({ node, title, plan, opening, phase, undoable }: Call): CallIdentity {
  return { node, title, plan, opening, phase, undoable };
}

function numberOf({ number }: Call): { readonly number?: number } {
  return number === undefined ? {} : { number };
}

/** The worker's own heartbeat: often enough for a progress bar, and the way in which a cancel arrives. */
function startHeartbeat(context: Context): { report: (progress: Progress) => void; stop: () => void } {
  let latest: Progress | undefined;
  const timer = setInterval(() => context.heartbeat(latest), 1000);
  return {
    report(progress) {
      latest = progress;
    },
    stop: () => clearInterval(timer),
  };
}

function messageOf(error: unknown): string {
  const explained = explainHostFault(error);
  return explained instanceof Error ? explained.message : String(explained);
}

/** A fresh failure without a cause: causes are serialised into history, with whatever they carry. */
function toFailure(thrown: unknown): ApplicationFailure {
  const error = explainHostFault(thrown);
  if (error instanceof ApplicationFailure) return error;
  if (error instanceof SecretNeeded) return ApplicationFailure.nonRetryable(error.message, failureTypes.secretNeeded, error.secret, error.isNew);
  if (error instanceof CarryOverVoid) return ApplicationFailure.nonRetryable(error.message, failureTypes.carryOverVoid, error.evidence);
  if (error instanceof RollbackTrigger) return ApplicationFailure.nonRetryable(error.message, failureTypes.rollbackTrigger, error.evidence);
  if (error instanceof HostAhead) return ApplicationFailure.nonRetryable(error.message, failureTypes.hostAhead, error.hasEnded, error.calls);
  if (error instanceof PermanentFailure) return ApplicationFailure.nonRetryable(error.message, failureTypes.permanent);
  if (error instanceof CommandFailed) {
    return ApplicationFailure.retryable(`${error.message}; what it said is in commands.log in the run's directory on the host`, 'CommandFailed');
  }
  return ApplicationFailure.retryable(messageOf(error), 'Transient');
}
