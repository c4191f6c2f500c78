import { join } from 'node:path';
import type { Call, Condition } from '../../contract/calls.js';
import { PermanentFailure } from '../../contract/errors.js';
import { formatCountOf, type Facts } from '../../contract/facts.js';
import type { Adopted, CaughtUp, Opened } from '../../contract/settings.js';
import type { RunState } from '../../contract/status.js';
import type { Config } from '../../config/schema.js';
import { toRunSettings } from '../../config/settings.js';
import { auditPositionPath, readAuditPosition } from '../../host/audit/auditPosition.js';
import { ensureTextFile } from '../../host/files/textFile.js';
import { changes, reads, type Activity, type Attempt } from '../activity.js';
import { adoptLastRun, assertLastRunGoesOn, tellAdoptedRun } from './adoption.js';
import { nextOrder } from './runsOnHost.js';
import { settleExchange } from '../wayBack/carriedSource.js';
import { catchUpWith, findLastRun } from './catchUp.js';
import { makeRecord, renderRecord } from './record.js';
import { dropPredecessor, keepPredecessor, readPredecessor, settlePredecessor, type LostHolder } from './predecessor.js';
import { isMounted } from '../volume/openVolume.js';
import { voidStaleCarryOver } from '../wayBack/staleCarryOver.js';
import { createClaimFile, type Claim } from '../wrapper/claim.js';
import { assertHoldsHost } from '../wrapper/hostAhead.js';
import { runDirectory } from '../wrapper/wrap.js';
import { endOf, openJournal, summarise, type JournalEntry } from '../wrapper/journal.js';

/** What the engine needs beyond an attempt. */
export interface RunDependencies {
  readonly lockstepVersion: string;
  readonly configDigest: () => Promise<string>;
  readonly bootId: () => Promise<string>;
  /** Ends whatever the run's other nodes left running, in whatever way they ended. */
  readonly endLeftovers: (attempt: Pick<Attempt, 'call' | 'directory'>) => Promise<void>;
  /** Makes a condition true. */
  readonly ensure: (condition: Condition, attempt: Attempt) => Promise<void>;
  /** What was typed for this run has served. */
  readonly forgetSecrets: () => void;
  /** Whether the server knows a run as running; `unknown` where it can not be asked. */
  readonly isRunning: (claim: Claim) => Promise<boolean | 'unknown'>;
}

/** The activities of the engine itself: they open, look and close, whatever the runbook. */
export function createRunActivities(dependencies: RunDependencies) {
  return {
    openRun: changes('RUN_OPEN', async (attempt, args: { readonly nodes: readonly string[]; readonly takeOver: boolean; readonly resume?: true; readonly undoes?: string }): Promise<Opened> => {
      const { call, config } = attempt;
      const claim = claimFor(attempt);
      if (args.resume === true && args.undoes === undefined) await assertLastRunGoesOn(attempt, call.runbook);
      await takeHost(attempt, claim, { takeOver: args.takeOver, beginsAnew: args.resume !== true && args.undoes === undefined });
      const earlier = (await attempt.readJournal()).find((entry) => entry.kind === 'opened');
      if (earlier) return earlier;
      const opened: Opened = {
        nodes: args.nodes,
        settings: toRunSettings(config),
        bootId: await dependencies.bootId(),
        configDigest: await dependencies.configDigest(),
        lockstepVersion: dependencies.lockstepVersion,
        order: await nextOrder(config),
        ...(await takenFrom(attempt)),
        ...(args.undoes === undefined ? {} : { adopted: await adoptOrRelease(attempt, args.undoes) }),
        ...(args.resume === true && args.undoes === undefined ? await takeUpLost(attempt) : {}),
      };
      const { node, title, plan, opening, phase, undoable } = call;
      await attempt.journal({ kind: 'opened', at: claim.takenAt, call: { node, title, plan, opening, phase, undoable }, ...opened });
      return opened;
    }),

    /** A person has seen that the host is ahead of the server's history, and has chosen to go on, or back, from where it stands. */
    catchUp: changes('RUN_CATCH_UP', async (attempt, args: { readonly way: 'on' | 'back'; readonly undoes?: string }): Promise<CaughtUp> => {
      const last = await findLastRun(attempt, args.undoes ?? attempt.call.runbook, args.way);
      await takeHost(attempt, claimFor(attempt), { takeOver: true, beginsAnew: false });
      return catchUpWith(attempt, last, args.way);
    }),

    /** A step that was killed and is not undone may have left programs that write where the undos act. */
    beginWayBack: changes('WAY_BACK', async (attempt) => {
      await dependencies.endLeftovers(attempt);
      await settleExchange(attempt);
      // Nobody starts a database on a volume that is locked, and what brings back the old one looks again.
      if (await isMounted(attempt)) await voidStaleCarryOver(attempt);
      return summarise(await attempt.readJournal());
    }),

    /** The wrapper has ensured the conditions of the call before this is reached. */
    ensureConditions: reads(() => Promise.resolve()),

    /** After a crash in its last moments it may have given the host free already: what it leaves is made true where nobody else has it since. */
    closeRun: changes('RUN_CLOSE', async (attempt, { leaves = [], handsBack = false, ...args }: Closing) => {
      const { call, config, directory } = attempt;
      const at = attempt.now().toISOString();
      // A run that was reset from one that has ended has nothing here to close.
      if (!(await attempt.readJournal()).some((entry) => entry.kind === 'opened')) await assertHoldsHost(config, call, (run) => runDirectory(config, run));
      if (leaves.length > 0) {
        const { held } = await createClaimFile(config.stateDirectory).take(claimFor(attempt));
        // Without the claim nobody would be asked for a passphrase.
        if (held.runId === call.runId) for (const condition of leaves) await dependencies.ensure(condition, attempt);
      }
      await dependencies.endLeftovers(attempt);
      const end = endOf(await attempt.readJournal());
      if (args.state === 'rolled back') await tellAdoptedRun(attempt);
      if (end?.state !== args.state) await attempt.journal({ kind: 'closed', at, state: args.state, outcome: args.outcome });
      const { workflowId, runId, runbook, startedBy } = call;
      const audited = await readAuditPosition(auditPositionPath(config));
      const record = makeRecord(
        {
          ...{ lockstepVersion: dependencies.lockstepVersion, runbook, host: config.host, workflowId, runId, startedBy, ...args },
          ...(audited === undefined ? {} : { auditLog: { sequence: audited.sequence, chain: audited.chain } }),
        },
        // Of its own step it can not tell the end.
        (await attempt.readJournal()).filter((entry) => !('node' in entry) || entry.node !== call.node),
      );
      await ensureTextFile({ path: join(directory, 'record.json'), content: `${JSON.stringify(record, null, 2)}\n`, mode: 0o600 });
      await ensureTextFile({ path: join(directory, 'record.md'), content: renderRecord(record), mode: 0o600 });
      await leaveHost(attempt, { handsBack });
      dependencies.forgetSecrets();
      return { record: join(directory, 'record.md') };
    }),
  } satisfies Record<string, Activity<never, unknown>>;

  /**
   * Gets the claim, from a run that does not run any more where a person has said so; what that left running is ended,
   * also by a retry that finds the claim taken already.
   */
  async function takeHost(attempt: Attempt, claim: Claim, how: TakeOver): Promise<void> {
    const { call, config } = attempt;
    const claims = createClaimFile(config.stateDirectory);
    const { held } = await claims.take(claim);
    if (held.runId !== call.runId) {
      await assertMayTakeOver(config, held, how);
      await keepPredecessor(attempt, held);
      await claims.release(held.runId);
      const { held: now } = await claims.take(claim);
      if (now.runId !== call.runId) {
        await dropPredecessor(attempt);
        throw new Error(`the claim went to run ${now.runId} meanwhile`);
      }
    }
    // What it left running would act beside this one. Without the claim it begins nothing new.
    await settlePredecessor(attempt, async (predecessor) => {
      await endLeftoversOf(call, predecessor);
      const { workflowId, runId } = predecessor;
      await attempt.journal({ kind: 'note', at: claim.takenAt, text: `took the host over from ${workflowId} (run ${runId})` });
    });
  }

  /** It may have been lost before it had ended what the one before it left. */
  async function endLeftoversOf(call: Call, { runId, runbook, directory }: LostHolder): Promise<void> {
    await settlePredecessor({ directory }, (earlier) => endLeftoversOf(call, earlier));
    await dependencies.endLeftovers({ call: { ...call, runId, runbook }, directory });
  }

  /** What the lost run had recorded stays what counts: its list, and its settings. */
  async function takeUpLost(attempt: Attempt): Promise<Partial<Pick<Opened, 'adopted' | 'nodes' | 'settings'>>> {
    const adopted = await adoptOrRelease(attempt, attempt.call.runbook, { goesOn: true });
    return { adopted, nodes: adopted.nodes, ...(adopted.reached === undefined ? {} : { settings: adopted.reached.settings }) };
  }

  /** A run that is refused here never begins: it must not keep the host, nor give free what a lost run has left half-way. */
  async function adoptOrRelease(attempt: Attempt, runbook: string, how: { readonly goesOn?: boolean } = {}): Promise<Adopted> {
    try {
      return await adoptLastRun(attempt, runbook, how);
    } catch (error) {
      if (error instanceof PermanentFailure) await leaveHost(attempt, { handsBack: true });
      throw error;
    }
  }

  async function assertMayTakeOver(config: Config, held: Claim, { takeOver, beginsAnew }: TakeOver): Promise<void> {
    const running = await dependencies.isRunning(held);
    const holder = `${held.workflowId} (run ${held.runId}, started by ${held.startedBy}, since ${held.takenAt})`;
    if (running === true) throw new PermanentFailure(`this host is held by ${holder}`, 'look at it with lockstep status; one run at a time changes a host');
    if (takeOver && !beginsAnew) return;
    const entries = await readJournalOf(config, held);
    const { toUndo } = summarise(entries);
    // Lost between its last entry and giving the host free: nobody has to decide anything.
    if (endOf(entries) !== undefined) return;
    // A run that begins anew would know nothing of a database that was stopped, or of users who write on the volume.
    if (takeOver && toUndo.length === 0) return;
    throw new PermanentFailure(
      `this host was left by ${holder}, which ${running === false ? 'is closed, or lost by the server' : 'the server does not know'}${toUndo.length === 0 ? '' : `, with ${formatCountOf(toUndo.length, 'step')} that can be undone (the last: ${toUndo.at(-1)})`}`,
      [
        `look at what it left: its journal is in the state directory under runs/${held.runbook}-${held.runId}; then "lockstep start ${held.runbook}${held.runbook === 'rollback' ? ' --take-over' : ' --resume'}" goes on where it stood`,
        ...(toUndo.length === 0 ? [`"lockstep start ${held.runbook} --take-over" begins anew`] : ['"lockstep start rollback --take-over" undoes what it did']),
      ].join(', '),
    );
  }
}

interface Closing {
  readonly state: RunState;
  readonly outcome: string;
  readonly summary: Facts;
  readonly leaves?: readonly Condition[];
  /** It has changed nothing: a lost run whose host it took over has that again. */
  readonly handsBack?: boolean;
}

/** Gives the host free, or back to the run that it was taken from: that may have stopped the database. */
async function leaveHost(attempt: Attempt, { handsBack }: { readonly handsBack: boolean }): Promise<void> {
  const claims = createClaimFile(attempt.config.stateDirectory);
  const lost = handsBack ? await readLostHolder(attempt) : undefined;
  if (lost === undefined) await claims.release(attempt.call.runId);
  else await claims.pass(attempt.call.runId, lost);
}

/** The run that the host was taken from; undefined where that has nothing more to do there: it had changed nothing, had ended, or had gone back. */
async function readLostHolder(attempt: Attempt): Promise<Claim | undefined> {
  const held = await readPredecessor(attempt);
  if (held === undefined) return undefined;
  const entries = await readJournalOf(attempt.config, held);
  return endOf(entries) === undefined && summarise(entries).toUndo.length > 0 ? held : undefined;
}

async function readJournalOf(config: Config, held: Claim): Promise<readonly JournalEntry[]> {
  return (await openJournal(join(runDirectory(config, held), 'journal.jsonl'))).earlier;
}

async function takenFrom(attempt: Attempt): Promise<Pick<Opened, 'takenFrom'>> {
  const lost = await readLostHolder(attempt);
  if (lost === undefined) return {};
  const { workflowId, runId, runbook } = lost;
  return { takenFrom: { workflowId, runId, runbook } };
}

interface TakeOver {
  /** A person has said so. */
  readonly takeOver: boolean;
  /** The run takes up nothing of what the lost one did. */
  readonly beginsAnew: boolean;
}

function claimFor({ call, now }: Pick<Attempt, 'call' | 'now'>): Claim {
  const { workflowId, runId, runbook, startedBy } = call;
  return { workflowId, runId, runbook, startedBy, takenAt: now().toISOString() };
}
