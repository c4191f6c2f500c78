import type { WorkflowHandle } from '@temporalio/client';
import { workflowIdOf } from '../../src/contract/names.js';
import type { RunRecord } from '../../src/contract/record.js';
import { answerUntilEnd, goEverywhere, type Answerer } from '../../src/rehearsal/answers.js';
import { isIntact, type ClientVerdict } from '../../src/rehearsal/clientVerdict.js';
import type { Director } from '../../src/rehearsal/faultPoints/director.js';
import { rehearsalHost } from '../../src/rehearsal/hostConfig.js';
import type { Rehearsal } from '../../src/rehearsal/rehearsal.js';
import { readRecord, startRunbook } from '../e2e/host.js';
import { createBreaker, type BreakerSettings, type Cell } from './breaker.js';
import { nameOf, noGoGate } from './cells.js';
import type { Cut, CutKeeper, EndedRuns, FailedCell } from './cuts.js';
import { readHostState } from './hostState.js';

/** A migration, the rollback from it, and another migration that is left before its switch, with something broken at many places. */
export interface Chain extends EndedRuns {
  readonly cells: readonly Cell[];
  /** What could not be broken as it was to be, and cells that the audit log shows to have failed. */
  readonly failures: readonly string[];
  /** The latter, with their snapshots. */
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
  readonly director: Director;
  readonly onCell: (cell: Cell) => void;
  /** Absent: no snapshots are taken. */
  readonly cuts?: CutKeeper;
  /** Goes on from there; the host has been booted from the snapshot of that cut. */
  readonly from?: Cut;
}

/** The runs of a chain, each on what the one before it has left. */
const runs = [
  { runbook: 'migrate', isLeft: false },
  { runbook: 'rollback', isLeft: false },
  { runbook: 'migrate', isLeft: true },
] as const;

/**
 * Runs `migrate` to its end, then `rollback` with what users wrote, then `migrate` up to a no-go before its switch, and
 * breaks what is to be broken at each place once.
 */
export async function runChain({ rehearsal, director, cuts, from, onCell, ...settings }: ChainSettings): Promise<Chain> {
  const cells: Cell[] = [];
  const states = [...(from?.ended.states ?? [])];
  const records: RunRecord[] = [...(from?.ended.records ?? [])];
  const hostStates = [...(from?.ended.hostStates ?? [])];
  const breaker = createBreaker({
    ...settings,
    rehearsal,
    onCut: async (place, fault) => cuts?.keep({ place, fault, ended: { states, records, hostStates } }),
    onCell: (cell) => {
      cells.push(cell);
      onCell(cell);
    },
    // The snapshot of a power cut is what the cut left.
    ...(from?.fault.startsWith('power cut') === true ? { alreadyCut: from } : {}),
  });
  director.decideWith(breaker.decide);
  await rehearsal.startSending();
  for (const [index, { runbook, isLeft }] of [...runs.entries()].slice(states.length)) {
    const handle = index === from?.ended.states.length ? await handleOf(rehearsal, runbook) : await startAnew(rehearsal, runbook);
    const answer: Answerer = async (question, status) => {
      if (await breaker.atQuestion(runbook, question)) return undefined;
      if (isLeft && question.id === noGoGate) return { answer: 'no-go', reason: 'a rehearsal of the way back before the switch' };
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
  await breaker.settle();
  director.decideWith(() => Promise.resolve('go'));
  const verdict = await rehearsal.finishSending();
  const failedCells = cuts?.failed ?? [];
  const failures = [...breaker.failures, ...failedCells.map(({ place, words, folder }) => `${nameOf(place)}: ${words}; its snapshot: ${folder}`)];
  return { cells, failures, failedCells, states, records, hostStates, verdict, intact: isIntact(verdict), bytesRead: breaker.bytesRead, durations: breaker.durations };
}

/** A volume that an earlier migration left is kept for investigation; whoever migrates again has moved it away. */
async function startAnew(rehearsal: Rehearsal, runbook: string): Promise<WorkflowHandle & { runId: string }> {
  if (runbook === 'migrate') await rehearsal.guest.expect('rm', ['--force', '/var/lib/supersync-encrypted.img']);
  return startRunbook(rehearsal, runbook);
}

/** Of the run that was open when the snapshot was taken. */
async function handleOf(rehearsal: Rehearsal, runbook: string): Promise<WorkflowHandle & { runId: string }> {
  const handle = rehearsal.client.workflow.getHandle(workflowIdOf(rehearsalHost, runbook));
  const { runId } = await handle.describe();
  return Object.assign(handle, { runId });
}
