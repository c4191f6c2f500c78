import { catchUpNode, isAlertNode, resumeCommandOf, takeOverByRollback, undoneByRollback } from '../../contract/names.js';
import { PermanentFailure } from '../../contract/errors.js';
import type { CaughtUp } from '../../contract/settings.js';
import type { Attempt } from '../activity.js';
import { assertMayGoOn, countsOnHost, goesBack, readReached, takeUp } from './adoption.js';
import { isOfRunbook, isOfSameTurn, nextOrder, readRuns, takenUpBy, type RunOnHost } from './runsOnHost.js';
import { highestNumber } from '../wrapper/hostAhead.js';

/**
 * Finds the run that got furthest with this host: the one that calls, where its server has an old
 * history of it, or another that took it up, or that it was reset from.
 *
 * @throws {@link PermanentFailure} where it can not be gone on with in that way.
 */
export async function findLastRun(attempt: Pick<Attempt, 'call' | 'config' | 'directory'>, runbook: string, way: 'on' | 'back'): Promise<RunOnHost> {
  const all = await readRuns(attempt);
  const own = all.find(({ directory }) => directory === attempt.directory);
  const isOfItsTurn = (run: RunOnHost) => own === undefined || isOfSameTurn(run, own.opened.comesFirst === true);
  const runs = all.filter((run) => run === own || (isOfRunbook(run, runbook) && isOfItsTurn(run) && !wasLeftAtItsGate(run)));
  const last = runs.toSorted((a, b) => lastActedAt(a).localeCompare(lastActedAt(b))).at(-1);
  if (last === undefined) throw new PermanentFailure(`no ${runbook} has run on this host`, 'answer stop, and start a new run');
  const name = `${last.name}, begun ${last.opened.at},`;
  if (own !== undefined && own !== last && takenUpBy(last.entries) === undefined) {
    throw new PermanentFailure(`${name} has begun anew on this host since, and does not know of this run`, 'answer stop: that run is the one to go on with, or back from');
  }
  const closed = last.entries.findLast((entry) => entry.kind === 'closed');
  if (closed !== undefined) throw new PermanentFailure(`${name} ended as ${closed.state}`, 'answer stop; to go back from it is a run of its own: "lockstep start rollback"');
  if (way === 'on') assertMayGoOn(last.entries, name, undoneByRollback(runbook) ? `"${takeOverByRollback}"` : `answer stop; "${resumeCommandOf({ workflowId: attempt.call.workflowId, runbook })}"`);
  return last;
}

/** Takes up what was found, unless it is this run's own, and tells from where the run goes on. */
export async function catchUpWith(attempt: Attempt, last: RunOnHost, way: 'on' | 'back'): Promise<CaughtUp> {
  if (last.directory !== attempt.directory) {
    await takeUp(attempt, last.opened.adopted?.runbook ?? attempt.call.runbook, last, way === 'on');
    const carried = last.entries.findLast((entry) => entry.kind === 'carried over' || entry.kind === 'carry-over void');
    if (carried !== undefined) await attempt.journal(carried);
    // A run that was reset never opened the host itself; without this nobody would find it here afterwards. Last,
    // since it counts from then on as the one that got furthest: killed before, it looks for the other one again.
    if (!(await attempt.readJournal()).some(({ kind }) => kind === 'opened')) await attempt.journal({ ...last.opened, order: await nextOrder(attempt.config), at: attempt.now().toISOString() });
  }
  const entries = await attempt.readJournal();
  return {
    calls: highestNumber(entries),
    goesBack: goesBack(last.entries),
    // Whoever turns back past the point of no return may still go on.
    ...(way === 'on' || !goesBack(last.entries) ? { reached: readReached(entries, last.opened) } : {}),
  };
}

/** A way back that somebody began and then did not want: it stands in nobody's way. */
function wasLeftAtItsGate(run: RunOnHost): boolean {
  return takenUpBy(run.entries) !== undefined && !countsOnHost(run) && run.entries.some(({ kind }) => kind === 'closed');
}

/** When a run acted last; that it looks here how far it came, or tells people, is no act. */
function lastActedAt({ entries, opened }: RunOnHost): string {
  return entries.findLast((entry) => entry.kind === 'began' && entry.node !== catchUpNode && !isAlertNode(entry.node))?.at ?? opened.at;
}
