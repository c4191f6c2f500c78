import { expect, test } from 'vitest';
import { renderPlan } from '../../../src/cli/present/planLines.js';
import { plainTheme } from '../../../src/cli/present/theme.js';
import { describeRunbook } from '../../../src/workflows/describe.js';
import { toy } from '../../workflows/toy/runbook.js';
import { toySettings } from '../../workflows/toy/activities.js';

const input = { host: 'h1', takeOver: false, resume: false, startedBy: 'ann' };

test('a plan reads like the list that it is made from', () => {
  expect(renderPlan(describeRunbook(toy), { width: 80, theme: plainTheme })).toEqual([
    'toy: Toy',
    '6 nodes, of which 2 wait for people',
    'Users are offline from "Copy every file to the new volume" to "Start the',
    'database from the copy", 2 nodes, marked with ▌',
    'How long: 1.5 minutes for each GB by the plan; --size 50G estimates for a size,',
    'and the first steps of a run measure this host',
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
    'Until users may have written on the new volume, rollback is a switch back to the',
    'untouched source.',
  ]);
});

test('with the settings of a host it tells what would be left out there', () => {
  const runs = (filesystemCopy: boolean) =>
    describeRunbook(toy, { settings: { ...toySettings, filesystemCopy }, input }).sections[1]?.nodes.map((node) => node.runs);
  expect(runs(false)).toEqual([undefined, true]);
  expect(runs(true)).toEqual([undefined, false]);
});
