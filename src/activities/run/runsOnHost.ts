import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../../config/schema.js';
import { PermanentFailure } from '../../contract/errors.js';
import type { Adopted } from '../../contract/settings.js';
import { ifPresent } from '../../host/failure.js';
import type { Attempt } from '../activity.js';
import { createClaimFile } from '../wrapper/claim.js';
import { readDamagedJournal, type JournalEntry } from '../wrapper/journal.js';
import { runDirectory } from '../wrapper/wrap.js';

/** A run that has left its journal on the host. */
export interface RunOnHost {
  /** Its directory's name: the runbook's and the run's id. */
  readonly name: string;
  readonly directory: string;
  readonly entries: readonly JournalEntry[];
  readonly opened: Extract<JournalEntry, { kind: 'opened' }>;
}

/** The other runs of this host, in the order in which they were begun. */
export async function readOtherRuns(attempt: Pick<Attempt, 'config' | 'directory'>): Promise<readonly RunOnHost[]> {
  return (await readRuns(attempt)).filter(({ directory }) => directory !== attempt.directory);
}

/**
 * The runs of this host, in the order in which they were begun.
 *
 * @throws {@link PermanentFailure} where a journal has a line that is no entry, and what that told may still count.
 */
export async function readRuns({ config }: Pick<Attempt, 'config'>): Promise<readonly RunOnHost[]> {
  const found: RunWithDamage[] = [];
  for (const { opened, damage, ...run } of await readJournals(config)) {
    if (opened !== undefined) found.push({ ...run, opened, damage });
    else if (damage !== undefined) throw damage;
  }
  const inOrder = found.toSorted((a, b) => orderOf(a) - orderOf(b) || a.opened.at.localeCompare(b.opened.at));
  for (const [index, run] of inOrder.entries()) if (run.damage !== undefined) await assertCountsNoMore(config, run, run.damage, inOrder.slice(index + 1));
  return inOrder;
}

/** Those of earlier versions come first, by the clock. */
function orderOf({ opened }: Pick<RunOnHost, 'opened'>): number {
  return opened.order ?? 0;
}

/** The number of a run that begins now: one more than the highest on this host, damaged journals included. */
export async function nextOrder(config: Pick<Config, 'stateDirectory'>): Promise<number> {
  return 1 + Math.max(0, ...(await readJournals(config)).map(({ opened }) => opened?.order ?? 0));
}

async function readJournals({ stateDirectory }: Pick<Config, 'stateDirectory'>) {
  const runs = join(stateDirectory, 'runs');
  const names = (await ifPresent(readdir(runs))) ?? [];
  return Promise.all(
    names.map(async (name) => {
      const directory = join(runs, name);
      const { entries, damage } = await readDamagedJournal(join(directory, 'journal.jsonl'));
      return { name, directory, entries, damage, opened: entries.find((entry) => entry.kind === 'opened') };
    }),
  );
}

type RunWithDamage = RunOnHost & { readonly damage: PermanentFailure | undefined };

/**
 * What can be read of a damaged journal is enough where its run has ended, does not hold the host, and a later one has
 * changed that with a source of its own: then nobody goes on with it, or back from it.
 */
async function assertCountsNoMore(config: Config, { directory, entries }: RunWithDamage, damage: PermanentFailure, later: readonly RunWithDamage[]): Promise<void> {
  const held = await createClaimFile(config.stateDirectory).read();
  if (held !== undefined && directory === runDirectory(config, held)) throw new PermanentFailure(`${damage.fact}, and its run holds this host since ${held.takenAt}`, damage.nextMove);
  const hasBegunAnew = (run: RunWithDamage) => run.damage === undefined && isOfRunbook(run, 'migrate') && hasActed(run) && takenUpBy(run.entries) === undefined;
  if (!entries.some(({ kind }) => kind === 'closed') || !later.some(hasBegunAnew)) throw damage;
}

/** Whether a run is one of that runbook, or takes one of it up. */
export function isOfRunbook({ name, entries }: RunOnHost, runbook: string): boolean {
  return name.startsWith(`${runbook}-`) || entries.some((entry) => entry.kind === 'adopted' && entry.adopted.runbook === runbook);
}

/** One that came first is no heir of a run that waited for it, nor the other way round. */
export function isOfSameTurn({ opened }: Pick<RunOnHost, 'opened'>, comesFirst: boolean): boolean {
  return (opened.comesFirst === true) === comesFirst;
}

/** Whether a run began a step that may have to be undone, or the undoing of one, or a carry-over. */
export function hasActed({ entries }: Pick<RunOnHost, 'entries'>): boolean {
  return entries.some(
    (entry) =>
      entry.kind === 'carried over' || (entry.kind === 'began' && (entry.phase === 'undo' || entry.undoable)) || (entry.kind === 'decision' && entry.outcome === 'counted' && entry.answer === 'carry-over'),
  );
}

/** The run that a run has itself taken up, where it has. */
export function takenUpBy(entries: readonly JournalEntry[]): Adopted | undefined {
  return entries.find((entry) => entry.kind === 'adopted')?.adopted;
}
