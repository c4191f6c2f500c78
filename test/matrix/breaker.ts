import { setTimeout as sleep } from 'node:timers/promises';
import type { OpenQuestion } from '../../src/contract/questions.js';
import type { FaultPoint, Verdict } from '../../src/rehearsal/faultPoints/point.js';
import type { Rehearsal } from '../../src/rehearsal/rehearsal.js';
import { breakIt } from './breaking.js';
import { nameOf, type Fault, type Place } from './cells.js';

/** One fault at one place, that the run went on from. */
export interface Cell {
  readonly place: Place;
  readonly fault: Fault;
  /**
   * Milliseconds from the start of the worker that came after to its next action, or from a frozen one's
   * thaw to its step's going on; absent where no step was at work.
   */
  readonly resumedAfter?: number;
}

/** What breaks where. */
export interface BreakerSettings {
  readonly rehearsal: Rehearsal;
  /** What breaks at a place; undefined: nothing. */
  readonly faultAt: (place: Place) => Fault | undefined;
  /** How long a place's action takes undisturbed: the middle of it is where "during" is. */
  readonly usualMilliseconds: (place: Place) => number;
  /** Called when everything is as the fault is going to find it. */
  readonly onCut: (place: Place, fault: Fault) => Promise<void>;
  readonly onCell: (cell: Cell) => void;
  /** A place whose power is off already when the chain begins. */
  readonly alreadyCut?: { readonly place: Place; readonly fault: Fault };
}

/** Decides at each point whether it is time to break something, does it, and notes how it went on. */
export interface Breaker {
  readonly decide: (point: FaultPoint) => Promise<Verdict>;
  /** @returns whether something was broken, so that the question is to be looked at again. */
  readonly atQuestion: (runbook: string, question: OpenQuestion) => Promise<boolean>;
  /** What could not be broken as it was to be. */
  readonly failures: readonly string[];
  /** Milliseconds of each place's action, undisturbed or not. */
  readonly durations: ReadonlyMap<string, number>;
  /** Bytes that the host's disk gave, from a place's first attempt to its end. */
  readonly bytesRead: ReadonlyMap<string, number>;
}

/** Steps whose reading is counted, and where a freeze is long. */
const longNodes: ReadonlySet<string> = new Set(['copy-data', 'verify-copy', 'carry-over-copy', 'carry-over-verify']);

/** Something was broken, and nothing has gone on since. */
interface Struck {
  readonly place: Place;
  readonly fault: Fault;
  /** By `performance.now()`; of a freeze, when it was over. */
  readonly at: number;
  /** Of a freeze: longer than the server waits for a sign of life. */
  readonly long: boolean;
}

/** Breaks each place once. */
export function createBreaker({ rehearsal, faultAt, usualMilliseconds, onCut, onCell, alreadyCut }: BreakerSettings): Breaker {
  const failures: string[] = [];
  const broken = new Set<string>();
  const waiting = new Map<string, () => void>();
  const ended = new Set<string>();
  const begunAt = new Map<string, number>();
  const durations = new Map<string, number>();
  const bytesBefore = new Map<string, number>();
  const bytesRead = new Map<string, number>();
  let struck: Struck | undefined;
  if (alreadyCut !== undefined) {
    broken.add(nameOf(alreadyCut.place));
    if (alreadyCut.place.kind === 'question') onCell(alreadyCut);
    else struck = { ...alreadyCut, at: 0, long: false };
  }

  const isDue = (place: Place): Fault | undefined => (broken.has(nameOf(place)) ? undefined : faultAt(place));

  function noteResumed(point: FaultPoint): void {
    const resumedAfter = struck === undefined ? undefined : millisecondsToResume(struck, point);
    if (struck === undefined || resumedAfter === undefined) return;
    const { place, fault } = struck;
    struck = undefined;
    onCell({ place, fault, resumedAfter });
  }

  async function strike(place: Place, fault: Fault): Promise<Verdict> {
    broken.add(nameOf(place));
    await onCut(place, fault);
    // Noted before the power is cut: a worker that comes up asks while the rest of the host still boots.
    const strikeNow = (): Struck => ({ place, fault, at: performance.now(), long: longNodes.has(place.node) });
    if (fault !== 'server killed') struck = strikeNow();
    if (fault.startsWith('worker killed')) return 'die';
    await breakIt(rehearsal, fault, { long: longNodes.has(place.node) });
    if (fault === 'worker frozen') struck = strikeNow();
    if (fault === 'server killed') onCell({ place, fault });
    return 'go';
  }

  async function decide(point: FaultPoint): Promise<Verdict> {
    const place = placeOf(point);
    const name = nameOf(place);
    noteResumed(point);
    switch (point.moment) {
      case 'before': {
        begunAt.set(point.call, performance.now());
        if (longNodes.has(point.node)) {
          await emptyPageCache(rehearsal);
          if (!bytesBefore.has(name)) bytesBefore.set(name, await readBytes(rehearsal));
        }
        const fault = isDue(place);
        return fault === 'worker killed before' ? strike(place, fault) : 'go';
      }
      case 'during': {
        const fault = isDue(place);
        if (fault === undefined || fault === 'worker killed before' || fault === 'worker killed after') return 'go';
        await Promise.race([sleep(usualMilliseconds(place) / 2), new Promise<void>((resolve) => waiting.set(point.call, resolve))]);
        // It was quicker than its middle: then it is struck at its end, or asked again where it failed.
        if (ended.has(point.call) || broken.has(name)) return 'go';
        return strike(place, fault);
      }
      case 'on':
        return 'go';
      case 'after':
      case 'failed': {
        ended.add(point.call);
        waiting.get(point.call)?.();
        if (point.moment === 'failed') return 'go';
        durations.set(name, performance.now() - (begunAt.get(point.call) ?? performance.now()));
        const fault = isDue(place);
        const verdict = fault === undefined || fault === 'worker killed before' ? 'go' : await strike(place, fault);
        const before = bytesBefore.get(name);
        if (verdict === 'go' && before !== undefined) bytesRead.set(name, (await readBytes(rehearsal)) - before);
        return verdict;
      }
    }
  }

  async function atQuestion(runbook: string, { node, kind }: OpenQuestion): Promise<boolean> {
    if (kind === 'secret' || kind === 'cancelled') return false;
    const place: Place = { runbook, node: kind === 'parked' && node === 'begin-way-back' ? 'past-the-point-of-no-return' : node, kind: 'question' };
    const fault = isDue(place);
    if (fault === undefined) return false;
    broken.add(nameOf(place));
    await onCut(place, fault);
    await breakIt(rehearsal, fault, { long: false });
    onCell({ place, fault });
    return true;
  }

  /** What goes wrong here must not pass for a worker that was let go on. */
  async function decideOrFail(point: FaultPoint): Promise<Verdict> {
    try {
      return await decide(point);
    } catch (error) {
      failures.push(`${nameOf(placeOf(point))}: ${String(error)}`);
      return 'go';
    }
  }

  return { decide: decideOrFail, atQuestion, failures, durations, bytesRead };
}

function placeOf({ runbook, node, phase }: FaultPoint): Place {
  return { runbook, node, kind: phase };
}

/** Whether that is the point at which it goes on, and how long that took. */
function millisecondsToResume({ fault, at, long }: Struck, { moment, upMilliseconds }: FaultPoint): number | undefined {
  // After a long freeze the server has given up the attempt: the step goes on with the next.
  if (fault === 'worker frozen') return moment === 'before' || (moment === 'on' && !long) ? performance.now() - at : undefined;
  // A worker that was there before may still have something to say.
  return moment === 'before' && upMilliseconds < performance.now() - at ? upMilliseconds : undefined;
}

/** A database in production is larger than memory: what an attempt reads again, it reads from the disk. */
async function emptyPageCache({ guest }: Rehearsal): Promise<void> {
  await guest.expect('sh', ['-c', 'sync; echo 1 >/proc/sys/vm/drop_caches']);
}

/** Since the host's boot; its own files come from the machine and are not counted. */
async function readBytes({ guest }: Rehearsal): Promise<number> {
  const line = (await guest.expect('cat', ['/sys/block/ubda/stat'])).trim().split(/\s+/);
  return Number(line[2]) * 512;
}
