import type { Facts } from './facts.js';
import type { RecordedDecision } from './questions.js';
import type { NodeState, RunState } from './status.js';

/** One node in the run record. Times are the host's. */
export interface RecordedNode {
  readonly id: string;
  readonly title: string;
  readonly plan: string;
  readonly state: NodeState;
  /** ISO time of the first attempt. */
  readonly startedAt?: string;
  readonly endedAt?: string;
  /** Attempts that began; more than one where something died or failed on the way. */
  readonly attempts: number;
  /** Wall time of all attempts. */
  readonly seconds: number;
  /** Figures of the last attempt. */
  readonly figures: Readonly<Record<string, unknown>>;
  readonly facts: Facts;
  readonly failures: readonly string[];
  /** Who decided what, or why it was skipped or not needed. */
  readonly note?: string;
}

/** A run, step by step with figures: made from the journal on the host, and the evidence of the run. */
export interface RunRecord {
  readonly schema: 1;
  readonly lockstepVersion: string;
  readonly runbook: string;
  readonly host: string;
  readonly workflowId: string;
  readonly runId: string;
  readonly startedBy: string;
  readonly startedAt: string;
  readonly endedAt?: string;
  readonly state: RunState;
  readonly outcome?: string;
  /** SHA-256 of lockstep.yaml at the start. */
  readonly configDigest: string;
  /** How far the audit log was at the run's end: an anchor, against which the log can be verified. */
  readonly auditLog?: { readonly sequence: number; readonly chain: string };
  readonly nodes: readonly RecordedNode[];
  readonly decisions: readonly RecordedDecision[];
  /** What a person wants to know at the end. */
  readonly summary: Facts;
  /** Of a run that went back: how long that took, questions and all, beside what the plan allows. */
  readonly wayBack?: {
    readonly seconds: number;
    /** The longest that the plan's rollback procedure gives: 60 minutes. */
    readonly planSeconds: number;
  };
  readonly engine: {
    readonly secondsInSteps: number;
    readonly secondsBetweenSteps: number;
    /** Between the end of one step and the beginning of the next, where no question lay between. */
    readonly medianMillisecondsBetweenSteps: number;
  };
}
