import type { RunRecord } from '../../src/contract/record.js';
import { isIntact, type ClientVerdict } from '../../src/rehearsal/clientVerdict.js';
import type { Director } from '../../src/rehearsal/faultPoints/director.js';
import { readRecord } from '../e2e/host.js';
import { createBreaker, type BreakerSettings, type Cell } from './breaker.js';
import { nameOf } from './cells.js';
import type { Course } from './courses/course.js';
import type { Cut, CutKeeper, EndedRuns, FailedCell } from './cuts.js';
import { driveRun } from './driveRun.js';
import { readHostState } from './hostState.js';
import { waitForService } from './service.js';

/** The runs of a course, one after the other, with something broken at many places. */
export interface Chain extends EndedRuns {
  readonly cells: readonly Cell[];
  /** What could not be broken as it was to be, what must not be at any instant, and cells that the audit log shows to have failed. */
  readonly failures: readonly string[];
  /** The last, with their snapshots. */
  readonly failedCells: readonly FailedCell[];
  readonly verdict: ClientVerdict;
  readonly intact: boolean;
  /** Bytes that the host's disk gave, from a place's first attempt to its end. */
  readonly bytesRead: ReadonlyMap<string, number>;
  /** Milliseconds of each place's action, undisturbed or not. */
  readonly durations: ReadonlyMap<string, number>;
}

/** What one chain breaks, and where it tells of it. */
export interface ChainSettings extends Pick<BreakerSettings, 'rehearsal' | 'faultAt' | 'usualMilliseconds'> {
  readonly course: Course;
  readonly director: Director;
  readonly onCell: (cell: Cell) => void;
  /** Absent: no snapshots are taken. */
  readonly cuts?: CutKeeper;
  /** Goes on from there; the host has been booted from the snapshot of that cut. */
  readonly from?: Cut;
}

/** Runs a course to its end, and breaks what is to be broken at each place once. */
export async function runChain({ course, rehearsal, director, cuts, from, onCell, faultAt, ...settings }: ChainSettings): Promise<Chain> {
  const cells: Cell[] = [];
  const states = [...(from?.ended.states ?? [])];
  const records: RunRecord[] = [...(from?.ended.records ?? [])];
  const hostStates = [...(from?.ended.hostStates ?? [])];
  const failures: string[] = [];
  const current = { runbook: '' };
  const breaker = createBreaker({
    ...settings,
    ...{ rehearsal, longNodes: course.longNodes },
    ...(course.watch === undefined ? {} : { watch: course.watch(rehearsal) }),
    // A start-up that the worker begins by itself is none of the course's: its places come later.
    faultAt: (place) => (place.runbook === current.runbook ? faultAt(place) : undefined),
    onCut: async (place, fault) => cuts?.keep({ place, fault, ended: { states, records, hostStates } }),
    onCell: (cell) => {
      cells.push(cell);
      onCell(cell);
    },
    // The snapshot of a power cut is what the cut left.
    ...(from?.fault.startsWith('power cut') === true ? { alreadyCut: from } : {}),
  });
  director.decideWith(breaker.decide);
  const begun = states.length;
  if (from !== undefined && course.runs.slice(0, begun + 1).some(({ sends }) => sends)) await rehearsal.startSending();
  for (const [index, run] of [...course.runs.entries()].slice(begun)) {
    const isOpen = from !== undefined && index === begun;
    if (!isOpen) {
      await run.prepare?.(rehearsal);
      if (run.sends === true) await rehearsal.startSending();
    }
    current.runbook = run.runbook.name;
    const { state, runId } = await driveRun({ rehearsal, run, breaker, isOpen, onFailure: (words) => failures.push(words) });
    states.push(state);
    await waitForService({ rehearsal, run, secrets: course.runs[index + 1]?.secrets ?? run.secrets, breaker, onFailure: (words) => failures.push(words) });
    records.push(await readRecord(rehearsal, runId, run.runbook.name));
    hostStates.push(await readHostState(rehearsal, course, runId));
  }
  await breaker.settle();
  director.decideWith(() => Promise.resolve('go'));
  const verdict = await rehearsal.finishSending();
  const failedCells = cuts?.failed ?? [];
  failures.push(...breaker.failures, ...failedCells.map(({ place, words, folder }) => `${nameOf(place)}: ${words}; its snapshot: ${folder}`));
  return { cells, failures, failedCells, states, records, hostStates, verdict, intact: isIntact(verdict), bytesRead: breaker.bytesRead, durations: breaker.durations };
}
