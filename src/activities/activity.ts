import type { AlertWords } from '../contract/alerts.js';
import type { Call } from '../contract/calls.js';
import type { Progress } from '../contract/status.js';
import type { Config, SecretName } from '../config/schema.js';
import type { Run } from '../host/processes/runner.js';
import type { HostTools } from '../host/tools.js';
import type { JournalEntry } from './wrapper/journal.js';

/** A person, and the address that they came from, as claimed. */
export interface Who {
  readonly by: string;
  readonly from?: string;
}

/** What an activity is given by the wrapper for one attempt. */
export interface Attempt {
  readonly call: Call;
  readonly config: Config;
  /** Starts processes in this node's own control group; a cancel ends them. */
  readonly run: Run;
  readonly tools: HostTools;
  /** Aborted by a cancel, by a later attempt, or when the worker shuts down. */
  readonly signal: AbortSignal;
  /** The control group of this node's processes, where the host has one. */
  readonly controlGroup: string | undefined;
  /** Another attempt of this very node began before, and may have left something. */
  readonly hasPredecessor: boolean;
  /** The run's directory on the host. */
  readonly directory: string;
  readonly report: (progress: Progress) => void;
  /**
   * A secret's value, from its reference in lockstep.yaml, for as long as the attempt goes on: it is
   * overwritten when that has ended, so nothing that outlives it may keep the buffer.
   *
   * @param reason - One sentence for the person who types it.
   * @throws SecretNeeded where it has an `ask:` reference and was not given; PermanentFailure where a file,
   * a credential or a program's output does not hold one; Error where a program fails, which may pass.
   */
  readonly secret: (name: SecretName, reason: string, options?: { readonly isNew?: boolean; readonly fresh?: boolean }) => Promise<Buffer>;
  /**
   * Drops a typed secret that turned out to be wrong, and asks for another.
   *
   * @param reason - What is wrong with it, and what to type.
   * @throws SecretNeeded; PermanentFailure where it came from elsewhere, which nobody can answer by typing.
   */
  readonly refuseSecret: (name: SecretName, reason: string, isNew?: boolean) => never;
  /** Who typed a secret and where from, as claimed; undefined for one that nobody types. */
  readonly giverOf: (name: SecretName) => Who | undefined;
  readonly journal: (...entries: readonly JournalEntry[]) => Promise<void>;
  readonly readJournal: () => Promise<readonly JournalEntry[]>;
  /** Names this very attempt, among all of its node. */
  readonly occurrence: string;
  /**
   * An audit event beside those that the wrapper writes; once in an opening, however often it is attempted.
   *
   * @param occurrence - Of what truly happens again with each attempt, such as a try of a passphrase:
   * the {@link Attempt.occurrence} in which it did.
   */
  readonly audit: (event: string, details: Readonly<Record<string, string | number>>, who?: Who, occurrence?: string) => Promise<void>;
  /**
   * Tells people something, wherever they are: once for each key of an opening of the node, however many attempts raise
   * it. Returns when it is on the host's disk, and never fails: a step does not wait for a mail server.
   *
   * @param key - Default: the subject, which then must not hold figures that change from attempt to attempt.
   */
  readonly alert: (alert: AlertWords, key?: string) => Promise<void>;
  readonly now: () => Date;
}

/** One thing that a step can do, made of host tools. */
export interface Activity<Args, Result> {
  /** The audit event of an activity that changes the host; reads have none. */
  readonly event?: string;
  readonly perform: (attempt: Attempt, args: Args) => Promise<Result>;
}

/** An activity that changes nothing. */
export function reads<Result, Args = undefined>(perform: (attempt: Attempt, args: Args) => Promise<Result>): Activity<Args, Result> {
  return { perform };
}

/** @param event - The audit event, in the plan's manner: `VOLUME_UNLOCK`. */
export function changes<Result, Args = undefined>(
  event: string,
  perform: (attempt: Attempt, args: Args) => Promise<Result>,
): Activity<Args, Result> {
  return { event, perform };
}

/** Activities as a runbook calls them: without the envelope, which the engine adds. */
export type ActsOf<Activities> = {
  readonly [Name in keyof Activities]: Activities[Name] extends Activity<infer Args, infer Result>
    ? [Args] extends [undefined]
      ? () => Promise<Result>
      : (args: Args) => Promise<Result>
    : never;
};
