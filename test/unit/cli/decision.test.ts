import { expect, test } from 'vitest';
import { chooseQuestion, explainOutcome } from '../../../src/cli/decision.js';
import type { OpenQuestion } from '../../../src/contract/questions.js';
import { gate } from './present/fixtures.js';

const acknowledgement: OpenQuestion = { ...gate, id: 'announced', kind: 'acknowledgement', choices: ['acknowledged', 'no-go'] };
const decision = { question: 'final-backup', answer: 'go', by: 'ann' };
const recorded = { ...decision, at: '2030-05-04T02:00:00.000Z', outcome: 'counted' } as const;

test('the only question that can be answered so is meant', () => {
  expect(chooseQuestion([gate, acknowledgement], 'go').id).toBe('final-backup');
  expect(chooseQuestion([gate, acknowledgement], 'acknowledged').id).toBe('announced');
});

test('where two can be answered so, one has to be named', () => {
  expect(() => chooseQuestion([gate, acknowledgement], 'no-go')).toThrow('name one: final-backup, announced');
  expect(chooseQuestion([gate, acknowledgement], 'no-go', 'announced').id).toBe('announced');
});

test('what is not open is refused with what is', () => {
  expect(() => chooseQuestion([gate], 'go', 'preflight')).toThrow('question preflight is not open; open are: final-backup');
  expect(() => chooseQuestion([gate], 'retry')).toThrow('no open question can be answered with "retry"; open are: final-backup');
  expect(() => chooseQuestion([], 'go')).toThrow('no question is open');
});

test('what became of a decision decides the exit status', () => {
  expect(explainOutcome(decision, recorded)).toBe('"go" for final-backup by ann counted');
  expect(explainOutcome(decision, recorded, { after: { ...gate, people: 2, agreed: ['ann'] } })).toBe('"go" for final-backup by ann counted; 1 more must agree');
  expect(explainOutcome(decision, recorded, { ahead: 'h1/rotateKey-emergency' })).toBe('"go" for final-backup by ann counted; h1/rotateKey-emergency comes first on this host: what follows begins when that has ended');
  expect(() => explainOutcome(decision, undefined)).toThrow(expect.objectContaining({ exitCode: 4 }) as Error);
});

test.each([
  ['malformed', 'the run could not read it; see "lockstep status --host db2" for what can be answered'],
  ['unknown question', 'see "lockstep status --host db2" for the questions that are open'],
  ['not open any more', 'it was answered, or the run has moved on; see "lockstep status --host db2"'],
  ['not open yet', 'the run has not come to it; answer when "lockstep watch --host db2" asks'],
  ['not a choice', 'the choices are go, no-go'],
  ['reason missing', 'say why: lockstep go final-backup --run migrate --host db2 --reason "…"'],
  ['same person', 'ann has agreed already, and somebody else has to: lockstep go final-backup --run migrate --host db2 --by NAME'],
  ['starter may not decide', 'ann started the run, and somebody else has to decide: lockstep go final-backup --run migrate --host db2 --by NAME'],
] as const)('an answer that did not count because of "%s" says what to do', (outcome, move) => {
  expect(() => explainOutcome(decision, { ...recorded, outcome }, { after: gate, flags: ' --host db2', run: 'migrate' })).toThrow(
    expect.objectContaining({ exitCode: 3, message: `"go" for final-backup did not count: ${outcome}; ${move}` }) as Error,
  );
});

test('what is not known of a question any more is looked up', () => {
  expect(() => explainOutcome(decision, { ...recorded, outcome: 'not a choice' })).toThrow('see "lockstep status" for its choices');
  expect(() => explainOutcome(decision, { ...recorded, outcome: 'reason missing' }, { after: { ...gate, reasonFor: ['go'] } })).toThrow('say why: lockstep go final-backup --reason "…"');
});
