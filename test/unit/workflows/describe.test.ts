import { expect, test } from 'vitest';
import { renderPlan } from '../../../src/cli/present/planLines.js';
import { plainTheme } from '../../../src/cli/present/theme.js';
import { describeRunbook, offlineWords, sizeWords, type NodeDescription } from '../../../src/workflows/describe.js';
import { wordsFor, type Runbook } from '../../../src/workflows/engine/nodes.js';
import { toy } from '../../workflows/toy/runbook.js';
import { toySettings } from '../../workflows/toy/activities.js';

const input = { host: 'h1', takeOver: false, resume: false, startedBy: 'ann' };

test('a plan reads like the list that it is made from', () => {
  expect(renderPlan(describeRunbook(toy), { width: 80, theme: plainTheme })).toEqual([
    'toy: Toy',
    '6 nodes, 2 of which wait for people',
    'Users are offline from "Copy every file to the new volume" to the end of "Start',
    'the database from the copy": 2 nodes, marked with ▌',
    '',
    '1. Preparation                                                            plan 1',
    '   • Measure the source                                                      1.1',
    '   What has to be true before the window, asked together:',
    '   ? The maintenance is announced to the users (acknowledgement)             1.2',
    '   ? Everything is ready: begin? (go or no-go)                               1.3',
    '   ◷ Wait for the maintenance window (wait)                                    2',
    '',
    '2. Migration                                                              plan 4',
    ' ▌ • Copy every file to the new volume                                 4, step 5',
    '       undo: Remove the copy',
    ' ▌ • Start the database from the copy                                  4, step 8',
    '       left out where a filesystem copy is configured',
    '       undo: Start the database from the source',
    '       may be skipped with a reason when it fails',
    '',
    'Rollback',
    '   The undos of what was begun, in reverse order; then:',
    '   • Prove that the source serves                                              6',
    '',
    'An undo that fails is tried again, or skipped by a person with a reason; the',
    'outcome of the run then says that it was NOT undone.',
  ]);
});

test('with the settings of a host it tells what would be left out there', () => {
  const runs = (filesystemCopy: boolean) =>
    describeRunbook(toy, { settings: { ...toySettings, filesystemCopy }, input }).sections[1]?.nodes.map((node) => node.runs);
  expect(runs(false)).toEqual([undefined, true]);
  expect(runs(true)).toEqual([undefined, false]);
});

test("a question of a group is left out by its own condition and by the group's, and says which", () => {
  const { gate, parallel, section } = wordsFor<object>();
  const own = { holds: ({ settings }: { settings: { testAccount: boolean } }) => settings.testAccount, otherwise: 'no test account is configured' };
  const ofGroup = { holds: ({ settings }: { settings: { filesystemCopy: boolean } }) => settings.filesystemCopy, otherwise: 'no filesystem copy is configured' };
  const questions = [gate({ id: 'both', title: 'Both?', plan: '1', when: own }), gate({ id: 'group', title: 'The group alone?', plan: '1' })];
  const runbook: Runbook<object> = { name: 'two', title: 'Two', sections: [section('Only', '1', [parallel({ id: 'together', title: 'Together', plan: '1', when: ofGroup, nodes: questions })])], afterRollback: [], summary: () => [] };
  const told = (view?: Parameters<typeof describeRunbook>[1]) => describeRunbook(runbook, view).sections[0]?.nodes.map(({ unless, runs }) => [unless, runs]);
  const both = 'no filesystem copy is configured, or where no test account is configured';
  expect(told()).toEqual([[both, undefined], [ofGroup.otherwise, undefined]]);
  const where = (filesystemCopy: boolean, testAccount: boolean) => told({ settings: { ...toySettings, filesystemCopy, testAccount }, input });
  expect(where(true, true)).toEqual([[both, true], [ofGroup.otherwise, true]]);
  expect(where(true, false)).toEqual([[own.otherwise, false], [ofGroup.otherwise, true]]);
  expect(where(false, true)).toEqual([[ofGroup.otherwise, false], [ofGroup.otherwise, false]]);
  expect(where(false, false)?.[0]).toEqual([`${ofGroup.otherwise}; ${own.otherwise}`, false]);
});

test('a reason that a node shares with its group is told once', () => {
  const { gate, parallel, section } = wordsFor<object>();
  const when = { holds: () => false, otherwise: 'an emergency: at once' };
  const nodes = [gate({ id: 'told', title: 'Told?', plan: '1', when })];
  const runbook: Runbook<object> = { name: 'one', title: 'One', sections: [section('Only', '1', [parallel({ id: 'together', title: 'Together', plan: '1', when, nodes })])], afterRollback: [], summary: () => [] };
  expect(describeRunbook(runbook).sections[0]?.nodes[0]?.unless).toBe('an emergency: at once');
  expect(describeRunbook(runbook, { settings: toySettings, input }).sections[0]?.nodes[0]?.unless).toBe('an emergency: at once');
});

test('one node and one question are told of as one', () => {
  const node = (id: string, different: Partial<NodeDescription> = {}): NodeDescription => ({ id, title: id, plan: '1', kind: 'step', usersOffline: false, requires: [], skippable: false, ...different });
  const words = (...nodes: readonly NodeDescription[]) => sizeWords({ sections: [{ title: 'Only', plan: '1', nodes }] });
  expect(words(node('copy'), node('sure', { kind: 'gate' }))).toBe('2 nodes, 1 of which waits for people');
  expect(words(node('seen', { kind: 'acknowledgement' }), node('sure', { kind: 'gate' }))).toBe('2 nodes, 2 of which wait for people');
  expect(words(node('copy'))).toBe('1 node, which does not wait for people');
  expect(words(node('copy'), node('check'))).toBe('2 nodes, none of which waits for people');
  expect(offlineWords([node('copy'), node('stop', { usersOffline: true }), node('left out', { usersOffline: true, runs: false })])).toBe('Users are offline during "stop": 1 node, marked with ▌');
  expect(offlineWords([node('copy')])).toBe('Users stay online throughout');
});
