import type { Condition } from '../../contract/calls.js';
import type { Facts } from '../../contract/facts.js';
import type { RunInput, RunOptionName, RunOptions } from '../../contract/inputs.js';
import type { Answer } from '../../contract/questions.js';
import type { RunSettings } from '../../contract/settings.js';
import type { RunResult } from '../../contract/status.js';

/** Reads the result of an earlier step. */
export type From = <R>(step: { readonly id: string; readonly finds?: R }) => R;

/** What a node's own words may look at: earlier results, the input and the recorded settings. */
export interface View {
  readonly from: From;
  readonly input: RunInput;
  readonly settings: RunSettings;
}

/** Why a node is left out: printed in the plan and in the status. */
export interface Unless {
  /** Pure, on the settings and the input alone, so that `lockstep plan` can tell without a run. */
  readonly holds: (view: Pick<View, 'settings' | 'input'>) => boolean;
  /** What is said where it does not hold: "no filesystem copy is configured". */
  readonly otherwise: string;
}

/** Why a node is left out by what the run has found or was told: nobody can say it before. */
export interface OnlyIf {
  /** Pure; looked at when the node is reached. */
  readonly holds: (view: View) => boolean;
  /** What is said where it does not hold. */
  readonly otherwise: string;
}

/** A deadline. It ends nothing: people are told before it and, until it is done, after it. */
export interface Due {
  /** From the start of the run, or of the lost one that it goes on with. */
  readonly withinSeconds: number | ((settings: RunSettings) => number);
  /** People are told of it also before the run has come to it: what comes first may take longer than there is. Default no. */
  readonly fromStart?: true;
}

/** How long there is, in seconds from the start of the run. */
export function secondsOf({ withinSeconds }: Due, settings: RunSettings): number {
  return typeof withinSeconds === 'number' ? withinSeconds : withinSeconds(settings);
}

/** How a step is undone. */
export interface Undo<Acts> {
  readonly title: string;
  readonly requires?: readonly Condition[];
  readonly do: (act: Acts) => Promise<unknown>;
  /**
   * Another way to the same end, which a person may choose by name, with a reason, once this one has
   * failed. It is for going back to what was before: where writes are carried over it is not offered.
   */
  readonly otherwise?: {
    readonly answer: string;
    readonly title: string;
    readonly requires?: readonly Condition[];
    readonly do: (act: Acts) => Promise<unknown>;
  };
}

interface NodeBase {
  /** Unique in its runbook; part of history, journal and audit log, so never renamed lightly. */
  readonly id: string;
  readonly title: string;
  /** The plan's section, for example `4, step 5`. */
  readonly plan: string;
  readonly when?: Unless;
  readonly onlyIf?: OnlyIf;
}

/**
 * A node that acts on the host through exactly one activity. `Acts` is the activities' interface and
 * `R` what the step finds, for later steps to read with `from`.
 */
export interface Step<R, Acts> extends NodeBase {
  readonly kind: 'step';
  /** Carries the result's type for `from`; never set. */
  readonly finds?: R;
  readonly do: (act: Acts, view: View) => Promise<R>;
  /** How it is undone; takes nothing from earlier results, since the step may have been killed half-way. */
  readonly undo?: Undo<Acts>;
  /** Ensured again before each attempt. */
  readonly requires?: readonly Condition[];
  readonly usersOffline?: boolean;
  /** A person may leave it out when it fails, with a reason. */
  readonly skippable?: boolean;
  /** Figures for people. A method, so that steps of different results can stand in one list. */
  show?(result: R): Facts;
}

/** What may be open beside others. */
interface BesideOthers extends NodeBase {
  readonly due?: Due;
  /** In a `parallel`: begins when these are over, which stand before it in the same one. */
  readonly after?: readonly { readonly id: string }[];
}

/** A node that waits for people; what was answered is read with `from`, absent where it was left out. */
export interface Question extends BesideOthers {
  readonly kind: 'question';
  /** Never set. */
  readonly finds?: Answer | undefined;
  readonly asks: 'gate' | 'acknowledgement';
  readonly usersOffline?: boolean;
  readonly requires?: readonly Condition[];
  readonly evidence?: (view: View) => Facts;
  /** How many different people must agree to go; default 1. */
  readonly people?: number | ((settings: RunSettings) => number | undefined);
  /** The one who started the run may not decide. */
  readonly notTheStarter?: boolean;
  /** Whether to go needs a reason; it may depend on what earlier steps found. */
  readonly reasonForGo?: boolean | ((view: View) => boolean);
  /** All of them go on; without a no-go among them nobody refuses it. Default go or no-go, acknowledged or no-go. */
  readonly choices?: readonly string[];
  /** Answers no-go by itself after that long. */
  readonly timeoutSeconds?: number;
}

/** A durable wait that a person can bring forward or turn into a no-go. */
export interface WaitUntil extends NodeBase {
  readonly kind: 'wait';
  /** ISO time; undefined: no wait. */
  readonly until: (view: View) => string | undefined;
}

/**
 * A run of another runbook, which outlives this one: it is not ended, and nothing of it is undone, where this
 * run ends or goes back. What it came to is read with `from`, absent where it never ended.
 */
export interface Child extends BesideOthers {
  readonly kind: 'child';
  /** Never set. */
  readonly finds?: RunResult | undefined;
  /** The workflow's name. */
  readonly runbook: string;
  /** Its options, beside the host and who started this run. */
  readonly input: (view: View) => Partial<RunOptions>;
}

/** Questions and runs that are open at the same time, in any order of ends. */
export interface Parallel extends NodeBase {
  readonly kind: 'parallel';
  readonly nodes: readonly (Question | Child)[];
}

/** Any node of a runbook whose steps call `Acts`. */
export type Node<Acts> = Step<unknown, Acts> | Question | WaitUntil | Parallel | Child;

/** What stands for itself in status and journal: a `parallel` is its nodes. */
export function partsOf<Acts>(node: Node<Acts>): readonly Exclude<Node<Acts>, Parallel>[] {
  return node.kind === 'parallel' ? node.nodes : [node];
}

/** Nodes under one heading of the plan. */
export interface Section<Acts> {
  readonly title: string;
  readonly plan: string;
  readonly nodes: readonly Node<Acts>[];
}

/** A runbook: its list, top to bottom. */
export interface Runbook<Acts> {
  readonly name: string;
  readonly title: string;
  readonly sections: readonly Section<Acts>[];
  /** The options that its input may have beside the host; default none. */
  readonly takes?: readonly RunOptionName[];
  /**
   * Whether it takes the host from a run that waits at once, and from one that works after its step; that run goes on
   * afterwards. Default never.
   */
  readonly comesFirst?: (input: RunInput) => boolean;
  /**
   * False of one that changes nothing of the host's service: it runs beside the run that holds the host, and where
   * it is left there is nothing to go back from. Default true.
   */
  readonly holdsHost?: false;
  /**
   * The runbook whose last run on the host this one undoes, once its own list is walked; its own list
   * changes nothing.
   */
  readonly undoes?: Runbook<Acts>;
  /**
   * The step that can not be undone, and from whose beginning on the run does not turn back. Until then
   * leaving the run undoes what the nodes before it did, or leaves the host as it is where none has an undo.
   */
  readonly noWayBackFrom?: { readonly id: string };
  /** What it does is never undone: leaving it, at any time, ends it as stopped and leaves the host as it is. Default no. */
  readonly undoesNothing?: true;
  /**
   * What saves that which users wrote past the point of no return, before the undos; without it a run
   * that has passed that point has no way back.
   */
  readonly carryOver?: readonly Step<unknown, Acts>[];
  /** What proves and tells the way back, after all undos. */
  readonly afterRollback: readonly Step<unknown, Acts>[];
  /** What is still done where a person ends the run past the point of no return, with the service as it is; default nothing. */
  readonly whenStopped?: readonly Step<unknown, Acts>[];
  /**
   * What the host is like when the run has succeeded, and is made again before it ends: after a reboot in its
   * last moments nobody else does, since a run holds the host. Default nothing.
   */
  readonly leaves?: readonly Condition[] | ((input: RunInput) => readonly Condition[]);
  /** What a person wants to know at the end; `has` tells whether a step got to its end. */
  readonly summary: (view: View, has: (step: { readonly id: string }) => boolean) => Facts;
}

/** What a run leaves its host like. */
export function leavesOf<Acts>({ leaves = [] }: Pick<Runbook<Acts>, 'leaves'>, input: RunInput): readonly Condition[] {
  return typeof leaves === 'function' ? leaves(input) : leaves;
}

type StepWords<R, Acts> = Omit<Step<R, Acts>, 'kind' | 'finds' | 'when' | 'skippable'>;

type QuestionWords = Omit<Question, 'kind' | 'asks' | 'finds'>;

/** The words in which a runbook over the activities `Acts` is written. */
export interface Words<Acts> {
  /** A step that always runs. */
  step: <R>(words: StepWords<R, Acts>) => Step<R, Acts>;
  /** A step that may be left out, so that its result may be absent. */
  optionalStep: <R>(
    words: StepWords<R, Acts> & { readonly when?: Unless; readonly skippable?: boolean },
  ) => Step<R | undefined, Acts>;
  gate: (words: QuestionWords) => Question;
  acknowledgement: (words: QuestionWords) => Question;
  waitUntil: (words: Omit<WaitUntil, 'kind'>) => WaitUntil;
  parallel: (words: Omit<Parallel, 'kind'>) => Parallel;
  child: (words: Omit<Child, 'kind' | 'finds'>) => Child;
  section: (title: string, plan: string, nodes: readonly Node<Acts>[]) => Section<Acts>;
}

/** Makes the words for one set of activities. */
export function wordsFor<Acts>(): Words<Acts> {
  return {
    step: (words) => ({ kind: 'step', ...words }),
    optionalStep: (words) => ({ kind: 'step', ...words }),
    gate: (words) => ({ kind: 'question', asks: 'gate', ...words }),
    acknowledgement: (words) => ({ kind: 'question', asks: 'acknowledgement', ...words }),
    waitUntil: (words) => ({ kind: 'wait', ...words }),
    parallel: (words) => ({ kind: 'parallel', ...words }),
    child: (words) => ({ kind: 'child', ...words }),
    section: (title, plan, nodes) => ({ title, plan, nodes }),
  };
}
