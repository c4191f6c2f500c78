import { ApplicationFailure } from '@temporalio/common';
import { hasActedBefore, type JournalEntry, summarise } from '../../../../src/activities/wrapper/journal.js';
import type { Call } from '../../../../src/contract/calls.js';
import { failureTypes } from '../../../../src/contract/errors.js';
import type { RecordedDecision } from '../../../../src/contract/questions.js';
import { opened } from '../fakeHost.js';
import { type Fault, type Identified, listOf } from './description.js';
import type { Scenario } from './scenario.js';

/** One attempt, as the host saw it. */
export interface Attempted {
  /** A node's id, `undo <id>`, or an activity of the engine. */
  readonly what: string;
  readonly node: string;
  readonly phase: Call['phase'];
  readonly opening: number;
  /** It changed something; doing again what is done does not. */
  effective: boolean;
  fault?: Fault;
}

/** What is true of a host, whatever a run knows. */
export interface HostModel {
  readonly attempts: readonly Attempted[];
  readonly journal: readonly JournalEntry[];
  /** Steps whose effect stands. */
  readonly applied: ReadonlySet<string>;
  readonly oldWritable: boolean;
  readonly newWritable: boolean;
  /** What users wrote has been brought to where the way back leads. */
  readonly carriedOver: boolean;
  /** What the run told of its decisions, in order. */
  readonly decisions: readonly RecordedDecision[];
  readonly act: (name: string, call: Call, args: unknown) => unknown;
}

/**
 * A host in memory, with the journal that a real one keeps. Its actions are idempotent, as those of
 * every activity have to be, and it refuses nothing: what must not happen is looked for, not prevented.
 *
 * @param before - Called for each attempt before it acts.
 */
export function createHostModel(scenario: Scenario, before: (attempt: Attempted, host: HostModel) => void): HostModel {
  const list = listOf(scenario.runbook);
  const left = new Map<string, Fault[]>(
    list.flatMap(({ id, node }) => (node.kind === 'step' ? [[id, [...node.faults]], [`undo ${id}`, [...node.undoFaults]]] : [])),
  );
  const leftBeside = [...scenario.besideFaults];
  const attempts: Attempted[] = [];
  const decisions: RecordedDecision[] = [];
  const applied = new Set<string>();
  let journal: JournalEntry[] = [];
  const state = { oldWritable: true, newWritable: false, carriedOver: false };

  function act(name: string, call: Call, args: unknown): unknown {
    const what = name !== 'act' ? name : call.phase === 'undo' ? `undo ${call.node}` : call.node;
    takeNews(call);
    const attempt: Attempted = { what, node: call.node, phase: call.phase, opening: call.opening, effective: false };
    before(attempt, host);
    attempts.push(attempt);
    append('began', call);
    const fault = name === 'openRun' ? undefined : (left.get(what) ?? leftBeside).shift();
    if (fault !== undefined) attempt.fault = fault;
    if (fault === undefined || fault.startsWith('answer lost')) attempt.effective = take(what, call);
    append('ended', call, fault === undefined ? 'done' : fault === 'secret' ? 'secret needed' : fault.startsWith('answer lost') ? undefined : 'failed');
    if (fault !== undefined) throw failureOf(fault);
    if (name === 'openRun') return opened({ nodes: (args as { nodes: string[] }).nodes });
    return name === 'beginWayBack' ? readJournal() : { figure: attempts.length };
  }

  /** A retried attempt tells the same again. */
  function takeNews({ news }: Call): void {
    const known = new Set(decisions.map((decision) => JSON.stringify(decision)));
    decisions.push(...news.decisions.filter((decision) => !known.has(JSON.stringify(decision))));
  }

  function append(kind: 'began' | 'ended', { node, title, plan, opening, phase, undoable }: Call, result?: 'done' | 'failed' | 'secret needed'): void {
    const entry = { at: new Date().toISOString(), attempt: 1, node, title, plan, opening, phase, undoable };
    if (kind === 'began') journal.push({ ...entry, kind, bootId: 'boot-1' });
    // An attempt whose answer is lost may have been lost before its end was written.
    else if (result !== undefined) journal.push({ ...entry, kind, result, seconds: 0 });
  }

  /** @returns whether anything is different now. */
  function take(what: string, call: Call): boolean {
    const step = list.find(({ id }) => id === call.node);
    if (what === 'exchange') {
      journal.push({ kind: 'carried over', at: new Date().toISOString(), kept: 'old' });
      state.carriedOver = true;
      return true;
    }
    if (step?.node.kind !== 'step') return false;
    if ((call.phase === 'do') === applied.has(call.node)) return false;
    if (call.phase === 'do') applied.add(call.node);
    else applied.delete(call.node);
    move(step, call.phase);
    return true;
  }

  function move({ effect }: Identified, phase: Call['phase']): void {
    if (effect === 'stop old') state.oldWritable = phase === 'undo';
    if (effect === 'start new') state.newWritable = phase === 'do';
    // Synced before the application starts.
    if (effect === 'admit users' && phase === 'do') journal.push({ kind: 'mark', at: new Date().toISOString(), mark: 'users may write on the new volume' });
  }

  function readJournal(): ReturnType<typeof summarise> {
    loseEntries();
    actAhead();
    return summarise(journal);
  }

  /** The last steps that history knows are gone from the journal; a mark is never lost with them. */
  function loseEntries(): void {
    const known = list.filter(({ id }) => hasActedBefore(journal, { node: id, phase: 'do' }));
    const lost = new Set(known.slice(known.length - scenario.journalBehindBy).map(({ id }) => id));
    if (scenario.journalBehindBy === 0) return;
    journal = journal.filter((entry) => !('node' in entry && 'phase' in entry && lost.has(entry.node)));
  }

  /** The host had gone on further than the server remembers. */
  function actAhead(): void {
    if (scenario.journalAheadBy === 0) return;
    const reached = list.findLastIndex(({ id }) => attempts.some(({ node }) => node === id));
    const steps = list.slice(reached + 1).filter(({ node }) => node.kind === 'step' && node.needed);
    for (const { id, node } of steps.slice(0, scenario.journalAheadBy)) {
      const call = { node: id, title: id, plan: '', opening: 1, phase: 'do', undoable: node.kind === 'step' && node.undo } as Call;
      append('began', call);
      take(id, call);
      append('ended', call, 'done');
    }
  }

  const host: HostModel = {
    attempts,
    decisions,
    applied,
    get journal() {
      return journal;
    },
    get oldWritable() {
      return state.oldWritable;
    },
    get newWritable() {
      return state.newWritable;
    },
    get carriedOver() {
      return state.carriedOver;
    },
    act,
  };
  return host;
}

function failureOf(fault: Fault): ApplicationFailure {
  switch (fault) {
    case 'transient':
    case 'answer lost':
      // At once: the engine waits for seconds, which thousands of runs have not.
      return ApplicationFailure.create({ message: fault, type: 'Transient', nextRetryDelay: 1 });
    case 'secret':
      return ApplicationFailure.nonRetryable(fault, failureTypes.secretNeeded, 'operationalPassphrase', false);
    case 'permanent':
    case 'answer lost for good':
      return ApplicationFailure.nonRetryable(fault, failureTypes.permanent);
  }
}
