import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunRecord } from '../../src/contract/record.js';
import type { Rehearsal } from '../../src/rehearsal/rehearsal.js';
import { nameOf, type Fault, type Place } from './cells.js';
import { readRepeatedEvents, type HostState } from './hostState.js';

/** What the runs of a chain that have ended left. */
export interface EndedRuns {
  readonly states: readonly string[];
  readonly records: readonly RunRecord[];
  readonly hostStates: readonly HostState[];
}

/** Where a chain stood when something was about to break: beside the snapshot, what it takes to go on from it. */
export interface Cut {
  readonly place: Place;
  readonly fault: Fault;
  readonly ended: EndedRuns;
}

/** Keeps the state of host and server at the last cut, until its cell has passed. */
export interface CutKeeper {
  /** Judges the cell of the cut before, and takes a snapshot for this one. */
  readonly keep: (cut: Cut) => Promise<void>;
  /** Of the cells that the audit log shows to have failed: the place, what is wrong, and the folder of its snapshot. */
  readonly failed: readonly FailedCell[];
  /** The last cut, whose cell is not known to have passed. */
  readonly last: () => FailedCell | undefined;
}

/** A cell that failed, and where the state at its cut lies. */
export interface FailedCell {
  readonly place: Place;
  readonly words: string;
  readonly folder: string;
}

const cutFile = 'cut.json';

/**
 * @param directory - For the snapshots of one column; emptied.
 */
export async function createCutKeeper(rehearsal: Rehearsal, directory: string): Promise<CutKeeper> {
  await rm(directory, { recursive: true, force: true });
  const failed: FailedCell[] = [];
  const known = new Set<string>();
  const lastFolder = join(directory, 'last');
  let last: Cut | undefined;

  async function judgeLast(): Promise<void> {
    const repeated = (await readRepeatedEvents(rehearsal)).filter((words) => !known.has(words));
    for (const words of repeated) known.add(words);
    if (last === undefined || repeated.length === 0) return;
    const folder = join(directory, nameOf(last.place).replaceAll(/[^a-z-]+/g, '-'));
    await rename(lastFolder, folder);
    failed.push({ place: last.place, words: `audit log: ${repeated.join(', ')}`, folder });
  }

  return {
    failed,
    last: () => last && { place: last.place, words: '', folder: lastFolder },
    keep: async (cut) => {
      await judgeLast();
      await rehearsal.saveTo(lastFolder);
      await writeFile(join(lastFolder, cutFile), JSON.stringify(cut));
      last = cut;
    },
  };
}

/** Reads what {@link CutKeeper} wrote. */
export async function readCut(folder: string): Promise<Cut> {
  return JSON.parse(await readFile(join(folder, cutFile), 'utf8')) as Cut;
}
