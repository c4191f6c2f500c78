import type { Facts } from './facts.js';
import type { RecordedDecision } from './questions.js';
import type { NodeState } from './status.js';

/**
 * What a node may require of the host before each of its attempts. The wrapper ensures these again,
 * so that a reboot in the middle of a run is put right before the next action.
 */
export type Condition =
  | 'volume open'
  | 'source stopped and unchanged'
  | 'source unchanged'
  | 'volume selected'
  | 'database up'
  | 'database stopped'
  | 'application up'
  /** The volume open and the application up, on a host whose database lies on the volume; on any other nothing. */
  | 'service up'
  | 'application stopped';

/** The envelope in which every activity is called: who calls, for which node, and under which terms. */
export interface Call {
  readonly workflowId: string;
  readonly runId: string;
  readonly runbook: string;
  readonly node: string;
  /** The node's title, for the journal and the log. */
  readonly title: string;
  /** The plan's section. */
  readonly plan: string;
  /** Counts how often the engine started this node: a retry from a parked question is a new opening. */
  readonly opening: number;
  readonly phase: 'do' | 'undo';
  /**
   * Counts the calls that the run's history has made: from it the host tells a history that is older
   * than its journal. Absent in calls of an earlier version, and in those that only find that out.
   */
  readonly number?: number;
  /** The node declares an undo: recorded before it acts. */
  readonly undoable: boolean;
  readonly requires: readonly Condition[];
  /** Who started the run, as claimed. */
  readonly startedBy: string;
  /** Absent of most calls. Such a call needs no claim, and may change nothing of the host's service. */
  readonly holdsHost?: false;
  /** What the run came to know since its last call, for the journal. */
  readonly news: News;
}

/** What the workflow knows and the host does not: it travels with the next call, at no cost in history. */
export interface News {
  readonly decisions: readonly RecordedDecision[];
  readonly nodes: readonly NodeOutcome[];
}

/** How a node ended, with the figures that people are shown. */
export interface NodeOutcome {
  readonly id: string;
  readonly title: string;
  readonly plan: string;
  readonly state: NodeState;
  readonly facts?: Facts;
  readonly note?: string;
  /** ISO time; of a node that has a deadline. */
  readonly dueAt?: string;
  /** ISO time by the server's clock; of a node that has a deadline. */
  readonly endedAt?: string;
}

/** What the journal on the host says of a run, as the engine reads it before any rollback. */
export interface JournalSummary {
  /** Ids of nodes that began and declared an undo, in the order in which they began, without those already undone. */
  readonly toUndo: readonly string[];
  /** ISO time since which users may have written on the new volume, what was carried over not counted. */
  readonly usersMayWriteSince?: string;
  /** What they wrote there is where the way back leads. */
  readonly carriedOver?: true;
  /** A person chose to carry that over: users may be kept out since. */
  readonly carryOverBegun?: true;
  /** Something was undone already: the run goes on with that, and nowhere else. */
  readonly undoBegun?: true;
}
