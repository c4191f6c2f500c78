import type { Activities } from '../../../src/activities/activities.js';
import type { RunOptions } from '../../../src/contract/inputs.js';
import type { RunState } from '../../../src/contract/status.js';
import type { HostConfig } from '../../../src/rehearsal/hostConfig.js';
import type { Rehearsal } from '../../../src/rehearsal/rehearsal.js';
import type { Runbook } from '../../../src/workflows/engine/nodes.js';

/** One run of a course, on what the one before it has left. */
export interface CourseRun {
  readonly runbook: Runbook<Activities>;
  readonly input?: Partial<RunOptions>;
  /** The gate at which a person says no, so that the run goes back. */
  readonly noGoAt?: string;
  readonly ends: RunState;
  /** What is typed, by the name of the secret; default what a rehearsal's host was set up with. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** What somebody has done on the host before it begins. */
  readonly prepare?: (rehearsal: Rehearsal) => Promise<void>;
  /** The client sends from here on. */
  readonly sends?: true;
  /** How the service is to be after a boot; absent where the conditions of the run's own nodes say all of it. */
  readonly service?: ServiceExpected;
}

/** What people are to find of the service after a boot in the middle of a run, and behind it. */
export interface ServiceExpected {
  /** Where it asks people anything, the service is up, or the passphrase is asked for that brings it up. */
  readonly upAtQuestions: boolean;
  /** Questions at which it may be down all the same. */
  readonly downAt?: readonly string[];
  /** When the run has ended, and a start-up that a boot has begun by itself. */
  readonly upAfter: boolean;
}

/** Several runs on one host, at whose places things break. */
export interface Course {
  /** Of one word: a folder, and part of the host's name. */
  readonly name: string;
  /** For the page: what it is about. */
  readonly title: string;
  /** For the page: which runs these are, and what is compared. */
  readonly words: string;
  /** What its host's lockstep.yaml holds instead of the rehearsal's. */
  readonly config: () => HostConfig;
  readonly runs: readonly CourseRun[];
  /** Steps where a freeze outlasts the server's patience, and whose reading is counted. */
  readonly longNodes: ReadonlySet<string>;
  /** Places whose reading is held against an undisturbed run's. */
  readonly countedPlaces: readonly string[];
  /** Reads what of the host has to be as an undisturbed run leaves it, by what it is. */
  readonly readHost: (rehearsal: Rehearsal) => Promise<Readonly<Record<string, string>>>;
  /** Looks for what must not be at any instant, wherever something may break; absent: nothing beside the ends. */
  readonly watch?: (rehearsal: Rehearsal) => Watch;
}

/** @returns In words, what must not be; nothing where all is well. */
export type Watch = () => Promise<readonly string[]>;
