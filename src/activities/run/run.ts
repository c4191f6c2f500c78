import { join } from 'node:path';
import type { Condition } from '../../contract/calls.js';
import { PermanentFailure } from '../../contract/errors.js';
import type { Facts } from '../../contract/facts.js';
import type { Adopted, CaughtUp, Opened } from '../../contract/settings.js';
import type { RunState } from '../../contract/status.js';
import { toRunSettings } from '../../config/settings.js';
import { auditPositionPath, readAuditPosition } from '../../host/audit/auditPosition.js';
import { ensureTextFile } from '../../host/files/textFile.js';
import { changes, reads, type Activity, type Attempt } from '../activity.js';
import { adoptLastRun, assertLastRunGoesOn, tellAdoptedRun } from './adoption.js';
import { nextOrder } from './runsOnHost.js';
import { settleExchange } from '../wayBack/carriedSource.js';
import { catchUpWith, findLastRun } from './catchUp.js';
import { makeRecord, renderRecord } from './record.js';
import { claimFor, createHostClaim, leaveHost, takenFrom, type HostClaimDependencies } from './hostClaim.js';
import { isMounted } from '../volume/openVolume.js';
import { voidStaleCarryOver } from '../wayBack/staleCarryOver.js';
import { createClaimFile } from '../wrapper/claim.js';
import { assertHoldsHost } from '../wrapper/hostAhead.js';
import { runDirectory } from '../wrapper/wrap.js';
import { endOf, summarise } from '../wrapper/journal.js';

/** What the engine needs beyond an attempt. */
export interface RunDependencies extends HostClaimDependencies {
  readonly lockstepVersion: string;
  readonly configDigest: () => Promise<string>;
  readonly bootId: () => Promise<string>;
  /** Makes a condition true. */
  readonly ensure: (condition: Condition, attempt: Attempt) => Promise<void>;
}

/** The activities of the engine itself: they open, look and close, whatever the runbook. */
export function createRunActivities(dependencies: RunDependencies) {
  const { takeHost } = createHostClaim(dependencies);
  return {
    openRun: changes('RUN_OPEN', async (attempt, args: { readonly nodes: readonly string[]; readonly takeOver: boolean; readonly resume?: true; readonly undoes?: string; readonly comesFirst?: true; readonly options?: Opened['options'] }): Promise<Opened> => {
      const { call, config } = attempt;
      const claim = claimFor(attempt);
      if (args.resume === true && args.undoes === undefined) await assertLastRunGoesOn(attempt, call.runbook, args.comesFirst);
      if (call.holdsHost !== false) await takeHost(attempt, claim, { takeOver: args.takeOver, beginsAnew: args.resume !== true && args.undoes === undefined, comesFirst: args.comesFirst === true });
      const earlier = (await attempt.readJournal()).find((entry) => entry.kind === 'opened');
      if (earlier) return earlier;
      const opened: Opened = {
        nodes: args.nodes,
        settings: toRunSettings(config),
        ...(args.options === undefined ? {} : { options: args.options }),
        bootId: await dependencies.bootId(),
        configDigest: await dependencies.configDigest(),
        lockstepVersion: dependencies.lockstepVersion,
        order: await nextOrder(config),
        ...(args.comesFirst === true ? { comesFirst: true } as const : {}),
        ...(await takenFrom(attempt)),
        ...(args.undoes === undefined ? {} : { adopted: await adoptOrRelease(attempt, args.undoes) }),
        ...(args.resume === true && args.undoes === undefined ? await takeUpLost(attempt, args.comesFirst) : {}),
      };
      const { node, title, plan, opening, phase, undoable } = call;
      await attempt.journal({ kind: 'opened', at: claim.takenAt, call: { node, title, plan, opening, phase, undoable }, ...opened });
      return opened;
    }),

    /** A person has seen that the host is ahead of the server's history, and has chosen to go on, or back, from where it stands. */
    catchUp: changes('RUN_CATCH_UP', async (attempt, args: { readonly way: 'on' | 'back'; readonly undoes?: string }): Promise<CaughtUp> => {
      const last = await findLastRun(attempt, args.undoes ?? attempt.call.runbook, args.way);
      if (attempt.call.holdsHost !== false) await takeHost(attempt, claimFor(attempt), { takeOver: true, beginsAnew: false, comesFirst: false });
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
      if (call.holdsHost !== false && !(await attempt.readJournal()).some((entry) => entry.kind === 'opened')) await assertHoldsHost(config, call, (run) => runDirectory(config, run));
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
      // What was typed for the run that holds the host is none of one beside it.
      if (call.holdsHost !== false) {
        await leaveHost(attempt, { handsBack });
        dependencies.forgetSecrets();
      }
      return { record: join(directory, 'record.md') };
    }),
  } satisfies Record<string, Activity<never, unknown>>;

  /** What the lost run had recorded stays what counts: its list, its settings, and what it was told. */
  async function takeUpLost(attempt: Attempt, comesFirst = false): Promise<Partial<Pick<Opened, 'adopted' | 'nodes' | 'settings' | 'options'>>> {
    const adopted = await adoptOrRelease(attempt, attempt.call.runbook, { goesOn: true, comesFirst });
    const { nodes, reached } = adopted;
    return { adopted, nodes, ...(reached === undefined ? {} : { settings: reached.settings, ...(reached.options === undefined ? {} : { options: reached.options }) }) };
  }

  /** A run that is refused here never begins: it must not keep the host, nor give free what a lost run has left half-way. */
  async function adoptOrRelease(attempt: Attempt, runbook: string, how: { readonly goesOn?: boolean; readonly comesFirst?: boolean } = {}): Promise<Adopted> {
    try {
      return await adoptLastRun(attempt, runbook, how);
    } catch (error) {
      if (error instanceof PermanentFailure && attempt.call.holdsHost !== false) await leaveHost(attempt, { handsBack: true });
      throw error;
    }
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
