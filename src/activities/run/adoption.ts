import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { PermanentFailure } from '../../contract/errors.js';
import { takeOverByRollback, undoneByRollback } from '../../contract/names.js';
import type { Adopted, Opened, Reached } from '../../contract/settings.js';
import type { Attempt } from '../activity.js';
import { keepFact, readFact } from './runFacts.js';
import { hasActed, isOfRunbook, isOfSameTurn, readOtherRuns, takenUpBy, type RunOnHost } from './runsOnHost.js';
import { begunByAdopted, endOf, lastGoneOn, openJournal, summarise, type JournalEntry } from '../wrapper/journal.js';

type Adopting = Pick<Attempt, 'config' | 'directory' | 'readJournal' | 'journal' | 'now'>;

/** What belongs to the other run alone: its record, and whose host it had taken over. */
const notAdopted: ReadonlySet<string> = new Set(['record', 'taken-over']);
/** What a run saw of the source before it started it: after its end somebody may have used that. */
const seenBeforeEnd = 'source-on-the-way-back';

/**
 * Takes up what the last run of a runbook did on this host: its facts, and what of it is to be undone.
 * Where an earlier way back from it was lost, that one is taken up, since it knows how far it came. From then on this run's own directory says all that its steps need to know.
 *
 * @throws {@link PermanentFailure} where there is none, or nothing of it is left to undo.
 */
export async function adoptLastRun(attempt: Adopting, runbook: string, { goesOn = false, comesFirst = false }: { readonly goesOn?: boolean; readonly comesFirst?: boolean } = {}): Promise<Adopted> {
  const earlier = takenUpBy(await attempt.readJournal());
  if (earlier !== undefined) return earlier;
  const runs = (await readOtherRuns(attempt)).filter((run) => isOfRunbook(run, runbook) && isOfSameTurn(run, comesFirst));
  assertNotDecommissioned(runs);
  const last = lastToTakeUp(runs, goesOn);
  if (last === undefined) throw new PermanentFailure(`no ${runbook} has run on this host`, 'there is nothing to go back from');
  const { entries, opened } = last;
  const run = `the last ${runbook} on this host (run ${runIdOf(last, runbook)}, of ${opened.at})`;
  if (goesOn) assertMayGoOn(entries, run, undoneByRollback(runbook) ? byRollback : undefined);
  else if (summarise(entries).toUndo.length === 0) {
    throw new PermanentFailure(`${run} has nothing left to undo`, 'the service runs as it did before it; "lockstep status" shows the runs');
  }
  return takeUp(attempt, runbook, last, goesOn);
}

/**
 * The last run that has changed the host, or has gone on with one that had: one that was refused, or left at its first
 * gates, has nothing to take up.
 *
 * @param goesOn - One without an end may be gone on with as well, whatever it did; but for a way back that was lost before
 * anybody decided for it, which has nothing to go on with and hides nothing.
 */
function lastToTakeUp(runs: readonly RunOnHost[], goesOn: boolean): RunOnHost | undefined {
  const isOpen = ({ entries }: RunOnHost) => endOf(entries) === undefined && (takenUpBy(entries) === undefined || goesBack(entries));
  return runs.findLast((run) => countsOnHost(run) || (goesOn && isOpen(run))) ?? runs.at(-1);
}

/** Whether a run has changed the host, or has gone on with one that had: from then on it stands for that. */
export function countsOnHost(run: Pick<RunOnHost, 'entries'>): boolean {
  return hasActed(run) || takenUpBy(run.entries)?.reached !== undefined;
}

/** Takes over a run's facts, and writes into the journal what of it was done and is to be undone. */
export async function takeUp(attempt: Adopting, runbook: string, run: RunOnHost, goesOn: boolean): Promise<Adopted> {
  const { entries, opened, directory } = run;
  const { toUndo, ...summary } = summarise(entries);
  const closed = endOf(entries);
  for (const name of await readdir(directory)) {
    const fact = /^(.+)\.json$/.exec(name)?.[1];
    if (fact === undefined || notAdopted.has(fact) || (closed !== undefined && fact === seenBeforeEnd)) continue;
    await keepFact(attempt, fact, await readFact({ directory }, fact));
  }
  const adopted: Adopted = {
    runbook,
    runId: runIdOf(run, runbook),
    startedAt: opened.at,
    state: closed?.state ?? 'left without an end',
    nodes: takenUpBy(entries)?.nodes ?? opened.nodes,
    toUndo,
    ...summary,
    ...(closed === undefined && (goesBack(entries) || takenUpBy(entries)?.wayBackBegun === true) ? { wayBackBegun: true } : {}),
    begun: readBegun(entries),
    ...(goesOn ? { reached: readReached(entries, opened) } : {}),
  };
  await attempt.journal({ kind: 'adopted', at: attempt.now().toISOString(), directory, adopted });
  return adopted;
}

function runIdOf({ entries, directory }: RunOnHost, runbook: string): string {
  return takenUpBy(entries)?.runId ?? basename(directory).slice(runbook.length + 1);
}

/**
 * Looks, before the host is taken over, whether the last run of a runbook can be gone on with.
 *
 * @throws {@link PermanentFailure} where there is none, or it has ended or begun to go back.
 */
export async function assertLastRunGoesOn(attempt: Pick<Adopting, 'config' | 'directory'>, runbook: string, comesFirst = false): Promise<void> {
  const last = lastToTakeUp((await readOtherRuns(attempt)).filter((run) => isOfRunbook(run, runbook) && isOfSameTurn(run, comesFirst)), true);
  if (last === undefined) throw new PermanentFailure(`no ${runbook} has run on this host`, 'start it without --resume');
  assertMayGoOn(last.entries, `the last ${runbook} on this host (${basename(last.directory)}, of ${last.opened.at})`, undoneByRollback(runbook) ? byRollback : undefined);
}

const byRollback = `"${takeOverByRollback}"`;

/**
 * @param onward - What to type where the way forward was left; absent where the run that takes it up goes back itself.
 * @throws {@link PermanentFailure} where it has ended, or there is only the way back.
 */
export function assertMayGoOn(entries: readonly JournalEntry[], run: string, onward?: string): void {
  const closed = endOf(entries);
  if (closed !== undefined) throw new PermanentFailure(`${run} ended as ${closed.state}: there is nothing to go on with`, 'start a new run without --resume');
  if (onward !== undefined && goesBack(entries)) throw new PermanentFailure(`${run} had begun to go back`, `go on with that: ${onward}`);
}

/** Whether a run has left the way forward, and did not come back to it. */
export function goesBack(entries: readonly JournalEntry[]): boolean {
  const left = entries.findLastIndex((entry) => entry.kind === 'began' && (entry.phase === 'undo' || entry.node === 'begin-way-back'));
  return left > lastGoneOn(entries);
}

/** What ended well: in this run, and in those that it has gone on with. */
export function readReached(entries: readonly JournalEntry[], { settings, options }: Pick<Opened, 'settings' | 'options'>): Reached {
  const found = new Map<string, Reached['found'][number]>();
  const begun = new Set<string>();
  for (const entry of entries) {
    if (entry.kind === 'adopted') {
      for (const each of entry.adopted.reached?.found ?? []) found.set(each.id, each);
      for (const id of entry.adopted.reached?.begun ?? []) begun.add(id);
    }
    if (entry.kind === 'began' && entry.phase === 'do') begun.add(entry.node);
    if (entry.kind === 'ended' && entry.phase === 'do' && entry.result === 'done') found.set(entry.node, { id: entry.node, ...(entry.figures === undefined ? {} : { result: entry.figures }) });
  }
  return { found: [...found.values()], begun: [...begun], settings, ...(options === undefined ? {} : { options }) };
}

/** The steps that a run began, or one that it took up: something of them may be there, half-way. */
function readBegun(entries: readonly JournalEntry[]): readonly string[] {
  return [...new Set(entries.flatMap((entry) => (entry.kind === 'began' && entry.phase === 'do' ? [entry.node] : begunByAdopted(entry))))];
}

/** Writes into the journal of the run that was taken up that it is undone, so that nobody goes back from it twice. */
export async function tellAdoptedRun(attempt: Pick<Attempt, 'readJournal' | 'now' | 'call'>): Promise<void> {
  const taken = (await attempt.readJournal()).find((entry) => entry.kind === 'adopted');
  if (taken === undefined) return;
  const journal = await openJournal(join(taken.directory, 'journal.jsonl'));
  if (journal.earlier.some((entry) => entry.kind === 'rolled back')) return;
  await journal.append({ kind: 'rolled back', at: attempt.now().toISOString(), byRun: attempt.call.runId });
}

/** What was removed cannot be gone back to: not from the run whose source it was, nor from an earlier one. */
function assertNotDecommissioned(runs: readonly RunOnHost[]): void {
  const index = runs.findLastIndex(({ entries }) => entries.some(({ kind }) => kind === 'decommission begun'));
  const removal = runs[index]?.entries.find((entry) => entry.kind === 'decommission begun');
  // A later migration has a source of its own.
  if (removal === undefined || runs.slice(index + 1).some(({ entries }) => entries.some((entry) => entry.kind === 'began' && entry.undoable))) return;
  throw new PermanentFailure(
    `the old data of this host was removed by decommissionPlaintext (run ${removal.byRun}, begun ${removal.at}): there is no old volume to go back to`,
    'stay on the encrypted volume; what is lost on it comes back from a backup',
  );
}
