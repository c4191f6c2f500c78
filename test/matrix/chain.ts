import { setTimeout as sleep } from 'node:timers/promises';
import type { OpenQuestion } from '../../src/contract/questions.js';
import type { RunRecord } from '../../src/contract/record.js';
import { answerUntilEnd, goEverywhere, type Answerer } from '../../src/rehearsal/answers.js';
import { isIntact, type ClientVerdict } from '../../src/rehearsal/clientVerdict.js';
import type { Director } from '../../src/rehearsal/faultPoints/director.js';
import type { FaultPoint, Verdict } from '../../src/rehearsal/faultPoints/point.js';
import type { Rehearsal } from '../../src/rehearsal/rehearsal.js';
import { readRecord, startRunbook } from '../e2e/host.js';
import { breakIt } from './breaking.js';
import { nameOf, type Fault, type Place } from './cells.js';
import { readHostState, type HostState } from './hostState.js';

/** One fault at one place. */
export interface Cell {
  readonly place: Place;
  readonly fault: Fault;
  /** Milliseconds from the start of the worker that came after it to its next action; absent where none died. */
  readonly resumedAfter?: number;
}

/** A migration and the rollback from it, with something broken at many places. */
export interface Chain {
  readonly cells: readonly Cell[];
  readonly states: readonly string[];
  readonly records: readonly RunRecord[];
  readonly hostStates: readonly HostState[];
  /** What could not be broken as it was to be. */
  readonly failures: readonly string[];
  readonly verdict: ClientVerdict;
  readonly intact: boolean;
  /** Bytes that the host's disk gave, from a node's first attempt to its end. */
  readonly bytesRead: ReadonlyMap<string, number>;
  /** Milliseconds of each action, undisturbed or not. */
  readonly durations: ReadonlyMap<string, number>;
}

export interface ChainSettings {
  readonly rehearsal: Rehearsal;
  readonly director: Director;
  /** What breaks at a place; undefined: nothing. */
  readonly faultAt: (place: Place) => Fault | undefined;
  /** How long a place's action takes undisturbed: the middle of it is where "during" is. */
  readonly usualMilliseconds: (place: Place) => number;
  readonly onCell?: (cell: Cell) => void;
}

/** The two steps whose reading is counted, and where a freeze is long. */
const longNodes: ReadonlySet<string> = new Set(['copy-data', 'verify-copy', 'carry-over-copy', 'carry-over-verify']);

/** Runs `migrate` to its end, then `rollback` with what users wrote, and breaks what is to be broken at each place once. */
export async function runChain(settings: ChainSettings): Promise<Chain> {
  const { rehearsal, director } = settings;
  const breaker = createBreaker(settings);
  director.decideWith(breaker.decide);
  await rehearsal.startSending();
  const states: string[] = [];
  const records: RunRecord[] = [];
  const hostStates: HostState[] = [];
  for (const runbook of ['migrate', 'rollback']) {
    const handle = await startRunbook(rehearsal, runbook);
    const answer: Answerer = async (question, status) => {
      if (await breaker.atQuestion(runbook, question)) return undefined;
      if (question.id === 'roll-back') return { answer: 'go', reason: 'a rehearsal of the way back' };
      if (question.id === 'past-the-point-of-no-return') return { answer: 'carry-over' };
      return goEverywhere(question, status);
    };
    try {
      states.push((await answerUntilEnd<{ state: string }>({ rehearsal, handle }, answer)).state);
    } catch (error) {
      // Else its result is still waited for when the connection is gone.
      await handle.terminate('the chain broke').catch(() => undefined);
      throw error;
    }
    records.push(await readRecord(rehearsal, handle.runId, runbook));
    hostStates.push(await readHostState(rehearsal, handle.runId));
  }
  director.decideWith(() => Promise.resolve('go'));
  const verdict = await rehearsal.finishSending();
  return { cells: breaker.cells, failures: breaker.failures, states, records, hostStates, verdict, intact: isIntact(verdict), bytesRead: breaker.bytesRead, durations: breaker.durations };
}

function createBreaker({ rehearsal, faultAt, usualMilliseconds, onCell }: ChainSettings) {
  const cells: Cell[] = [];
  const failures: string[] = [];
  const broken = new Set<string>();
  const waiting = new Map<string, (verdict: Verdict) => void>();
  const ended = new Set<string>();
  const begunAt = new Map<string, number>();
  const durations = new Map<string, number>();
  const bytesBefore = new Map<string, number>();
  const bytesRead = new Map<string, number>();
  let died: { place: Place; fault: Fault; processId: number } | undefined;

  const placeOf = ({ runbook, node, phase }: FaultPoint): Place => ({ runbook, node, kind: phase });

  function note(cell: Cell): void {
    cells.push(cell);
    onCell?.(cell);
  }

  /** A worker that starts after one that died tells by its first action when it went on. */
  function noteResumed({ processId, upMilliseconds }: FaultPoint): void {
    if (died === undefined || processId === died.processId) return;
    const { place, fault } = died;
    died = undefined;
    note({ place, fault, resumedAfter: upMilliseconds });
  }

  async function strike(place: Place, fault: Fault, processId: number): Promise<Verdict> {
    broken.add(nameOf(place));
    if (fault.startsWith('worker killed')) {
      died = { place, fault, processId };
      return 'die';
    }
    if (fault.startsWith('power cut')) died = { place, fault, processId: -1 };
    await breakIt(rehearsal, fault, { long: longNodes.has(place.node) });
    if (!fault.startsWith('power cut')) note({ place, fault });
    return 'go';
  }

  async function decide(point: FaultPoint): Promise<Verdict> {
    const place = placeOf(point);
    const name = nameOf(place);
    const fault = faultAt(place);
    const isDue = fault !== undefined && !broken.has(name);
    switch (point.moment) {
      case 'before':
        noteResumed(point);
        begunAt.set(point.call, performance.now());
        if (longNodes.has(point.node) && !bytesBefore.has(name)) bytesBefore.set(name, await readBytes());
        return isDue && fault === 'worker killed before' ? strike(place, fault, point.processId) : 'go';
      case 'during': {
        if (!isDue || fault === 'worker killed before' || fault === 'worker killed after') return 'go';
        await Promise.race([sleep(usualMilliseconds(place) / 2), new Promise((resolve) => waiting.set(point.call, resolve))]);
        // It was quicker than its middle: then it is struck at its end, or asked again where it failed.
        if (ended.has(point.call) || broken.has(name)) return 'go';
        return strike(place, fault, point.processId);
      }
      case 'after':
      case 'failed':
        ended.add(point.call);
        waiting.get(point.call)?.('go');
        if (point.moment === 'failed') return 'go';
        durations.set(name, performance.now() - (begunAt.get(point.call) ?? performance.now()));
        if (isDue && fault !== 'worker killed before') return strike(place, fault, point.processId);
        if (bytesBefore.has(name)) bytesRead.set(name, (await readBytes()) - (bytesBefore.get(name) ?? 0));
        return 'go';
    }
  }

  /** @returns whether something was broken, so that the question is to be looked at again. */
  async function atQuestion(runbook: string, { node, kind }: OpenQuestion): Promise<boolean> {
    if (kind === 'secret' || kind === 'cancelled') return false;
    const place: Place = { runbook, node: kind === 'parked' && node === 'begin-way-back' ? 'past-the-point-of-no-return' : node, kind: 'question' };
    const fault = faultAt(place);
    if (fault === undefined || broken.has(nameOf(place))) return false;
    broken.add(nameOf(place));
    await breakIt(rehearsal, fault, { long: false });
    note({ place, fault });
    return true;
  }

  /** Since the host's boot; its own files come from the machine and are not counted. */
  async function readBytes(): Promise<number> {
    const line = (await rehearsal.guest.expect('cat', ['/sys/block/ubda/stat'])).trim().split(/\s+/);
    return Number(line[2]) * 512;
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

  return { cells, durations, bytesRead, failures, decide: decideOrFail, atQuestion };
}
