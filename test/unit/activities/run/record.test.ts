import { expect, test } from 'vitest';
import { conditionsNodeOf } from '../../../../src/contract/names.js';
import { makeRecord, renderRecord, type RecordFrame } from '../../../../src/activities/run/record.js';
import type { EndOfAttempt, JournalEntry } from '../../../../src/activities/wrapper/journal.js';

const time = (seconds: number) => new Date(Date.UTC(2026, 10, 1, 20) + seconds * 1000).toISOString();
const identity = (node: string, opening = 1) => ({ node, title: `Do ${node}`, plan: '4', opening, phase: 'do', undoable: true }) as const;
const began = (node: string, at: number, attempt = 1): JournalEntry => ({ kind: 'began', at: time(at), attempt, bootId: 'boot-1', ...identity(node) });
const ended = (node: string, at: number, seconds: number, more: { result?: EndOfAttempt; figures?: unknown; message?: string } = {}): JournalEntry => ({
  kind: 'ended',
  at: time(at),
  attempt: 1,
  result: 'done',
  seconds,
  ...more,
  ...identity(node),
});
const outcome = (node: string, at: number, state: 'done' | 'failed' | 'skipped' | 'not needed' | 'undone', note?: string): JournalEntry => ({
  kind: 'node',
  at: time(at),
  node,
  title: `Do ${node}`,
  plan: '4',
  state,
  ...(note === undefined ? {} : { note }),
});
const decision = (at: number, reason?: string): JournalEntry => ({
  kind: 'decision',
  at: time(at),
  question: 'ready',
  answer: 'go',
  by: 'ann',
  outcome: 'counted',
  ...(reason === undefined ? {} : { reason }),
});
const opened: JournalEntry = {
  kind: 'opened',
  at: time(0),
  call: identity('open-run'),
  nodes: ['copy', 'check'],
  settings: { filesystemCopy: false, testAccount: false, firstHourSeconds: 1, daySeconds: 1 },
  bootId: 'boot-1',
  configDigest: 'abc',
  lockstepVersion: '1.2.3',
};

const frame: RecordFrame = {
  lockstepVersion: '1.2.3',
  runbook: 'migrate',
  host: 'h1',
  workflowId: 'h1/migrate',
  runId: 'run-1',
  startedBy: 'ann',
  state: 'succeeded',
  outcome: 'done',
  summary: [['copied', '7 files']],
};
const nodeOf = (id: string, journal: readonly JournalEntry[]) => makeRecord(frame, journal).nodes.find((node) => node.id === id);
const engineOf = (...journal: readonly JournalEntry[]) => makeRecord(frame, journal).engine;

test('the frame of a run: when it was opened, with which configuration, when its last line was written', () => {
  const record = makeRecord(frame, [opened, began('copy', 1), ended('copy', 5, 4)]);
  expect(record).toMatchObject({ schema: 1, startedAt: time(0), endedAt: time(5), configDigest: 'abc', state: 'succeeded', summary: [['copied', '7 files']] });
});

test('a node counts its attempts and the time of all of them, and keeps each failure', () => {
  const journal = [
    began('copy', 1),
    ended('copy', 3, 2, { result: 'failed', message: 'connection reset' }),
    began('copy', 4, 2),
    // Killed: this attempt has no end.
    began('copy', 8, 3),
    ended('copy', 18, 10, { figures: { files: 3 } }),
    { ...outcome('copy', 18, 'done'), facts: [['files', '3']] } as JournalEntry,
  ];
  expect(nodeOf('copy', journal)).toEqual({
    id: 'copy',
    title: 'Do copy',
    plan: '4',
    state: 'done',
    startedAt: time(1),
    endedAt: time(18),
    attempts: 3,
    seconds: 12,
    figures: { files: 3 },
    facts: [['files', '3']],
    failures: ['connection reset'],
  });
});

test('what a step found stays in the record when it is undone', () => {
  const journal = [
    began('copy', 1),
    ended('copy', 3, 2),
    { ...outcome('copy', 3, 'done'), facts: [['files', '3']] } as JournalEntry,
    outcome('copy', 9, 'undone'),
  ];
  expect(nodeOf('copy', journal)).toMatchObject({ state: 'undone', facts: [['files', '3']] });
});

test('an attempt that only found a secret missing is neither a try nor a failure', () => {
  const journal = [began('copy', 1), ended('copy', 2, 1, { result: 'secret needed', message: 'the passphrase, please' }), began('copy', 9), ended('copy', 10, 1)];
  expect(nodeOf('copy', journal)).toMatchObject({ attempts: 1, failures: [], state: 'done', startedAt: time(1) });
});

test('a node that never ran has what the engine told of it', () => {
  expect(nodeOf('extra', [outcome('extra', 1, 'not needed', 'none is configured')])).toMatchObject({ state: 'not needed', note: 'none is configured', attempts: 0, seconds: 0 });
});

test('the engine’s last word on a node counts', () => {
  const journal = [began('copy', 1), ended('copy', 2, 1, { result: 'failed' }), outcome('copy', 3, 'failed'), outcome('copy', 9, 'skipped', 'skipped by ann: known')];
  expect(nodeOf('copy', journal)).toMatchObject({ state: 'skipped', note: 'skipped by ann: known' });
});

test('of a node without the engine’s word the journal itself tells', () => {
  expect(nodeOf('copy', [began('copy', 1), ended('copy', 2, 1)])).toMatchObject({ state: 'done' });
  expect(nodeOf('copy', [began('copy', 1)])).toMatchObject({ state: 'failed', attempts: 1 });
});

test('nodes stand in the order in which they were first told of', () => {
  const { nodes } = makeRecord(frame, [began('b', 1), ended('b', 2, 1), began('a', 3), outcome('b', 3, 'done'), ended('a', 4, 1)]);
  expect(nodes.map(({ id }) => id)).toEqual(['b', 'a']);
});

test('the engine’s share is the time from the end of a step to the beginning of the next', () => {
  expect(engineOf(began('a', 0), ended('a', 10, 10), began('b', 10.2), ended('b', 15, 4.8), began('c', 15.4), ended('c', 16, 0.6))).toEqual({
    secondsInSteps: 15.4,
    secondsBetweenSteps: 0.6,
    medianMillisecondsBetweenSteps: 400,
  });
  expect(engineOf()).toEqual({ secondsInSteps: 0, secondsBetweenSteps: 0, medianMillisecondsBetweenSteps: 0 });
});

test('time in which a person thought is not the engine’s', () => {
  expect(engineOf(began('a', 0), ended('a', 10, 10), decision(3000), began('b', 3600)).secondsBetweenSteps).toBe(0);
});

test('time in which a run waited for its window, or for a retry, is not the engine’s', () => {
  expect(engineOf(began('a', 0), ended('a', 10, 10), outcome('a', 86_400, 'done'), outcome('window', 86_400, 'done', 'opened, time'), began('b', 86_400)).secondsBetweenSteps).toBe(0);
  expect(engineOf(began('a', 0), ended('a', 10, 10, { result: 'failed' }), began('a', 20, 2)).secondsBetweenSteps).toBe(0);
  // What was left out took no time: the step after it follows on the one before.
  expect(engineOf(began('a', 0), ended('a', 10, 10), outcome('extra', 11, 'not needed', 'none'), began('b', 11)).secondsBetweenSteps).toBe(1);
});

test('the page keeps its tables whatever people and tools wrote', () => {
  const journal = [
    opened,
    decision(2, 'a | b\nc'),
    began('copy', 3),
    ended('copy', 4, 1, { result: 'failed', message: 'exit | status\nsecond line' }),
    outcome('copy', 5, 'skipped', 'skipped by ann | ben'),
  ];
  const page = renderRecord(makeRecord(frame, journal));
  const rows = page.split('\n').filter((line) => line.startsWith('| '));
  const cells = (row: string) => row.split(/(?<!\\)\|/).length;
  const [steps, decisions] = [rows.filter((row) => row.startsWith('| Do ')), rows.filter((row) => row.startsWith('| 2026'))];
  expect(steps.map(cells)).toEqual([8]);
  expect(decisions.map(cells)).toEqual([8]);
  expect(steps[0]).toContain('skipped by ann \\| ben; exit \\| status second line');
  expect(decisions[0]).toContain('a \\| b c');
});

test('the page says what the run came to, and that names are claimed', () => {
  const page = renderRecord(makeRecord(frame, [opened, began('copy', 1), ended('copy', 5, 4)]));
  expect(page).toContain('# migrate on h1: succeeded');
  expect(page).toContain('- copied: **7 files**');
  expect(page).toContain('SHA-256 abc');
  expect(page).toContain('| Do copy | 4 | done | 4.0 | 1 |  |');
  expect(page).toContain('recorded as claimed');
});

const goneOn = (second: number): JournalEntry => ({ kind: 'decision', at: time(second), question: 'past-the-point-of-no-return', answer: 'continue', by: 'ann', outcome: 'counted' });

test.each([
  [125, 'The way back took 2 min 05 s; the plan allows 30 to 60 minutes.'],
  [4000, 'The way back took 1 h 06 min; the plan allows 30 to 60 minutes: it took longer.'],
])('a run that went back tells how long that took, beside the plan: %i s', (seconds, words) => {
  const journal = [opened, began('copy', 1), ended('copy', 5, 4), began('begin-way-back', 8), goneOn(9), began('begin-way-back', 10, 2), ended('begin-way-back', 11, 1), began('begin-way-back', 12, 3), ended('copy', 10 + seconds, 1)];
  const record = makeRecord({ ...frame, state: 'rolled back' }, journal);
  expect(record.wayBack).toEqual({ seconds, planSeconds: 3600 });
  expect(renderRecord(record)).toContain(words);
  expect(makeRecord(frame, journal).wayBack).toBeUndefined();
});

test('conditions that were put right while a step waited are not counted as the step', () => {
  const journal = [opened, began('copy', 1), ended('copy', 2, 1, { result: 'failed' }), began(conditionsNodeOf('copy'), 3), ended(conditionsNodeOf('copy'), 4, 1)];
  expect(makeRecord(frame, journal).nodes.map(({ id, attempts }) => ({ id, attempts }))).toEqual([{ id: 'copy', attempts: 1 }]);
});
