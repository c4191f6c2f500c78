import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Call, JournalSummary, NodeOutcome } from '../../contract/calls.js';
import type { RecordedDecision } from '../../contract/questions.js';
import type { Adopted, Opened } from '../../contract/settings.js';
import { appendLines } from '../../host/appendLines.js';
import { syncDirectoryOf } from '../../host/durable.js';
import { ensureDirectory } from '../../host/ensureDirectory.js';
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
    earlier: parseJournal(content ?? ''),
    async append(...entries) {
      if (entries.length === 0) return;
      await appendLines(path, entries.map((entry) => JSON.stringify(entry)));
      if (!hasName) await syncDirectoryOf(path);
      hasName = true;
    },
    read: async () => parseJournal((await ifPresent(readFile(path, 'utf8'))) ?? ''),
  };
}

/** The whole lines of a journal; one that a power cut tore tells nothing. */
export function parseJournal(text: string): readonly JournalEntry[] {
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as JournalEntry);
}

/** Whether an attempt of this node and phase acted before, and may have left something: sessions, containers, half a file. */
export function hasActedBefore(entries: readonly JournalEntry[], { node, phase }: Pick<CallIdentity, 'node' | 'phase'>): boolean {
  if (phase === 'do' && entries.some((entry) => entry.kind === 'adopted' && entry.adopted.reached?.begun.includes(node) === true)) return true;
  const ofNode = entries.filter((entry) => (entry.kind === 'began' || entry.kind === 'ended') && entry.node === node && entry.phase === phase);
  const asked = ofNode.filter((entry) => entry.kind === 'ended' && entry.result === 'secret needed').length;
  return ofNode.filter(({ kind }) => kind === 'began').length > asked;
}

/** What the engine reads before a rollback. */
export function summarise(entries: readonly JournalEntry[]): JournalSummary {
  const toUndo = new Map<string, true>();
  let usersMayWriteSince: string | undefined;
  let carriedOver = false;
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
      undoBegun ||= entry.adopted.undoBegun === true;
    }
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
    ...(undoBegun ? { undoBegun } : {}),
  };
}
