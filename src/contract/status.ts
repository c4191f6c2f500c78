import type { Facts } from './facts.js';
import type { OpenQuestion, RecordedDecision } from './questions.js';

/**
 * How a run stands. `waiting` is a question asked by the runbook, `parked` one asked by a failure;
 * `stopped` was ended by a person before its end, with the host left as it stood.
 */
export type RunState =
  | 'running'
  | 'waiting'
  | 'parked'
  | 'rolling back'
  | 'succeeded'
  | 'rolled back'
  | 'stopped'
  | 'failed';

/** What a run came to; the workflow's result. */
export interface RunResult {
  readonly state: RunState;
  readonly outcome: string;
}

/** How a node stands. */
export type NodeState = 'pending' | 'running' | 'open' | 'done' | 'skipped' | 'not needed' | 'failed' | 'undoing' | 'undone';

/** A node as `watch` and the UI show it. */
export interface NodeStatus {
  readonly id: string;
  readonly section: string;
  readonly title: string;
  readonly kind: 'step' | 'question' | 'wait' | 'child';
  /** The plan's section, for example `4, step 5`. */
  readonly plan: string;
  readonly state: NodeState;
  /** True where users cannot work while it runs. */
  readonly usersOffline: boolean;
  /** ISO times. */
  readonly startedAt?: string;
  readonly endedAt?: string;
  readonly facts?: Facts;
  /** Why it was skipped, not needed or failed; of a run of its own, where to look on. */
  readonly note?: string;
  /** ISO time. */
  readonly dueAt?: string;
}

/** The answer of the query `status`. */
export interface RunStatus {
  readonly runbook: string;
  readonly host: string;
  readonly runId: string;
  readonly state: RunState;
  readonly startedAt: string;
  readonly startedBy: string;
  readonly nodes: readonly NodeStatus[];
  readonly questions: readonly OpenQuestion[];
  readonly decisions: readonly RecordedDecision[];
  /** What the run came to, once it ended. */
  readonly outcome?: string;
}

/** The memo: what can be said while no worker answers queries. Refreshed at each section and question. */
export interface CompactStatus {
  readonly state: RunState;
  readonly section: string;
  readonly done: number;
  readonly of: number;
  readonly questions: readonly Pick<OpenQuestion, 'id' | 'title' | 'choices' | 'dueAt'>[];
  readonly since: string;
}

/** What a running step reports with its heartbeat. */
export interface Progress {
  /** What is being done, in a few words. */
  readonly phase: string;
  readonly done?: number;
  readonly total?: number;
  readonly unit?: 'bytes' | 'files' | 'seconds' | 'requests' | 'rows';
  /** Units a second, over the last few seconds. */
  readonly rate?: number;
}
