import { expect, test } from 'vitest';
import type { Activity } from '../../../src/activities/activity.js';
import { stepActivities } from '../../../src/activities/activities.js';
import { wordsFor, type Runbook } from '../../../src/workflows/engine/nodes.js';
import { migrate } from '../../../src/workflows/migrate.js';
import { examineRunbook, readsOfSummary, type Examined } from './examine.js';

const examined = await examineRunbook(migrate);

/** The step after which users may write on the new volume. */
const pointOfNoReturn = 'start-application';

/** They change the host and not the service, and what they make is wanted or lies on a volume that stays closed. */
const nothingToUndo = [
  'announce-window',
  'full-backup',
  'verify-full-backup',
  'filesystem-backup',
  'document-statistics',
  'measure-baseline',
  'format-volume',
  'add-recovery-key',
  'make-filesystem',
  'backup-header',
  'final-backup-taken',
  'verify-final-backup',
  'record-statistics',
  'copy-data',
];

test('every result is read after the step that finds it', () => {
  expect(readsTooEarly(examined)).toEqual([]);
  expect(examined.some(({ reads }) => reads.length > 0)).toBe(true);
});

test('the check above notices a result that is read too early', async () => {
  const { gate, section, step } = wordsFor<{ act: () => Promise<{ figure: number }> }>();
  const late = step({ id: 'late', title: 'Late', plan: '2', do: (act) => act.act() });
  const early = gate({ id: 'early', title: 'Early?', plan: '1', evidence: ({ from }) => [['figure', String(from(late).figure)]] });
  const runbook: Runbook<{ act: () => Promise<{ figure: number }> }> = {
    name: 'wrong',
    title: 'Wrong',
    sections: [section('Only', '1', [early, late])],
    afterRollback: [],
    summary: () => [],
  };
  expect(readsTooEarly(await examineRunbook(runbook))).toEqual(['early reads late']);
});

test('the summary reads only what the run has', () => {
  const ids = new Set(examined.map(({ id }) => id));
  expect(readsOfSummary(migrate, () => false)).toEqual([]);
  expect(readsOfSummary(migrate, () => true).filter((id) => !ids.has(id))).toEqual([]);
  for (const { id } of examined) {
    expect(readsOfSummary(migrate, (each) => each === id).filter((read) => read !== id)).toEqual([]);
  }
});

test('node ids are unique, and fit where a question numbers its openings', () => {
  const ids = examined.map(({ id }) => id);
  expect(ids.filter((id, at) => ids.indexOf(id) !== at)).toEqual([]);
  expect(ids.filter((id) => !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(id))).toEqual([]);
});

test('every node names its place in the plan and has a title', () => {
  expect(examined.filter(({ plan, title }) => plan.trim() === '' || title.trim() === '').map(({ id }) => id)).toEqual([]);
});

test('every step calls one activity, which exists', () => {
  const steps = examined.filter(({ step }) => step !== undefined);
  expect(steps.filter(({ does }) => does.length !== 1).map(({ id }) => id)).toEqual([]);
  const called = examined.flatMap(({ does, undoes }) => [...does, ...undoes]);
  expect(called.filter((name) => !Object.hasOwn(stepActivities, name))).toEqual([]);
});

test('what changes the service before users may write has an undo', () => {
  const before = examined.slice(0, examined.findIndex(({ id }) => id === pointOfNoReturn) + 1);
  const withoutUndo = before.filter(({ does, undoes }) => does.some(changesHost) && undoes.length === 0).map(({ id }) => id);
  expect(withoutUndo).toEqual(nothingToUndo);
});

test('the way back restores the service in the order in which that works', () => {
  expect(examined.flatMap(({ undoes }) => undoes).reverse()).toEqual([
    'stopApplication',
    'stopDatabaseOnVolume',
    'deselectOverlay',
    'startDatabaseOnSource',
    'startApplicationOnSource',
    'leaveMaintenance',
    'restoreRestart',
    'closeVolume',
  ]);
});

test('what acts on the copy requires the source to be stopped and unchanged, until the switch', () => {
  const required = (id: string) => examined.find((node) => node.id === id)?.step?.requires ?? [];
  for (const id of ['copy-data', 'verify-copy', 'select-overlay']) expect(required(id)).toContain('source stopped and unchanged');
  for (const id of ['start-database', 'verify-rows', 'start-application']) expect(required(id)).toContain('source unchanged');
});

test('whatever comes after the switch gets the volume back after a reboot', () => {
  const nodes = migrate.sections.flatMap((each) => each.nodes);
  const after = nodes.slice(nodes.findIndex(({ id }) => id === 'select-overlay'));
  const without = after.filter((node) => !('requires' in node && node.requires.includes('volume open')));
  expect(without.map(({ id }) => id)).toEqual([]);
});

function readsTooEarly(nodes: readonly Examined[]): readonly string[] {
  const ended = new Set<string>();
  return nodes.flatMap(({ id, reads }) => {
    const early = reads.filter((read) => !ended.has(read)).map((read) => `${id} reads ${read}`);
    ended.add(id);
    return early;
  });
}

function changesHost(name: string): boolean {
  const activities: Readonly<Record<string, Activity<never, unknown>>> = stepActivities;
  return activities[name]?.event !== undefined;
}
