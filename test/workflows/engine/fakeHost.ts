import { ApplicationFailure } from '@temporalio/common';
import { failureTypes } from '../../../src/contract/errors.js';
import type { Call } from '../../../src/contract/calls.js';
import type { Opened, RunSettings } from '../../../src/contract/settings.js';
import type { EngineActs } from '../../../src/workflows/engine/host.js';

/** What a host does when it is called; `undefined` in a script leaves the default. */
export type Behaviour = (call: Call, args: unknown) => Promise<unknown>;

export const succeeds: Behaviour = () => Promise.resolve({ figure: 7 });

/** For good: the run parks. */
export const fails: Behaviour = () => Promise.reject(ApplicationFailure.nonRetryable('the disk is full', failureTypes.permanent));

/** Succeeds once it is released. */
export function held(): { behaviour: Behaviour; release: () => void } {
  let release: () => void = () => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  return { behaviour: () => released.then(() => ({ figure: 7 })), release: () => release() };
}

/** Behaviours by what is done: a node's id, `undo <id>`, or the name of an activity of the engine. */
export type Script = Readonly<Record<string, Behaviour>>;

/** One call that arrived. */
export interface Called {
  readonly what: string;
  readonly call: Call;
  readonly args: unknown;
}

/** The settings of a run without window or options. */
export const plainSettings: RunSettings = {
  filesystemCopy: false,
  testAccount: false,
  firstHourSeconds: 1,
  daySeconds: 1,
};

const engineActs = ['openRun', 'catchUp', 'beginWayBack', 'ensureConditions', 'closeRun', 'alertPeople'] as const;

/** What people were told. */
export type Told = Parameters<EngineActs['alertPeople']>[0];

/**
 * A host on which nothing happens: it keeps what it was asked, run by run, and plays the run's script.
 *
 * @param answers - What the activities of its runbooks answer where no script says otherwise.
 */
export function createFakeHost(answers: Readonly<Record<string, unknown>> = { act: { figure: 7 } }) {
  const runs = new Map<string, { script: Script; calls: Called[]; told: Told[] }>();
  let end: (reason: Error) => void = () => undefined;
  const ended = new Promise<never>((_, reject) => (end = reject));
  // Nobody may be waiting when the host ends.
  ended.catch(() => undefined);

  const defaults: Script = {
    openRun: (_, args) => Promise.resolve(opened({ nodes: (args as { nodes: string[] }).nodes })),
    beginWayBack: (call) => Promise.resolve({ toUndo: stillToUndo(runs.get(call.workflowId)?.calls ?? []) }),
  };

  const activity = (name: string) => async (call: Call, args: unknown) => {
    const run = runs.get(call.workflowId);
    if (!run) throw new Error(`no test told of ${call.workflowId}`);
    const what = isEngineAct(name) ? name : call.phase === 'undo' ? `undo ${call.node}` : call.node;
    // It comes beside whatever else is done, and at its own time.
    if (name === 'alertPeople') run.told.push(args as Told);
    else run.calls.push({ what, call, args });
    const behaviour = run.script[what] ?? defaults[what] ?? (() => Promise.resolve(answers[name]));
    return Promise.race([behaviour(call, args), ended]);
  };

  return {
    activities: Object.fromEntries([...engineActs, ...Object.keys(answers)].map((name) => [name, activity(name)])),
    /** @returns The calls of that run, and what it had people told, as they arrive. */
    prepare(workflowId: string, script: Script): { readonly calls: readonly Called[]; readonly told: readonly Told[] } {
      const run = { script, calls: [], told: [] };
      runs.set(workflowId, run);
      return run;
    },
    /** Ends whatever still runs, so that the worker can stop. */
    stop: () => end(new Error('the fake host has ended')),
  };
}

/** What `openRun` answers. */
export function opened(given: Partial<Omit<Opened, 'settings'>> & { readonly settings?: Partial<RunSettings> }): Opened {
  return {
    nodes: [],
    bootId: 'boot-1',
    configDigest: 'digest',
    lockstepVersion: '0.0.0',
    ...given,
    settings: { ...plainSettings, ...given.settings },
  };
}

/** A behaviour that opens the run with other settings. */
export function openedWith(settings: Partial<RunSettings>): Behaviour {
  return (_, args) => Promise.resolve(opened({ nodes: (args as { nodes: string[] }).nodes, settings }));
}

/** A behaviour that does one thing at each call, in order, and the last one ever after. */
export function inTurn(...behaviours: readonly Behaviour[]): Behaviour {
  let turn = 0;
  return (call, args) => {
    const behaviour = behaviours[Math.min(turn, behaviours.length - 1)];
    turn += 1;
    if (!behaviour) throw new Error('inTurn needs a behaviour');
    return behaviour(call, args);
  };
}

function isEngineAct(name: string): boolean {
  return (engineActs as readonly string[]).includes(name);
}

function stillToUndo(calls: readonly Called[]): readonly string[] {
  const begun = new Set<string>();
  for (const { call } of calls) {
    if (call.phase === 'undo') begun.delete(call.node);
    else if (call.undoable) begun.add(call.node);
  }
  return [...begun];
}
