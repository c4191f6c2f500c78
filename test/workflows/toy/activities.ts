import type { Call } from '../../../src/contract/calls.js';
import type { RunSettings } from '../../../src/contract/settings.js';

type Activity = (call: Call, args?: never) => Promise<unknown>;

/** The settings of a run without window or options. */
export const toySettings: RunSettings = {
  filesystemCopy: false,
  testAccount: false,
  firstHourSeconds: 1,
  daySeconds: 1,
};

/** A host that does nothing and answers at once; `calls` keeps the names in order. */
export function createToyActivities(different: Readonly<Record<string, Activity>> = {}, settings: Partial<RunSettings> = {}) {
  const calls: string[] = [];
  const answers: Record<string, Activity> = {
    openRun: (_, args: { nodes: string[] } = { nodes: [] }) =>
      Promise.resolve({
        nodes: args.nodes,
        settings: { ...toySettings, ...settings },
        bootId: 'boot-1',
        configDigest: 'digest',
        lockstepVersion: '0.0.0',
      }),
    beginWayBack: () => Promise.resolve({ toUndo: [] }),
    ensureConditions: () => Promise.resolve(),
    alertPeople: () => Promise.resolve(),
    closeRun: () => Promise.resolve(),
    measure: () => Promise.resolve({ sizeBytes: 1_750_000_000 }),
    copy: () => Promise.resolve({ files: 5012 }),
    removeCopy: () => Promise.resolve(),
    switchOver: () => Promise.resolve(),
    switchBack: () => Promise.resolve(),
    prove: () => Promise.resolve(),
    ...different,
  };
  const activities = Object.fromEntries(
    Object.entries(answers).map(([name, activity]) => [
      name,
      (call: Call, args?: never) => {
        // It comes beside whatever else is done.
        if (name !== 'alertPeople') calls.push(name);
        return activity(call, args);
      },
    ]),
  );
  return { activities, calls };
}
