import { join } from 'node:path';
import type { Config } from '../../config/schema.js';
import type { Call } from '../../contract/calls.js';
import { PermanentFailure } from '../../contract/errors.js';
import { formatCountOf } from '../../contract/facts.js';
import { resumeCommandOf, takeOverByRollback, turnPhases, undoneByRollback } from '../../contract/names.js';
import type { Opened } from '../../contract/settings.js';
import type { Attempt } from '../activity.js';
import { createClaimFile, type Claim, type Holder } from '../wrapper/claim.js';
import { atWorkOn, endOf, openJournal, summarise, type JournalEntry } from '../wrapper/journal.js';
import type { Turns } from '../wrapper/turns.js';
import { runDirectory } from '../wrapper/wrap.js';
import { dropPredecessor, keepPredecessor, readPredecessor, settlePredecessor, type LostHolder } from './predecessor.js';

/** What decides over the claim of a host. */
export interface HostClaimDependencies {
  /** Ends whatever the run's other nodes left running, in whatever way they ended. */
  readonly endLeftovers: (attempt: Pick<Attempt, 'call' | 'directory'>) => Promise<void>;
  /** Whether the server knows a run as running; `unknown` where it can not be asked. */
  readonly isRunning: (run: Holder) => Promise<boolean | 'unknown'>;
  readonly turns: Turns;
  /** What was typed for the run that has, or had, the host has served. */
  readonly forgetSecrets: () => void;
}

/** Who has the host: taking it from nobody, from a run that is lost, or first from one that goes on afterwards. */
export function createHostClaim(dependencies: HostClaimDependencies) {
  return { takeHost };

  /**
   * Gets the claim, from a run that does not run any more where a person has said so; what that left running is ended,
   * also by a retry that finds the claim taken already.
   */
  async function takeHost(attempt: Attempt, claim: Claim, how: TakeOver): Promise<void> {
    const { call, config } = attempt;
    const claims = createClaimFile(config.stateDirectory);
    const { held } = await claims.take(claim);
    const goesFirst = how.comesFirst && endOf(await readJournalOf(config, held)) === undefined && !(await takesUpLost(held, how));
    if (held.runId !== call.runId && goesFirst) {
      await takeFirst(attempt, claim, held);
    } else if (held.runId !== call.runId) {
      await assertMayTakeOver(config, held, how);
      await keepPredecessor(attempt, held);
      await claims.pass(held.runId, claim);
      const now = await claims.read();
      if (now?.runId !== call.runId) {
        await dropPredecessor(attempt);
        throw new Error(`the claim went to run ${now?.runId ?? '(none)'} meanwhile`);
      }
    }
    await tellTakenFirst(attempt);
    // What it left running would act beside this one. Without the claim it begins nothing new.
    await settlePredecessor(attempt, async (predecessor) => {
      await endLeftoversOf(call, predecessor);
      const { workflowId, runId } = predecessor;
      await attempt.journal({ kind: 'note', at: claim.takenAt, text: `took the host over from ${workflowId} (run ${runId})` });
    });
  }

  /** What a lost run left is taken up, or begun anew, as a person has said: the host does not go back to that run. */
  async function takesUpLost(held: Claim, { takeOver }: TakeOver): Promise<boolean> {
    return takeOver && (await dependencies.isRunning(held)) === false;
  }

  /** Gets the claim from a run that goes on afterwards: between two of its steps, so that nothing of it acts beside this one. */
  async function takeFirst(attempt: Attempt, claim: Claim, held: Claim): Promise<void> {
    const { config } = attempt;
    const claims = createClaimFile(config.stateDirectory);
    attempt.report({ phase: turnPhases.waitsForStep(held.workflowId, atWorkOn(await readJournalOf(config, held))) });
    await dependencies.turns.between(held.runId, attempt.signal, async () => {
      await claims.lend(held.runId, claim);
      // What was typed for that run would else serve this one unasked, as its new passphrase too.
      dependencies.forgetSecrets();
    });
    const now = await claims.read();
    if (now?.runId !== claim.runId) throw new Error(`the claim went to run ${now?.runId ?? '(none)'} meanwhile`);
  }

  /** It may have been lost before it had ended what the one before it left. */
  async function endLeftoversOf(call: Call, { runId, runbook, directory }: LostHolder): Promise<void> {
    await settlePredecessor({ directory }, (earlier) => endLeftoversOf(call, earlier));
    await dependencies.endLeftovers({ call: { ...call, runId, runbook }, directory });
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
        `look at what it left: its journal is in the state directory under runs/${held.runbook}-${held.runId}; then "${held.runbook === 'rollback' ? takeOverByRollback : resumeCommandOf(held)}" goes on where it stood`,
        ...(toUndo.length === 0 ? [`"lockstep start ${held.runbook} --take-over" begins anew`] : undoneByRollback(held.runbook) ? [`"${takeOverByRollback}" undoes what it did`] : ['its own way back is open to it there']),
      ].join(', '),
    );
  }
}

/** Gives the host free, or back to the run that it was taken from: that may have stopped the database. */
export async function leaveHost(attempt: Attempt, { handsBack }: { readonly handsBack: boolean }): Promise<void> {
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

async function readJournalOf(config: Config, held: Holder): Promise<readonly JournalEntry[]> {
  return (await openJournal(join(runDirectory(config, held), 'journal.jsonl'))).earlier;
}

/** Of a run that has taken over the host of a lost one: which that is. */
export async function takenFrom(attempt: Attempt): Promise<Pick<Opened, 'takenFrom'>> {
  const lost = await readLostHolder(attempt);
  if (lost === undefined) return {};
  const { workflowId, runId, runbook } = lost;
  return { takenFrom: { workflowId, runId, runbook } };
}

/** Both runs tell of it: whoever reads of the one that waited is to know why. Told once, also by a retry that has the claim already. */
async function tellTakenFirst(attempt: Attempt): Promise<void> {
  const { config, call } = attempt;
  const [from] = (await createClaimFile(config.stateDirectory).read())?.lentBy ?? [];
  if (from === undefined) return;
  await attempt.audit('HOST_TAKEN_FIRST', { takenFrom: from.workflowId, itsRun: from.runId });
  const noteOnce = async (journal: { read: () => Promise<readonly JournalEntry[]>; append: (entry: JournalEntry) => Promise<void> }, text: string) => {
    if ((await journal.read()).some((entry) => entry.kind === 'note' && entry.text === text)) return;
    await journal.append({ kind: 'note', at: attempt.now().toISOString(), text });
  };
  await noteOnce({ read: attempt.readJournal, append: attempt.journal }, `took the host first from ${from.workflowId} (run ${from.runId}), which has it again afterwards`);
  await noteOnce(await openJournal(join(runDirectory(config, from), 'journal.jsonl')), `the host went first to ${call.workflowId} (run ${call.runId})`);
}

/** On what grounds a run takes a host that another one holds. */
export interface TakeOver {
  /** It does not wait for a run that holds the host, and gives it back. */
  readonly comesFirst: boolean;
  /** A person has said so. */
  readonly takeOver: boolean;
  /** The run takes up nothing of what the lost one did. */
  readonly beginsAnew: boolean;
}

/** The claim of the run that calls. */
export function claimFor({ call, now }: Pick<Attempt, 'call' | 'now'>): Claim {
  const { workflowId, runId, runbook, startedBy } = call;
  return { workflowId, runId, runbook, startedBy, takenAt: now().toISOString() };
}
