import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { median } from '../../src/activities/watch/verdict.js';
import type { Cell } from './breaker.js';
import type { Chain } from './chain.js';
import { nameOf, serverOf, type Fault, type Place } from './cells.js';
import type { Course } from './courses/course.js';
import type { FailedCell } from './cuts.js';
import { formatShare, judge, judgeShares, missingCells, readShares, type ReadShare } from './judge.js';
import { allPlaces } from './places.js';
import { repeatCell } from './repeat.js';
import { BrokenChain, runColumn } from './runColumn.js';

/** One fault at every place. */
export interface Column {
  readonly fault: Fault;
  readonly cells: readonly Cell[];
  /** Places where a chain broke. */
  readonly broken: readonly string[];
  /** Places where it did not happen. */
  readonly missing: readonly string[];
  /** What of the end differs from an undisturbed run's. */
  readonly differing: readonly string[];
  /** Failing cells that were repeated alone, each from the snapshot of its cut. */
  readonly repeated: readonly RepeatedCell[];
  /** Empty for power cuts, and where nothing is counted. */
  readonly shares: readonly ReadShare[];
  /** Seconds until a step went on. */
  readonly resume?: { readonly median: number; readonly worst: number };
  readonly minutes: number;
  /** ISO date of the day on which it was measured. */
  readonly on: string;
  /** The last one that had changed what a host runs when it was measured: columns with the same one are of the same code. */
  readonly commit: string;
}

/** A failing cell, and how it went alone. */
export interface RepeatedCell {
  /** The name of the place. */
  readonly place: string;
  /** What differed from an undisturbed chain; empty: alone it passed. */
  readonly differing: readonly string[];
}

/** Which column is measured, and what it is held against. */
export interface MeasureSettings {
  readonly course: Course;
  readonly fault: Fault;
  /** Default: all of the course. */
  readonly places?: readonly Place[];
  readonly undisturbed: Chain;
  /** Of the disposable host. */
  readonly name: string;
  /** The folder for snapshots of this column. */
  readonly snapshots: string;
  readonly say: (words: string) => void;
}

/** What a host runs, from the project's root: the code, how it is started, and how it is made. */
const measuredPaths = ['src', 'deploy', 'scripts/bundle', 'package-lock.json'];

/** A chain that breaks again and again tells nothing new. */
const mostChains = 4;

/** Breaks every place by one fault: in one chain, or, where that breaks at a place, in another for what is left. */
export async function measureColumn({ course, fault, places = allPlaces(course), undisturbed, name, snapshots, say }: MeasureSettings): Promise<Column> {
  const began = performance.now();
  const left = new Map(places.map((place) => [nameOf(place), place.kind]));
  const cells: Cell[] = [];
  const broken: string[] = [];
  const differing: string[] = [];
  const repeated: RepeatedCell[] = [];
  let shares: readonly ReadShare[] = [];
  const onCell = (cell: Cell): void => {
    cells.push(cell);
    left.delete(nameOf(cell.place));
    say(`${nameOf(cell.place)}${cell.resumedAfter === undefined ? '' : `: went on after ${(cell.resumedAfter / 1000).toFixed(1)} s`}`);
  };
  const repeat = async ({ place, folder }: FailedCell): Promise<void> => {
    const alone = await repeatCell({ course, folder, undisturbed, name, say }).catch((error: unknown) => [`no chain: ${String(error)}`]);
    say(`${nameOf(place)} alone: ${alone.length === 0 ? 'passes' : 'fails again'}; again: npm run matrix -- --repeat ${folder}`);
    repeated.push({ place: nameOf(place), differing: alone });
  };
  for (let chains = 0; left.size > 0 && chains < mostChains; chains += 1) {
    const due = new Map(left);
    try {
      const chain = await runColumn({
        ...{ course, name, durations: undisturbed.durations, onCell, snapshots: join(snapshots, String(chains + 1)), server: serverOf(fault) },
        // A question may have an action, too, that makes its conditions true: what is broken is the question that is open.
        faultAt: (place) => (due.get(nameOf(place)) === place.kind ? fault : undefined),
      });
      differing.push(...judge(chain, undisturbed));
      // A power cut empties the page cache, and the disk's count begins anew.
      shares = fault.startsWith('power cut') ? [] : readShares(chain, undisturbed, course.countedPlaces);
      for (const { place, bytesRead, dataBytes, share } of shares) say(`${place}: ${bytesRead} bytes read for ${dataBytes}, ${formatShare(share)}`);
      differing.push(...judgeShares(shares));
      for (const cell of chain.failedCells) await repeat(cell);
      break;
    } catch (error) {
      if (!(error instanceof BrokenChain) || error.cell === undefined) {
        differing.push(`no chain: ${String(error)}`);
        break;
      }
      const place = nameOf(error.cell.place);
      say(`the chain broke at ${place}: ${error.stack ?? error.message}`);
      broken.push(place);
      left.delete(place);
      await repeat(error.cell);
    }
  }
  const column = {
    ...{ fault, cells, broken, differing, repeated, shares },
    missing: missingCells(places, fault, cells).filter((name) => !broken.includes(name)),
    minutes: (performance.now() - began) / 60_000,
    on: new Date().toISOString().slice(0, 10),
    commit: (await execa('git', ['log', '-1', '--format=%h', '--', ...measuredPaths], { cwd: join(import.meta.dirname, '../..') })).stdout,
  };
  for (const words of [...column.missing.map((name) => `missing: ${name}`), ...differing]) say(words);
  if (passes(column)) await rm(snapshots, { recursive: true, force: true });
  const resumed = cells.flatMap(({ resumedAfter }) => (resumedAfter === undefined ? [] : [resumedAfter / 1000]));
  return { ...column, ...(resumed.length === 0 ? {} : { resume: { median: median(resumed), worst: Math.max(...resumed) } }) };
}

/** Whether every cell happened, and the chain ended as if none had. */
export function passes({ broken, missing, differing }: Pick<Column, 'broken' | 'missing' | 'differing'>): boolean {
  return broken.length + missing.length + differing.length === 0;
}
