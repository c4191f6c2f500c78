import { join } from 'node:path';
import type { Config } from '../../config/schema.js';
import type { Call } from '../../contract/calls.js';
import { HostAhead } from '../../contract/errors.js';
import { isAlertNode, resumeCommandOf } from '../../contract/names.js';
import { createClaimFile, type Holder } from './claim.js';
import { endOf, readDamagedJournal, readJournal, summarise, type JournalEntry } from './journal.js';

/** Who else is asked about before a run is told that it does not hold its host. */
export interface Lending {
  /** Told of the run that has the host first. */
  readonly onLent: (to: Holder) => void;
  /** Whether the server knows a run as running; `unknown` where it can not be asked. */
  readonly isRunning: (run: Holder) => Promise<boolean | 'unknown'>;
}

/** Whether another run has the host first, which gives it back to this one. */
export async function isLent(config: Config, { runId }: Pick<Call, 'runId'>, { onLent, isRunning }: Lending): Promise<boolean> {
  const held = await createClaimFile(config.stateDirectory).read();
  if (held?.lentBy?.some((each) => each.runId === runId) !== true) return false;
  // One that was lost does not give the host back by itself: a person has to look.
  if ((await isRunning(held)) === false) return false;
  onLent(held);
  return true;
}

/**
 * A run changes a host only while it holds it.
 *
 * @param directoryOf - Where a run keeps its journal.
 * @throws {@link HostAhead} telling who holds it instead, and what that left.
 */
export async function assertHoldsHost(config: Config, call: Call, directoryOf: (run: Pick<Call, 'runbook' | 'runId'>) => string): Promise<void> {
  const held = await createClaimFile(config.stateDirectory).read();
  if (held?.runId === call.runId) return;
  const own = await readJournalIn(directoryOf(call));
  if (endOf(own) !== undefined) throw new HostAhead(`for the host this run is over: ${describe(own)}`, highestNumber(own), true);
  if (held === undefined) throw new HostAhead(`no run holds this host, so this one may not act on it: it was reset from one that has ended, or its claim was removed. Its journal: ${describe(own)}`, highestNumber(own));
  const { workflowId, runId, takenAt, lentBy = [] } = held;
  const which = workflowId === call.workflowId ? `run ${runId} of this same workflow, from which this one was reset, or which its server has lost` : `${workflowId} (run ${runId})`;
  const { entries: left, damage } = await readDamagedJournal(journalIn(directoryOf(held)));
  const whatIsLeft = `${describe(left)}${damage === undefined ? '' : `; not all of that can be read: ${damage.message}`}`;
  if (lentBy.some((each) => each.runId === call.runId)) {
    throw new HostAhead(
      `${which} had this host first, since ${takenAt}, and was ended from outside, or lost by the server. What that left: ${whatIsLeft}. Take that up before you go on here: "${resumeCommandOf(held)}" goes on where it stood and gives the host back; without that what it left half-way stays`,
      highestNumber(left),
    );
  }
  throw new HostAhead(`this host is held by ${which}, since ${takenAt}. What that left: ${whatIsLeft}`, highestNumber(left));
}

/**
 * A call of a history that is older than the journal would do again what was done, on a host that has
 * moved on: it would copy over what users have written since.
 *
 * @throws {@link HostAhead} telling what the journal knows beyond it.
 */
export function assertNotBehind(entries: readonly JournalEntry[], call: Call): void {
  const { number } = call;
  if (number === undefined) return;
  const isBeyond = (entry: JournalEntry): boolean =>
    entry.kind === 'began' && entry.number !== undefined && (entry.number > number || (entry.number === number && !isSame(entry, call)));
  if (!entries.some(isBeyond)) return;
  throw new HostAhead(
    `the server's history of this run is older than this host (a database restored from a copy): it asks for "${call.title}" as call ${number}, and the journal goes on to call ${highestNumber(entries)}. ${describe(entries)}`,
    highestNumber(entries),
    endOf(entries) !== undefined,
  );
}

/** The highest number of a call that the journal has; 0 where it has none. */
export function highestNumber(entries: readonly JournalEntry[]): number {
  return Math.max(0, ...entries.map((entry) => (entry.kind === 'began' ? (entry.number ?? 0) : 0)));
}

function isSame(entry: Extract<JournalEntry, { kind: 'began' }>, call: Call): boolean {
  return entry.node === call.node && entry.phase === call.phase && entry.opening === call.opening;
}

/** What was left, for a person who has to choose: the last step, how it ended, and on which side of the switch users are. */
function describe(entries: readonly JournalEntry[]): string {
  const closed = endOf(entries);
  const began = entries.findLast((entry): entry is Extract<JournalEntry, { kind: 'began' }> => entry.kind === 'began' && !isAlertNode(entry.node));
  const { usersMayWriteSince } = summarise(entries);
  const ended = began && entries.findLast((entry) => entry.kind === 'ended' && entry.node === began.node && entry.phase === began.phase && entry.at >= began.at);
  return [
    ...(began === undefined ? ['none is here'] : [`last begun: ${began.phase === 'undo' ? 'undo: ' : ''}"${began.title}", ${began.at}, ${ended?.kind === 'ended' ? ended.result : 'without an end'}`]),
    ...(usersMayWriteSince === undefined ? [] : [`users may have written on the encrypted volume since ${usersMayWriteSince}`]),
    ...(closed === undefined ? [] : [`ended as ${closed.state}, ${closed.at}`]),
  ].join('; ');
}

/** The journal in a run's directory; empty where none is there. */
export async function readJournalIn(directory: string): Promise<readonly JournalEntry[]> {
  return readJournal(journalIn(directory));
}

function journalIn(directory: string): string {
  return join(directory, 'journal.jsonl');
}
