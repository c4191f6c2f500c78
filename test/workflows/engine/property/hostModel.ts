import { ApplicationFailure } from '@temporalio/common';
import { hasActedBefore, type JournalEntry, summarise } from '../../../../src/activities/wrapper/journal.js';
import type { Call, NodeOutcome } from '../../../../src/contract/calls.js';
import { failureTypes, PermanentFailure } from '../../../../src/contract/errors.js';
import type { RecordedDecision } from '../../../../src/contract/questions.js';
import { createAdoption } from './adoption.js';
import { type Fault, type Identified, listOf, noWayBackStep, otherWay } from './description.js';
import { type CutOff, type Ending, failureOf, hasEffect, resultOf } from './endings.js';
import type { Loss, RunKind, Scenario } from './scenario.js';

/** One attempt, as the host saw it. */
export interface Attempted {
  /** A node's id, `undo <id>`, or an activity of the engine. */
  readonly what: string;
  readonly node: string;
  readonly phase: Call['phase'];
  readonly opening: number;
  /** The number of its run, from 0. */
  readonly run: number;
  /** An undo by its other way. */
  readonly isOtherWay: boolean;
  /** It changed something; doing again what is done does not. */
  effective: boolean;
  /** Nothing: the host knows that it is done. */
  fault?: Ending;
}

/** A run on the host, with the journal that a real one keeps. */
export interface RunOnModel {
  readonly kind: RunKind;
  readonly entries: JournalEntry[];
  /** What the run told of its decisions, in order, and of its nodes. */
  readonly decisions: RecordedDecision[];
  readonly outcomes: NodeOutcome[];
  /** The first place in the list that it walks itself; 0 but for one that goes on with a lost one. */
  goesOnFrom: number;
}

/** What is true of a host, whatever a run knows. */
export interface HostModel {
  readonly attempts: readonly Attempted[];
  /** Of all runs, in order. */
  readonly journal: readonly JournalEntry[];
  readonly run: RunOnModel;
  readonly runNumber: number;
  /** Steps whose effect stands. */
  readonly applied: ReadonlySet<string>;
  readonly oldWritable: boolean;
  readonly newWritable: boolean;
  /** What users wrote has been brought to where the way back leads. */
  readonly carriedOver: boolean;
  readonly begin: (kind: RunKind) => void;
  readonly act: (name: string, call: Call, args: unknown, cutOff?: CutOff) => Promise<unknown>;
  /** The same, of an attempt of which no server is to hear any more. */
  readonly actAlone: (name: string, call: Call, args: unknown, leaves: Loss['leaves']) => Promise<void>;
  readonly remove: () => Promise<void>;
}

/**
 * A host in memory. Its actions are idempotent, as those of every activity have to be, and it refuses
 * nothing but what a real one refuses to a run that takes up another: what must not happen is looked
 * for, not prevented.
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
  const applied = new Set<string>();
  const runs: RunOnModel[] = [];
  const adoption = createAdoption(runs, now, { automaticRollback: scenario.automaticRollback });
  const state = { oldWritable: true, newWritable: false, carriedOver: false };
  // A server's loss and a journal's are not survived together.
  const mayLoseEntries = scenario.losses.length === 0 && !scenario.goesBackAfterwards;
  let clock = Date.UTC(2026, 0, 1);

  function now(): Date {
    return new Date((clock += 1000));
  }

  async function act(name: string, call: Call, args: unknown, given?: Ending): Promise<unknown> {
    const what = name !== 'act' ? name : call.phase === 'undo' ? `undo ${call.node}` : call.node;
    takeNews(call);
    const attempt: Attempted = { what, node: call.node, phase: call.phase, opening: call.opening, run: runs.length - 1, isOtherWay: call.title === otherWay, effective: false };
    before(attempt, host);
    attempts.push(attempt);
    append('began', call);
    const ending = given ?? (name === 'openRun' ? undefined : (left.get(what) ?? leftBeside).shift());
    if (ending !== undefined && ending !== 'done') attempt.fault = ending;
    const opened = name === 'openRun' && hasEffect(ending) ? await open(call, args) : undefined;
    if (hasEffect(ending)) attempt.effective = take(what, call);
    const result = resultOf(ending);
    if (result !== undefined) append('ended', call, result);
    if (name === 'closeRun' && hasEffect(ending)) await adoption.close((args as { state: string }).state, (args as { outcome: string }).outcome);
    if (ending !== undefined) throw failureOf(ending);
    if (name === 'openRun') return opened;
    return name === 'beginWayBack' ? readJournal() : { figure: attempts.length };
  }

  async function open(call: Call, args: unknown) {
    try {
      const opened = await adoption.open(call, args as { nodes: string[] });
      const found = new Set(opened.adopted?.reached?.found.map(({ id }) => id));
      const last = list.findLastIndex(({ id, node }) => node.kind === 'step' && found.has(id));
      const noWayBack = noWayBackStep(scenario.runbook);
      const begun = noWayBack !== undefined && opened.adopted?.reached?.begun.includes(noWayBack) === true;
      host.run.goesOnFrom = Math.max(last + 1, begun ? list.findIndex(({ id }) => id === noWayBack) : 0);
      return opened;
    } catch (error) {
      if (error instanceof PermanentFailure) throw ApplicationFailure.nonRetryable(error.message, failureTypes.permanent);
      throw error;
    }
  }

  /** A retried attempt tells the same again. */
  function takeNews({ news }: Call): void {
    const { decisions, outcomes, entries } = host.run;
    const added = unknownOf(decisions, news.decisions);
    decisions.push(...added);
    outcomes.push(...unknownOf(outcomes, news.nodes));
    // What a lost run was told counts for the one that goes on with it.
    entries.push(...added.map((decision) => ({ kind: 'decision' as const, ...decision })));
  }

  function append(kind: 'began' | 'ended', { node, title, plan, opening, phase, undoable }: Call, result?: NonNullable<ReturnType<typeof resultOf>>): void {
    const entry = { at: now().toISOString(), attempt: 1, node, title, plan, opening, phase, undoable };
    if (kind === 'began') host.run.entries.push({ ...entry, kind, bootId: 'boot-1' });
    else if (result !== undefined) host.run.entries.push({ ...entry, kind, result, seconds: 0 });
  }

  /** @returns whether anything is different now. */
  function take(what: string, call: Call): boolean {
    const step = list.find(({ id }) => id === call.node);
    if (what === 'exchange') {
      host.run.entries.push({ kind: 'carried over', at: now().toISOString(), kept: 'old' });
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
    if (effect === 'admit users' && phase === 'do') host.run.entries.push({ kind: 'mark', at: now().toISOString(), mark: 'users may write on the new volume' });
  }

  function readJournal(): ReturnType<typeof summarise> {
    if (mayLoseEntries) {
      loseEntries();
      actAhead();
    }
    return summarise(host.run.entries);
  }

  /** The last steps that history knows are gone from the journal; a mark is never lost with them. */
  function loseEntries(): void {
    const { entries } = host.run;
    const known = list.filter(({ id }) => hasActedBefore(entries, { node: id, phase: 'do' }));
    const lost = new Set(known.slice(known.length - scenario.journalBehindBy).map(({ id }) => id));
    if (scenario.journalBehindBy === 0) return;
    entries.splice(0, entries.length, ...entries.filter((entry) => !('node' in entry && 'phase' in entry && lost.has(entry.node))));
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
    applied,
    get journal() {
      return runs.flatMap(({ entries }) => entries);
    },
    get run() {
      const run = runs.at(-1);
      if (!run) throw new Error('no run has begun');
      return run;
    },
    get runNumber() {
      return runs.length - 1;
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
    begin: (kind) => void runs.push({ kind, entries: [], decisions: [], outcomes: [], goesOnFrom: 0 }),
    act,
    async actAlone(name, call, args, leaves) {
      await act(name, call, args, leaves).catch(() => undefined);
    },
    remove: () => adoption.remove(),
  };
  return host;
}

function unknownOf<T>(known: readonly T[], told: readonly T[]): readonly T[] {
  const before = new Set(known.map((each) => JSON.stringify(each)));
  return told.filter((each) => !before.has(JSON.stringify(each)));
}
