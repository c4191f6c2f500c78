import { expect, test } from 'vitest';
import { explainLeft, wasLeft } from '../../../../src/cli/present/leftLines.js';
import { status } from './fixtures.js';

test('a run that was ended from outside has left its host, whatever it said last', () => {
  expect(wasLeft('TERMINATED', status)).toBe(true);
  expect(wasLeft('TIMED_OUT')).toBe(true);
});

test('a run that goes on, or has told its own end, has not', () => {
  expect(wasLeft('RUNNING', status)).toBe(false);
  expect(wasLeft('COMPLETED')).toBe(false);
  expect(wasLeft('FAILED', { ...status, state: 'failed', outcome: 'refused' })).toBe(false);
});

test.each([
  ['migrate', /^rehearsal\/migrate was terminated, and left its host as it stood: "lockstep start migrate --resume --host db2" goes on where it stood, "lockstep start rollback --take-over --host db2" goes back$/],
  ['rollback', /stood: "lockstep start rollback --take-over --host db2" goes on with the way back$/],
  ['rotateKey', /stood: "lockstep start rotateKey --resume --host db2" goes on where it stood, its own way back, where it has one, is open to it there$/],
  ['decommissionPlaintext', /stood: "lockstep start decommissionPlaintext --resume --host db2" goes on where it stood, what it did can not be undone$/],
])('what a terminated %s left can be taken up by the command that is shown', (runbook, words) => {
  expect(explainLeft('TERMINATED', { workflowId: `rehearsal/${runbook}`, runbook }, ' --host db2')).toMatch(words);
});

test('one that came first is taken up as one that comes first', () => {
  expect(explainLeft('TERMINATED', { workflowId: 'rehearsal/rotateKey-emergency', runbook: 'rotateKey' })).toContain('"lockstep start rotateKey --emergency --resume" goes on where it stood');
});
