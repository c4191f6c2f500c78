import type { Call } from '../../../../src/contract/calls.js';
import type { CompactStatus } from '../../../../src/contract/status.js';
import type { RunResult } from '../../../../src/contract/status.js';
import type { CutOff } from './endings.js';

/** What a run means to the world around it. */
export interface Surroundings {
  /** The memo has changed: it is what people see. */
  readonly hear: (status: CompactStatus) => void;
  /** An attempt has reached the host and has yet to act. */
  readonly arrive: (name: string, call: Call, args: unknown) => Promise<void>;
  /** It acts. @param cutOff - It was cancelled meanwhile, and heard of it. */
  readonly act: (name: string, call: Call, args: unknown, cutOff?: CutOff) => Promise<unknown>;
}

/** A run on a server. */
export interface ServedRun {
  /** Does nothing where the run is over: a person cannot know that it has just ended. */
  readonly signal: (name: string, argument: unknown) => Promise<void>;
  readonly cancel: () => Promise<void>;
  /** The server no longer knows the run. */
  readonly lose: () => Promise<void>;
  /** Lets a person take their time. */
  readonly hesitate: () => Promise<void>;
  /** @returns What it came to; undefined where it was lost. @throws where it failed, or does not end. */
  readonly result: () => Promise<RunResult | undefined>;
}

/** A Temporal server with the workers that the generated runs need. */
export interface Server {
  /**
   * @param workflowType - One of workflows.ts.
   * @param chance - Of what is the server's to choose; a number between 0 and 1 at each call.
   */
  readonly start: (workflowType: string, args: readonly unknown[], surroundings: Surroundings, chance: () => number) => Promise<ServedRun>;
  readonly stop: () => Promise<void>;
}
