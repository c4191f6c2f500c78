import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Call, JournalSummary, NodeOutcome } from '../../contract/calls.js';
import { PermanentFailure } from '../../contract/errors.js';
import { isAlertNode, isConditionsNode, leaveMaintenanceNode, pastNoReturnQuestion } from '../../contract/names.js';
import type { RecordedDecision } from '../../contract/questions.js';
import type { Adopted, Opened } from '../../contract/settings.js';
import { appendLines } from '../../host/files/appendLines.js';
import { syncDirectoryOf } from '../../host/files/durable.js';
import { ensureDirectory } from '../../host/files/ensureDirectory.js';
import { ifPresent } from '../../host/failure.js';

/** One line of the journal. Times are the host's, ISO. */
export type JournalEntry =
  | ({ readonly kind: 'opened'; readonly at: string; readonly call: CallIdentity } & Opened)
  | ({ readonly kind: 'began'; readonly at: string; readonly attempt: number; readonly bootId: string; readonly number?: number } & CallIdentity)
  | ({
      readonly kind: 'ended';
      readonly at: string;
      readonly attempt: number;
      readonly result: EndOfAttempt;
      readonly seconds: number;
      readonly figures?: unknown;
      readonly message?: string;
    } & CallIdentity)
  | ({ readonly kind: 'decision' } & RecordedDecision)
  | ({ readonly kind: 'node'; readonly at: string } & NodeOutcomeEntry)
  | { readonly kind: 'mark'; readonly at: string; readonly mark: 'users may write on the new volume' }
  | { readonly kind: 'adopted'; readonly at: string; readonly directory: string; readonly adopted: Adopted }
  | { readonly kind: 'carried over'; readonly at: string; readonly kept: string }
  | { readonly kind: 'carry-over void'; readonly at: string; readonly since: string }
  | { readonly kind: 'rolled back'; readonly at: string; readonly byRun: string }
  | { readonly kind: 'decommission begun'; readonly at: string; readonly byRun: string }
  | { readonly kind: 'decommissioned'; readonly at: string; readonly byRun: string }
  | { readonly kind: 'note'; readonly at: string; readonly text: string }
  | { readonly kind: 'closed'; readonly at: string; readonly state: string; readonly outcome: string };

/** How an attempt ended; one that found a secret missing had not acted yet, and is neither a try nor a failure. */
export type EndOfAttempt = 'done' | 'failed' | 'cancelled' | 'secret needed';

type NodeOutcomeEntry = { readonly node: string } & Omit<NodeOutcome, 'id'>;

/** What identifies a call in the journal. */
export type CallIdentity = Pick<Call, 'node' | 'title' | 'plan' | 'opening' | 'phase' | 'undoable'>;

/** A run's journal on the host: appended and synced, never rewritten. */
export interface Journal {
  /** What it held when it was opened. */
  readonly earlier: readonly JournalEntry[];
  /** All of the entries, or none where it fails. */
  readonly append: (...entries: readonly JournalEntry[]) => Promise<void>;
  readonly read: () => Promise<readonly JournalEntry[]>;
}

/**
 * Opens the journal at a path, making its directory. A last line that a power cut tore tells nothing, and the next
 * entry takes its place: what it told had not been acted on yet, since an entry is synced before the action.
 */
export async function openJournal(path: string): Promise<Journal> {
  await ensureDirectory(dirname(path), 0o700);
  const content = await ifPresent(readFile(path, 'utf8'));
  let hasName = content !== undefined;
  return {
    earlier: parseJournal(content ?? '', path),
    async append(...entries) {
      if (entries.length === 0) return;
      await appendLines(path, entries.map((entry) => JSON.stringify(entry)));
      if (!hasName) await syncDirectoryOf(path);
      hasName = true;
    },
    read: () => readJournal(path),
  };
}

/**
 * The entries of the journal at a path; none where it is absent.
 *
 * @throws {@link PermanentFailure} naming a line that is none, since what it told decides what may be done next.
 */
export async function readJournal(path: string): Promise<readonly JournalEntry[]> {
  return parseJournal((await ifPresent(readFile(path, 'utf8'))) ?? '', path);
}

/** What can be read of a journal that may be damaged. */
export interface ReadableJournal {
  readonly entries: readonly JournalEntry[];
  /** Names the first line that is none, and what to do. */
  readonly damage?: PermanentFailure;
}

/** As {@link readJournal}, for whoever may not need all of it: a line that is none is told and passed over. */
export async function readDamagedJournal(path: string): Promise<ReadableJournal> {
  return parseLines((await ifPresent(readFile(path, 'utf8'))) ?? '', path);
}

function parseJournal(text: string, path: string): readonly JournalEntry[] {
  const { entries, damage } = parseLines(text, path);
  if (damage !== undefined) throw damage;
  return entries;
}

/** The whole lines; one that a power cut tore tells nothing. */
function parseLines(text: string, path: string): ReadableJournal {
  const parsed = text.split('\n').slice(0, -1).map(parseLine);
  const number = parsed.indexOf(undefined) + 1;
  return {
    entries: parsed.filter((entry) => entry !== undefined),
    ...(number === 0 ? {} : { damage: damageOf(path, number) }),
  };
}

function parseLine(line: string): JournalEntry | undefined {
  try {
    const entry = JSON.parse(line) as Partial<JournalEntry> | null;
    return typeof entry?.kind === 'string' ? (entry as JournalEntry) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function damageOf(path: string, number: number): PermanentFailure {
  return new PermanentFailure(
    `line ${number} of the journal ${path} is no entry: it was written to by another hand, or its disk fails`,
    `keep a copy of the file and look at it (sed -n ${number}p ${path}; dmesg): where two entries stand in that line, break it between them; what is none take out, knowing that what it told is forgotten; then retry`,
  );
}

/** How a run ended; undefined where it has not, or where its host could not be left so and somebody went back after all. */
export function endOf(entries: readonly JournalEntry[]): Extract<JournalEntry, { kind: 'closed' }> | undefined {
  const closed = entries.findLastIndex(({ kind }) => kind === 'closed');
  const after = entries.slice(closed + 1).some((entry) => entry.kind === 'began' && entry.node !== 'close-run' && !isConditionsNode(entry.node) && !isAlertNode(entry.node));
  const end = entries[closed];
  return after || end?.kind !== 'closed' ? undefined : end;
}

/** Whether an attempt of this node and phase acted before, and may have left something: sessions, containers, half a file. */
export function hasActedBefore(entries: readonly JournalEntry[], { node, phase }: Pick<CallIdentity, 'node' | 'phase'>): boolean {
  if (phase === 'do' && entries.some((entry) => entry.kind === 'adopted' && entry.adopted.reached?.begun.includes(node) === true)) return true;
  const ofNode = entries.filter((entry) => (entry.kind === 'began' || entry.kind === 'ended') && entry.node === node && entry.phase === phase);
  const asked = ofNode.filter((entry) => entry.kind === 'ended' && entry.result === 'secret needed').length;
  return ofNode.filter(({ kind }) => kind === 'began').length > asked;
}

/** Of an entry that tells of a run that was taken up: the steps that it had begun. */
export function begunByAdopted(entry: JournalEntry): readonly string[] {
  return entry.kind === 'adopted' ? (entry.adopted.begun ?? entry.adopted.reached?.begun ?? []) : [];
}

/** Where somebody chose to go on in spite of a way back that was begun; -1 where nobody did. */
export function lastGoneOn(entries: readonly JournalEntry[]): number {
  return entries.findLastIndex((entry) => entry.kind === 'decision' && entry.question.startsWith(pastNoReturnQuestion) && entry.answer === 'continue' && entry.outcome === 'counted');
}

/** The title of the step whose attempt has no end yet; undefined where none is at work. */
export function atWorkOn(entries: readonly JournalEntry[]): string | undefined {
  const last = entries.findLast((entry) => (entry.kind === 'began' || entry.kind === 'ended') && !isAlertNode(entry.node));
  if (last?.kind !== 'began') return undefined;
  return last.phase === 'undo' ? `undo: ${last.title}` : last.title;
}

/** What the engine reads before a rollback. */
export function summarise(entries: readonly JournalEntry[]): JournalSummary {
  const toUndo = new Map<string, true>();
  let usersMayWriteSince: string | undefined;
  let carriedOver = false;
  let carryOverBegun = false;
  let undoBegun = false;
  for (const entry of entries) {
    if (entry.kind === 'began' && entry.phase === 'do' && entry.undoable) toUndo.set(entry.node, true);
    if (entry.kind === 'began' && entry.phase === 'undo') undoBegun = true;
    if (entry.kind === 'ended' && entry.phase === 'undo' && entry.result === 'done') toUndo.delete(entry.node);
    if (entry.kind === 'adopted') {
      // It knows of this run, and what of that it has undone.
      toUndo.clear();
      for (const node of entry.adopted.toUndo) toUndo.set(node, true);
      usersMayWriteSince ??= entry.adopted.usersMayWriteSince;
      carriedOver ||= entry.adopted.carriedOver === true;
      carryOverBegun ||= entry.adopted.carryOverBegun === true;
      undoBegun ||= entry.adopted.undoBegun === true;
    }
    if (entry.kind === 'decision' && entry.outcome === 'counted' && entry.question.startsWith(pastNoReturnQuestion)) {
      if (entry.answer === 'carry-over') carryOverBegun = true;
      if (entry.answer === 'continue') carryOverBegun = false;
    }
    // Whoever chose to stop has not let users in by that alone.
    if (entry.kind === 'ended' && entry.node === leaveMaintenanceNode && entry.phase === 'do' && entry.result === 'done') carryOverBegun = false;
    if (entry.kind === 'rolled back') toUndo.clear();
    if (entry.kind === 'mark') usersMayWriteSince ??= entry.at;
    if (entry.kind === 'carried over') {
      // What they wrote there is where the way back leads.
      usersMayWriteSince = undefined;
      carriedOver = true;
    }
    if (entry.kind === 'carry-over void') {
      usersMayWriteSince = entry.since;
      carriedOver = false;
    }
  }
  return {
    toUndo: [...toUndo.keys()],
    ...(usersMayWriteSince === undefined ? {} : { usersMayWriteSince }),
    ...(carriedOver ? { carriedOver } : {}),
    ...(carryOverBegun ? { carryOverBegun } : {}),
    ...(undoBegun ? { undoBegun } : {}),
  };
}
