import { expect, test } from 'vitest';
import { renderPlan } from '../../../../src/cli/present/planLines.js';
import { plainTheme } from '../../../../src/cli/present/theme.js';
import { runbookNamed } from '../../../../src/cli/runbooks.js';
import { describeRunbook } from '../../../../src/workflows/describe.js';

const plan = (name: string, sizeBytes?: number): string =>
  renderPlan(describeRunbook(runbookNamed(name)), { width: 400, theme: plainTheme, ...(sizeBytes === undefined ? {} : { sizeBytes }) }).join('\n');

test('a size is used, or said to be of no use', () => {
  expect(plan('migrate', 50e9)).toContain('How long, with 46.6 GiB: 1 h 15 min by the plan');
  expect(plan('rollback', 50e9)).toContain('No estimate: the one that --size makes is for a migration, and says nothing of rollback');
  expect(plan('decommissionPlaintext', 50e9)).toContain('and says nothing of decommissionPlaintext');
});

test('nobody who names no size is told of it where there is no estimate', () => {
  expect(plan('rollback')).not.toContain('No estimate');
});
