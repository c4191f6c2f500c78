import { type CancellationScope, workflowInfo } from '@temporalio/workflow';
import type { Call, Condition } from '../../contract/calls.js';
import type { RunInput } from '../../contract/inputs.js';
import type { RollbackRequest } from '../../contract/questions.js';
import type { RunSettings } from '../../contract/settings.js';
import type { RunStatus } from '../../contract/status.js';
import { createInbox, type Inbox } from './inbox.js';
import type { Runbook, View } from './nodes.js';
import type { Progress } from './progress.js';
import { createPublisher } from './publisher.js';

/** That the host has moved on without this run's history. */
export interface Ahead {
  /** What the host knows, in words. */
  readonly fact: string;
  /** There is nothing to go on with, by the host's journal. */
  readonly hasEnded: boolean;
  /** How far its journal is; absent from what an earlier version told. */
  readonly calls?: number;
}

/** One run of a runbook: what it knows, and how it calls and asks. */
export interface RunContext {
  /** Of a run that goes on with a lost one: with the options of that. */
  input: RunInput;
  readonly progress: Progress;
  readonly inbox: Inbox;
  readonly results: Map<string, unknown>;
  settings: RunSettings;
  /** ISO time from which deadlines count: of a run that goes on with a lost one, as there. */
  countsFrom: string;
  /** What is open and due, by node. */
  readonly deadlines: Map<string, Deadline>;
  /** Runs that this one began and has left to themselves, by their workflow ids. */
  readonly leftRunning: string[];
  /** The steps that this run began, whatever came of them. */
  readonly begun: Set<string>;
  /** False while the run chooses its way, goes back or closes: there is nothing to turn back from then. */
  mayTurnBack: boolean;
  /** Set by the signal `rollback`; cleared when it has been followed. */
  rollbackRequest?: RollbackRequest | undefined;
  /** Temporal's own cancel arrived and has not been asked about. */
  cancelRequested: boolean;
  /** The boot id that a new worker told and that open questions have yet to look at. */
  resumedBoot?: string | undefined;
  bootId: string;
  /** A run that came first has given the host back since a secret was asked for. */
  hasHostAgain: boolean;
  /** A new worker told of more calls than this history has made, and nobody has looked at that. */
  isBehind: boolean;
  /** Makes a call that changes nothing, and that the host refuses where it is ahead of this history. */
  lookAtHost: () => Promise<void>;
  /**
   * Ensures a question's conditions again after a reboot.
   *
   * @param isLeft - Whether the question was answered so that nobody needs them.
   * @throws {@link Withdrawn} where they lack something then.
   */
  putRight: (node: string, requires: readonly Condition[], isLeft: () => boolean) => Promise<void>;
  /** Asks a person how to go on where the host is ahead of this history; ends the attempt in any case. */
  catchUp: (ahead: Ahead) => Promise<never>;
  /** The scope of the step that runs, so that a rollback can end it. */
  runningStep?: CancellationScope | undefined;
  /** The id of a question's next opening: its own the first time, then `id.2`, `id.3` … */
  readonly openingOf: (question: string) => string;
  /** The same for what happens to a node and may happen again: `id.1`, `id.2` … */
  readonly numberedOpening: (question: string) => string;
  /** Counts how often the engine started a node, over retries and returns to it. */
  readonly startOf: (node: string) => number;
  /** Whether a node has not yet given reason to go back: a person who went on in spite of it is not overruled. */
  readonly isFirstTrigger: (node: string) => boolean;
  /** Has people see how the run stands, once all of it has changed that changes now: each showing is events of history. */
  readonly publish: () => void;
  /** The same at once, for a run that ends. */
  readonly publishNow: () => void;
  readonly status: () => RunStatus;
  readonly view: () => View;
  readonly envelope: (node: { id: string; title: string; plan: string }, terms: Partial<CallTerms>) => Call;
  /** An envelope for what only finds out how the host stands: not one of the calls that are counted. */
  readonly uncounted: (node: { id: string; title: string; plan: string }, terms: Partial<CallTerms>) => Call;
  /** An envelope that tells no news, for a call beside the one that does: of two at once the later would lose them. */
  readonly beside: (node: { id: string; title: string; plan: string }) => Call;
  /** Counts on from what the host has counted, where that is more. */
  readonly countFrom: (calls: number) => void;
  readonly calls: () => number;
  /** The last envelope reached the host: what it told need not be told again. */
  readonly delivered: () => void;
}

/** Something that is open and has to be done by a time. */
export interface Deadline {
  readonly title: string;
  /** ISO time. */
  readonly at: string;
}

/** The terms of a call beyond its node. */
export type CallTerms = Pick<Call, 'opening' | 'phase' | 'undoable'> & { readonly requires: readonly Condition[] };

const noSettings: RunSettings = {
  filesystemCopy: false,
  testAccount: false,
  firstHourSeconds: 0,
  daySeconds: 0,
};

export function createRunContext({ name: runbook, holdsHost }: Pick<Runbook<never>, 'name' | 'holdsHost'>, input: RunInput, progress: Progress): RunContext {
  const info = workflowInfo();
  const results = new Map<string, unknown>();
  const openings = new Map<string, number>();
  const count = (what: string): number => {
    const next = (openings.get(what) ?? 0) + 1;
    openings.set(what, next);
    return next;
  };
  const told = { decisions: 0, nodes: 0 };
  const telling = { ...told };
  let calls = 0;
  const bare = (node: { id: string; title: string; plan: string }): Call => ({
    workflowId: info.workflowId,
    runId: info.runId,
    runbook,
    node: node.id,
    title: node.title,
    plan: node.plan,
    opening: 1,
    phase: 'do',
    undoable: false,
    requires: [],
    startedBy: input.startedBy,
    news: { decisions: [], nodes: [] },
  });

  const context: RunContext = {
    input,
    progress,
    results,
    settings: noSettings,
    countsFrom: input.awareSince ?? info.startTime.toISOString(),
    deadlines: new Map(),
    leftRunning: [],
    begun: new Set(),
    mayTurnBack: true,
    cancelRequested: false,
    bootId: '',
    hasHostAgain: false,
    isBehind: false,
    lookAtHost: () => Promise.resolve(),
    putRight: () => Promise.resolve(),
    catchUp: ({ fact }) => Promise.reject(new Error(fact)),
    inbox: createInbox(progress.isAhead, () => context.publish()),
    openingOf(question) {
      const opening = count(question);
      return opening === 1 ? question : `${question}.${opening}`;
    },
    numberedOpening: (question) => `${question}.${count(question)}`,
    startOf: (node) => count(`start of ${node}`),
    isFirstTrigger: (node) => count(`trigger of ${node}`) === 1,
    publish: () => publisher.publish(),
    publishNow: () => publisher.publishNow(),
    status: () => ({
      runbook,
      host: input.host,
      runId: info.runId,
      state: progress.state,
      startedAt: info.startTime.toISOString(),
      startedBy: input.startedBy,
      nodes: progress.nodes(),
      questions: context.inbox.open(),
      decisions: context.inbox.decisions().slice(-200),
      ...(progress.outcome === undefined ? {} : { outcome: progress.outcome }),
    }),
    view: () => ({
      input: context.input,
      settings: context.settings,
      from: <R>(step: { readonly id: string; readonly finds?: R }) => results.get(step.id) as R,
    }),
    envelope(node, terms) {
      calls += 1;
      return { ...context.uncounted(node, terms), number: calls };
    },
    calls: () => calls,
    countFrom(host) {
      calls = Math.max(calls, host);
    },
    uncounted(node, terms) {
      const decisions = context.inbox.decisions();
      const nodes = progress.outcomes();
      Object.assign(telling, { decisions: decisions.length, nodes: nodes.length });
      return {
        ...bare(node),
        ...(holdsHost === false ? { holdsHost } : {}),
        news: { decisions: decisions.slice(told.decisions), nodes: nodes.slice(told.nodes) },
        ...terms,
      };
    },
    beside: (node) => ({ ...bare(node), holdsHost: false }),
    delivered: () => void Object.assign(told, telling),
  };
  const publisher = createPublisher({ status: context.status, section: progress.section, compact: progress.compact });
  return context;
}
