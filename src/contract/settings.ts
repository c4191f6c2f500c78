import type { RunOptions } from './inputs.js';

/**
 * What a runbook reads of lockstep.yaml: recorded at the start of a run, so that the decisions which
 * the workflow takes from it stay the same whatever happens to the file. Figures and flags only.
 */
export interface RunSettings {
  /** ISO time at which the maintenance window opens; absent: at once. */
  readonly windowOpensAt?: string;
  readonly filesystemCopy: boolean;
  /** A named account for test operations is configured. */
  readonly testAccount: boolean;
  readonly firstHourSeconds: number;
  readonly daySeconds: number;
  /** How many different people have to agree to the removal of plaintext copies; default 1. */
  readonly decommissionPeople?: number;
  /** A rollback trigger of the plan starts the way back without asking, once for each node; default no. */
  readonly automaticRollback?: boolean;
  /** A planned rotation of the operational key restarts the service with the new one. */
  readonly testedRestart?: boolean;
  /** When people are told of what is due; absent in what runs of earlier versions recorded. */
  readonly reminders?: ReminderSettings;
  /** How long there is after a suspected compromise. */
  readonly compromise?: CompromiseSettings;
}

/** When people are told of a deadline. */
export interface ReminderSettings {
  /** Of the time up to the deadline: the reminder comes when so much of it is over. */
  readonly beforePercent: number;
  /** After the deadline, once. */
  readonly firstAfterSeconds: number;
  /** After that, again and again. */
  readonly everySeconds: number;
}

/** Where lockstep.yaml says nothing, and of runs that recorded nothing. */
export const defaultReminders: ReminderSettings = { beforePercent: 75, firstAfterSeconds: 3600, everySeconds: 4 * 3600 };

/** The deadlines of the plan's 5.3, "Key Compromise Response", from the start of the run. */
export interface CompromiseSettings {
  readonly immediateSeconds: number;
  readonly investigationSeconds: number;
  readonly remediationSeconds: number;
}

/** The plan's: an hour, a day, three days (the last also GDPR Art. 33(1)). */
export const defaultCompromise: CompromiseSettings = { immediateSeconds: 3600, investigationSeconds: 24 * 3600, remediationSeconds: 72 * 3600 };

/** What the first activity of a run finds and records; the run walks this list, whatever the code says later. */
export interface Opened {
  /** The node ids that this run walks, in order. */
  readonly nodes: readonly string[];
  readonly settings: RunSettings;
  /** What the run was told beside its host: of one that goes on with a lost one, what that was told. Absent in older journals. */
  readonly options?: Readonly<Partial<RunOptions>>;
  readonly bootId: string;
  readonly configDigest: string;
  readonly lockstepVersion: string;
  /** Counts the runs of this host, whose clock may jump; older journals have none. */
  readonly order?: number;
  /** It does not wait for a run that holds the host: beside a planned one of its runbook it is no heir of that. */
  readonly comesFirst?: true;
  /** The lost run whose host this one has taken over. */
  readonly takenFrom?: { readonly workflowId: string; readonly runId: string; readonly runbook: string };
  /** Of a runbook that undoes another one: the run that it goes back from. Of a run that goes on with a lost one: that. */
  readonly adopted?: Adopted;
}

/** An earlier run, as its journal on the host tells of it. */
export interface Adopted {
  readonly runbook: string;
  readonly runId: string;
  /** ISO time. */
  readonly startedAt: string;
  /** How it ended, or that it did not. */
  readonly state: string;
  /** The list that it recorded. */
  readonly nodes: readonly string[];
  /** Of these, what it began and did not undo. */
  readonly toUndo: readonly string[];
  /** ISO time since which users may have written on the new volume. */
  readonly usersMayWriteSince?: string;
  readonly carriedOver?: true;
  readonly carryOverBegun?: true;
  readonly undoBegun?: true;
  /** It had begun to go back, and users may be offline. */
  readonly wayBackBegun?: true;
  /** The steps that it began, or one that it had itself taken up. Older journals have them in `reached` alone. */
  readonly begun?: readonly string[];
  /** How far a run came that is gone on with. */
  readonly reached?: Reached;
}

/** What a run learns that catches up with its host. */
export interface CaughtUp {
  /** The highest number of a call in the journal: the run goes on counting from there. */
  readonly calls: number;
  /** The way back was begun. */
  readonly goesBack: boolean;
  /** How far the run came, where it goes on. */
  readonly reached?: Reached;
}

/** How far a lost run came, by its journal. */
export interface Reached {
  /** What its steps found, by their ids, in the order in which they ended. */
  readonly found: readonly { readonly id: string; readonly result?: unknown }[];
  /** The steps that it began: the next one may have been left half-way. */
  readonly begun: readonly string[];
  /** What it had recorded of lockstep.yaml: that goes on to count. */
  readonly settings: RunSettings;
  /** What it was told beside its host: that goes on to count as well. */
  readonly options?: Readonly<Partial<RunOptions>>;
}
