import { setTimeout as sleep } from 'node:timers/promises';
import type { OpenQuestion } from '../../src/contract/questions.js';
import type { FaultPoint, Verdict } from '../../src/rehearsal/faultPoints/point.js';
import type { Rehearsal } from '../../src/rehearsal/rehearsal.js';
import { breakIt } from './breaking.js';
import { nameOf, type Fault, type Place } from './cells.js';
import type { Course, Watch } from './courses/course.js';

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
export interface BreakerSettings extends Pick<Course, 'longNodes'> {
  readonly rehearsal: Rehearsal;
  /** Looks at each point and question, and behind each fault, for what must not be; absent: for nothing. */
  readonly watch?: Watch;
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
  /** Waits until the last fault is seen to have been gone on from, or for 10 s. */
  readonly settle: () => Promise<void>;
  /** How often the power was cut until now. */
  readonly powerCuts: () => number;
  /** Where something was broken last. */
  readonly lastBroken: () => Place | undefined;
  /** What could not be broken as it was to be. */
  readonly failures: readonly string[];
  /** Milliseconds of each place's action, undisturbed or not. */
  readonly durations: ReadonlyMap<string, number>;
  /** Bytes that the host's disk gave, from a place's first attempt to its end. */
  readonly bytesRead: ReadonlyMap<string, number>;
}

/** Something was broken, and nothing has gone on since. */
interface Struck {
  readonly place: Place;
  readonly fault: Fault;
  /** By `performance.now()`. */
  readonly at: number;
  /** When whatever was done for it was over. */
  readonly over: number;
  /** Of a freeze: longer than the server waits for a sign of life. */
  readonly long: boolean;
}

/** Breaks each place once. */
export function createBreaker({ rehearsal, longNodes, watch = () => Promise.resolve([]), faultAt, usualMilliseconds, onCut, onCell, alreadyCut }: BreakerSettings): Breaker {
  const failures: string[] = [];
  const broken = new Set<string>();
  const waiting = new Map<string, () => void>();
  const ended = new Set<string>();
  const begunAt = new Map<string, number>();
  const durations = new Map<string, number>();
  const bytesBefore = new Map<string, number>();
  const bytesRead = new Map<string, number>();
  let struck: Struck | undefined;
  let striking: Promise<unknown> = Promise.resolve();
  let powerCuts = 0;
  let lastBroken: Place | undefined;
  if (alreadyCut !== undefined) {
    broken.add(nameOf(alreadyCut.place));
    powerCuts += 1;
    lastBroken = alreadyCut.place;
    if (alreadyCut.place.kind === 'question') onCell(alreadyCut);
    else struck = { ...alreadyCut, at: 0, over: 0, long: false };
  }

  const isDue = (place: Place): Fault | undefined => (broken.has(nameOf(place)) ? undefined : faultAt(place));

  function noteResumed(point: FaultPoint, arrivedAt: number): void {
    const resumedAfter = struck === undefined ? undefined : millisecondsToResume(struck, point, arrivedAt);
    if (struck === undefined || resumedAfter === undefined) return;
    const { place, fault } = struck;
    struck = undefined;
    onCell({ place, fault, resumedAfter });
  }

  /** Whatever else the worker reaches meanwhile waits, so that this is where it stands. */
  function strike<Result>(place: Place, fault: Fault, act: (place: Place, fault: Fault) => Promise<Result>): Promise<Result> {
    broken.add(nameOf(place));
    lastBroken = place;
    const result = onCut(place, fault).then(() => act(place, fault));
    striking = result.catch(() => undefined);
    return result;
  }

  async function look(place: Place): Promise<void> {
    for (const words of await watch()) {
      const failure = `${nameOf(place)}: ${words}`;
      if (!failures.includes(failure)) failures.push(failure);
    }
  }

  /** With the host as the fault has left it. */
  async function breakAndLook(place: Place, fault: Fault, long: boolean): Promise<void> {
    await breakIt(rehearsal, fault, { long });
    if (fault.startsWith('power cut')) powerCuts += 1;
    await look(place);
  }

  async function breakAction(place: Place, fault: Fault): Promise<Verdict> {
    // Noted before the power is cut: a worker that comes up asks while the rest of the host still boots.
    const at = performance.now();
    const long = longNodes.has(place.node);
    if (fault !== 'server killed') struck = { place, fault, at, over: at, long };
    if (fault.startsWith('worker killed')) return 'die';
    await breakAndLook(place, fault, long);
    if (fault === 'worker frozen') struck = { place, fault, at, over: performance.now(), long };
    if (fault === 'server killed') onCell({ place, fault });
    return 'go';
  }

  async function decide(point: FaultPoint): Promise<Verdict> {
    const arrivedAt = performance.now();
    await striking;
    const place = placeOf(point);
    const name = nameOf(place);
    // It is on its way to die: what it had reached besides is not to be reported.
    if (struck?.fault.startsWith('worker killed') === true && point.upMilliseconds > arrivedAt - struck.at) return 'die';
    noteResumed(point, arrivedAt);
    // In the middle it would come too late for what is to break there, and the look behind that is as good.
    if (point.moment !== 'on' && (point.moment !== 'during' || isDue(place) === undefined)) await look(place);
    switch (point.moment) {
      case 'before': {
        begunAt.set(point.call, performance.now());
        if (longNodes.has(point.node)) {
          await emptyPageCache(rehearsal);
          if (!bytesBefore.has(name)) bytesBefore.set(name, await readBytes(rehearsal));
        }
        const fault = isDue(place);
        return fault === 'worker killed before' ? strike(place, fault, breakAction) : 'go';
      }
      case 'during': {
        const fault = isDue(place);
        if (fault === undefined || fault === 'worker killed before' || fault === 'worker killed after') return 'go';
        await Promise.race([sleep(usualMilliseconds(place) / 2), new Promise<void>((resolve) => waiting.set(point.call, resolve))]);
        // It was quicker than its middle: then it is struck at its end, or asked again where it failed.
        if (ended.has(point.call)) return 'go';
        await striking;
        if (ended.has(point.call) || broken.has(name)) return 'go';
        return strike(place, fault, breakAction);
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
        const verdict = fault === undefined || fault === 'worker killed before' ? 'go' : await strike(place, fault, breakAction);
        const before = bytesBefore.get(name);
        // A later run of the same runbook counts for itself, and is not held against anything.
        if (verdict === 'go' && before !== undefined && !bytesRead.has(name)) bytesRead.set(name, (await readBytes(rehearsal)) - before);
        return verdict;
      }
    }
  }

  async function atQuestion(runbook: string, { node, kind }: OpenQuestion): Promise<boolean> {
    await striking;
    await look({ runbook, node, kind: 'question' });
    if (kind === 'secret' || kind === 'cancelled') return false;
    const place: Place = { runbook, node: kind === 'parked' && node === 'begin-way-back' ? 'past-the-point-of-no-return' : node, kind: 'question' };
    const fault = isDue(place);
    if (fault === undefined) return false;
    await strike(place, fault, () => breakAndLook(place, fault, false));
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

  async function settle(): Promise<void> {
    for (let waits = 0; waits < 100 && struck !== undefined; waits += 1) await sleep(100);
  }

  return { decide: decideOrFail, atQuestion, settle, powerCuts: () => powerCuts, lastBroken: () => lastBroken, failures, durations, bytesRead };
}

function placeOf({ runbook, node, phase }: FaultPoint): Place {
  return { runbook, node, kind: phase };
}

/** Whether that is the point at which it goes on, and how long that took. */
function millisecondsToResume({ fault, at, over, long }: Struck, { moment, upMilliseconds }: FaultPoint, arrivedAt: number): number | undefined {
  if (fault === 'worker frozen') {
    // After a long freeze the server has given up the attempt: the step goes on with the next.
    const goesOn = arrivedAt > at && (moment === 'before' || (moment === 'on' && !long));
    return goesOn ? Math.max(0, arrivedAt - over) : undefined;
  }
  // A worker that was there before may still have something to say.
  return moment === 'before' && upMilliseconds < arrivedAt - at ? upMilliseconds : undefined;
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
