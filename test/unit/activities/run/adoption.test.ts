import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { adoptLastRun, assertLastRunGoesOn, tellAdoptedRun } from '../../../../src/activities/run/adoption.js';
import { createRunActivities } from '../../../../src/activities/run/run.js';
import { keepFact, readFact } from '../../../../src/activities/run/runFacts.js';
import { createClaimFile } from '../../../../src/activities/wrapper/claim.js';
import { hasActedBefore, openJournal, summarise, type JournalEntry } from '../../../../src/activities/wrapper/journal.js';
import { configSchema } from '../../../../src/config/schema.js';
import { withDirectory } from '../../needsRoot.js';
import { createAttempt } from '../attempt.js';
import { callWith } from '../wrapper/harness.js';
import { createTurns } from '../../../../src/activities/wrapper/turns.js';

const identity = { node: 'copy', title: 'Copy', plan: '4', opening: 1, phase: 'do', undoable: true } as const;

function openedAt(at: string, order?: number): JournalEntry {
  const settings = { filesystemCopy: false, testAccount: false, firstHourSeconds: 1, daySeconds: 1 };
  return { kind: 'opened', at, call: identity, nodes: ['copy', 'check'], settings, bootId: 'boot-1', configDigest: 'd', lockstepVersion: '1', ...(order === undefined ? {} : { order }) };
}
const began: JournalEntry = { kind: 'began', at: '2026-10-01T20:01:00Z', attempt: 1, bootId: 'boot-1', ...identity };
const undone: JournalEntry = { ...began, phase: 'undo' };
const mark: JournalEntry = { kind: 'mark', at: '2026-10-01T20:02:00Z', mark: 'users may write on the new volume' };
const closed: JournalEntry = { kind: 'closed', at: '2026-10-01T20:03:00Z', state: 'succeeded', outcome: 'done' };

/** A host with some runs of `migrate`, and a run that goes back. */
async function hostWith(directory: string, runs: Readonly<Record<string, readonly JournalEntry[]>>) {
  const config = configSchema.parse({ host: 'h1', stateDirectory: directory });
  const directoryOf = (run: string) => join(directory, 'runs', run);
  for (const [run, entries] of Object.entries(runs)) {
    const journal = await openJournal(join(directoryOf(run), 'journal.jsonl'));
    await journal.append(...entries);
    await keepFact({ directory: directoryOf(run) }, 'source', { of: run });
    await keepFact({ directory: directoryOf(run) }, 'record', { of: run });
    await keepFact({ directory: directoryOf(run) }, 'source-on-the-way-back', { untouched: true });
  }
  const journal = await openJournal(join(directoryOf('rollback-new'), 'journal.jsonl'));
  const attempt = {
    ...createAttempt({ directory: directoryOf('rollback-new') }),
    config,
    call: callWith({ runbook: 'rollback', runId: 'new', node: 'open-run' }),
    journal: journal.append,
    readJournal: journal.read,
  };
  return { attempt, readJournal: journal.read, journalOf: async (run: string) => (await openJournal(join(directoryOf(run), 'journal.jsonl'))).earlier };
}

test('a run takes up the last one: its facts, what is to be undone, and since when users may write elsewhere', () =>
  withDirectory(async (directory) => {
    const { attempt, readJournal } = await hostWith(directory, {
      'migrate-a': [openedAt('2026-10-01T20:00:00Z'), began, mark, closed],
      'migrate-b': [openedAt('2026-09-01T20:00:00Z'), began],
      'other-c': [openedAt('2026-11-01T20:00:00Z'), began],
    });
    const adopted = await adoptLastRun(attempt, 'migrate');
    expect(adopted).toEqual({ runbook: 'migrate', runId: 'a', startedAt: '2026-10-01T20:00:00Z', state: 'succeeded', nodes: ['copy', 'check'], toUndo: ['copy'], usersMayWriteSince: mark.at, begun: ['copy'] });
    expect(await readFact(attempt, 'source')).toEqual({ of: 'migrate-a' });
    expect(await readFact(attempt, 'record')).toBeUndefined();
    expect(summarise(await readJournal())).toEqual({ toUndo: ['copy'], usersMayWriteSince: mark.at });
    // Another attempt after a crash takes up the same one.
    expect(await adoptLastRun(attempt, 'migrate')).toEqual(adopted);
    expect((await readJournal()).filter(({ kind }) => kind === 'adopted')).toHaveLength(1);
  }));

test('the last run is the one that began last, also where the clock was ahead before', () =>
  withDirectory(async (directory) => {
    const { attempt } = await hostWith(directory, {
      'migrate-a': [openedAt('2027-01-01T20:00:00Z', 1), began, { ...closed, state: 'rolled back' }],
      'migrate-b': [openedAt('2026-10-01T20:00:00Z', 2), began, closed],
    });
    expect((await adoptLastRun(attempt, 'migrate')).runId).toBe('b');
  }));

test('a run that changed nothing hides no earlier one: not from the way back, nor from going on', () =>
  withDirectory(async (directory) => {
    const rolledBack: JournalEntry = { ...closed, at: '2026-10-03T20:03:00Z', state: 'rolled back' };
    const stopped: JournalEntry = { ...closed, at: '2026-10-04T20:03:00Z', state: 'stopped' };
    const looked: JournalEntry = { ...began, at: '2026-10-02T20:01:00Z', undoable: false, node: 'check' };
    const taken = { runbook: 'migrate', runId: 'a', startedAt: '2026-10-01T20:00:00Z', state: 'left without an end', nodes: ['copy', 'check'], toUndo: ['copy'] };
    const { attempt } = await hostWith(directory, {
      'migrate-a': [openedAt('2026-10-01T20:00:00Z'), began],
      'migrate-b': [openedAt('2026-10-02T20:00:00Z'), looked, { ...looked, node: 'begin-way-back' }, rolledBack],
      'rollback-c': [openedAt('2026-10-03T20:00:00Z'), { kind: 'adopted', at: '2026-10-03T20:00:00Z', directory: 'x', adopted: taken }, looked, stopped],
    });
    await expect(assertLastRunGoesOn(attempt, 'migrate')).resolves.toBeUndefined();
    expect(await adoptLastRun(attempt, 'migrate')).toMatchObject({ runId: 'a', toUndo: ['copy'] });
  }));

test('a run that has gone on with a lost one stands for it, also where it had nothing to undo', () =>
  withDirectory(async (directory) => {
    const removed: JournalEntry = { ...began, undoable: false, node: 'remove' };
    const reached = { found: [], begun: ['remove'], settings: { filesystemCopy: false, testAccount: false, firstHourSeconds: 1, daySeconds: 1 } };
    const taken = { runbook: 'decommissionPlaintext', runId: 'a', startedAt: '2026-10-01T20:00:00Z', state: 'left without an end', nodes: ['remove'], toUndo: [], reached };
    const { attempt } = await hostWith(directory, {
      'decommissionPlaintext-a': [openedAt('2026-10-01T20:00:00Z'), removed],
      'decommissionPlaintext-b': [openedAt('2026-10-02T20:00:00Z'), { kind: 'adopted', at: '2026-10-02T20:00:00Z', directory: 'x', adopted: taken }, removed, closed],
    });
    await expect(assertLastRunGoesOn(attempt, 'decommissionPlaintext')).rejects.toThrow('ended as succeeded: there is nothing to go on with');
  }));

test('a way back that was left at its gate does not hide that the old data was removed', () =>
  withDirectory(async (directory) => {
    const taken = { runbook: 'migrate', runId: 'a', startedAt: '2026-10-01T20:00:00Z', state: 'succeeded', nodes: ['copy', 'check'], toUndo: ['copy'] };
    const { attempt } = await hostWith(directory, {
      'migrate-a': [openedAt('2026-10-01T20:00:00Z'), began, mark, closed, { kind: 'decommission begun', at: '2026-11-01T20:00:00Z', byRun: 'd' }],
      'rollback-c': [openedAt('2026-10-03T20:00:00Z'), { kind: 'adopted', at: '2026-10-03T20:00:00Z', directory: 'x', adopted: taken }, { ...closed, state: 'stopped' }],
    });
    await expect(adoptLastRun(attempt, 'migrate')).rejects.toThrow('there is no old volume to go back to');
  }));

test('a run that lost its server is taken up as well', () =>
  withDirectory(async (directory) => {
    const { attempt } = await hostWith(directory, { 'migrate-a': [openedAt('2026-10-01T20:00:00Z'), began] });
    expect(await adoptLastRun(attempt, 'migrate')).toMatchObject({ state: 'left without an end', toUndo: ['copy'] });
  }));

describe('a journal with a line that is no entry', () => {
  const older = [openedAt('2026-10-01T20:00:00Z'), began, mark, closed];
  const anew = [openedAt('2026-10-02T20:00:00Z'), began, closed];
  const taken = { runbook: 'migrate', runId: 'b', startedAt: '2026-10-02T20:00:00Z', state: 'succeeded', nodes: ['copy', 'check'], toUndo: ['copy'] };
  const goesBack = [openedAt('2026-10-03T20:00:00Z'), { kind: 'adopted', at: '2026-10-03T20:00:00Z', directory: 'x', adopted: taken } as const, undone];
  const damage = (directory: string, run: string) => appendFile(join(directory, 'runs', run, 'journal.jsonl'), '{"kind":"began",{"kind":"ended"}\n');

  test('stops nobody where its run has ended and a later one has begun anew', () =>
    withDirectory(async (directory) => {
      const { attempt } = await hostWith(directory, { 'migrate-a': older, 'migrate-b': anew });
      await damage(directory, 'migrate-a');
      expect(await adoptLastRun(attempt, 'migrate')).toMatchObject({ runId: 'b', toUndo: ['copy'] });
    }));

  test.each<[string, Readonly<Record<string, readonly JournalEntry[]>>, string]>([
    ['it is that of the last run', { 'migrate-a': older, 'migrate-b': anew }, 'migrate-b'],
    ['its run has no end', { 'migrate-a': [openedAt('2026-10-01T20:00:00Z'), began], 'migrate-b': anew }, 'migrate-a'],
    ['its beginning is lost', { 'migrate-a': [began, closed], 'migrate-b': anew }, 'migrate-a'],
    ['no later run has changed the host', { 'migrate-a': older, 'migrate-b': [openedAt('2026-10-02T20:00:00Z'), closed] }, 'migrate-a'],
    ['a later run only went back from it', { 'migrate-b': anew, 'rollback-c': goesBack }, 'migrate-b'],
  ])('is told, with the file, where %s', (_, runs, damaged) =>
    withDirectory(async (directory) => {
      const { attempt } = await hostWith(directory, runs);
      await damage(directory, damaged);
      await expect(adoptLastRun(attempt, 'migrate')).rejects.toThrow(new RegExp(`^line \\d of the journal ${join(directory, 'runs', damaged, 'journal.jsonl')} is no entry`));
    }),
  );

  test('is told where its run holds the host, however old that is', () =>
    withDirectory(async (directory) => {
      const { attempt } = await hostWith(directory, { 'migrate-a': older, 'migrate-b': anew });
      await damage(directory, 'migrate-a');
      await createClaimFile(directory).take({ workflowId: 'h1/migrate', runId: 'a', runbook: 'migrate', startedBy: 'ann', takenAt: '2026-10-01T20:00:00Z' });
      await expect(adoptLastRun(attempt, 'migrate')).rejects.toThrow(/migrate-a\/journal\.jsonl is no entry.*, and its run holds this host since 2026-10-01T20:00:00Z; keep a copy/);
    }));
});

test('a run is undone once: its journal is told, and it is not taken up again', () =>
  withDirectory(async (directory) => {
    const { attempt, journalOf } = await hostWith(directory, { 'migrate-a': [openedAt('2026-10-01T20:00:00Z'), began, mark, closed] });
    await adoptLastRun(attempt, 'migrate');
    await tellAdoptedRun(attempt);
    await tellAdoptedRun(attempt);
    expect((await journalOf('migrate-a')).filter(({ kind }) => kind === 'rolled back')).toEqual([expect.objectContaining({ byRun: 'new' })]);
    const again = await hostWith(join(directory, 'again'), { 'migrate-a': await journalOf('migrate-a') });
    await expect(adoptLastRun(again.attempt, 'migrate')).rejects.toThrow(/run a, of 2026-10-01T20:00:00Z\) has nothing left to undo/);
  }));

test('a way back that was lost is gone on with from where it came to, not from the beginning', () =>
  withDirectory(async (directory) => {
    const taken = { runbook: 'migrate', runId: 'a', startedAt: '2026-10-01T20:00:00Z', state: 'succeeded', nodes: ['copy', 'check'], toUndo: ['copy', 'check'], usersMayWriteSince: mark.at };
    const undone: JournalEntry = { kind: 'ended', at: '2026-10-02T20:05:00Z', attempt: 1, result: 'done', seconds: 1, ...identity, node: 'check', phase: 'undo' };
    const { attempt } = await hostWith(directory, {
      'migrate-a': [openedAt('2026-10-01T20:00:00Z'), began, mark, closed],
      'rollback-lost': [
        { kind: 'adopted', at: '2026-10-02T20:00:00Z', directory: join(directory, 'runs', 'migrate-a'), adopted: taken },
        { ...openedAt('2026-10-02T20:00:00Z'), nodes: ['decide'] } as JournalEntry,
        { kind: 'carried over', at: '2026-10-02T20:04:00Z', kept: '/data.before-lost' },
        undone,
      ],
    });
    const adopted = await adoptLastRun(attempt, 'migrate');
    // Users' writes are in the old place already: there is nothing left to ask about them.
    expect(adopted).toEqual({ runbook: 'migrate', runId: 'a', startedAt: '2026-10-02T20:00:00Z', state: 'left without an end', nodes: ['copy', 'check'], toUndo: ['copy'], carriedOver: true, begun: [] });
    expect(await readFact(attempt, 'source')).toEqual({ of: 'rollback-lost' });
  }));

test.each<[string, object]>([
  ['a way back', { begun: ['copy', 'copy-back'] }],
  ['a run of an older version', { reached: { found: [], begun: ['copy', 'copy-back'], settings: { filesystemCopy: false, testAccount: false, firstHourSeconds: 1, daySeconds: 1 } } }],
])('a way back knows the steps that were begun by the runs before it: also what %s had taken up', (_, known) =>
  withDirectory(async (directory) => {
    const taken = { runbook: 'migrate', runId: 'a', startedAt: '2026-10-01T20:00:00Z', state: 'left without an end', nodes: ['copy', 'check'], toUndo: ['copy'], ...known };
    const { attempt, readJournal } = await hostWith(directory, {
      'rollback-lost': [openedAt('2026-10-02T20:00:00Z'), { kind: 'adopted', at: '2026-10-02T20:00:00Z', directory: 'x', adopted: taken }, { ...began, node: 'stop', undoable: false }, undone],
    });
    const adopted = await adoptLastRun(attempt, 'migrate');
    expect(adopted.begun).toEqual(['copy', 'copy-back', 'stop']);
    // It is on its way back for all that: no step of its own counts as another attempt, and none as reached.
    expect(adopted.reached).toBeUndefined();
    expect(hasActedBefore(await readJournal(), { node: 'stop', phase: 'do' })).toBe(false);
  }),
);

test('where there is nothing to go back from, the run is refused and does not keep the host', () =>
  withDirectory(async (directory) => {
    const { attempt } = await hostWith(directory, {});
    const activities = createRunActivities({
      lockstepVersion: '1',
      configDigest: () => Promise.resolve('d'),
      bootId: () => Promise.resolve('boot-1'),
      endLeftovers: () => Promise.resolve(),
      ensure: () => Promise.resolve(),
    turns: createTurns(),
    forgetSecrets: () => undefined,
      isRunning: () => Promise.resolve(false),
    });
    await expect(activities.openRun.perform(attempt, { nodes: [], takeOver: false, undoes: 'migrate' })).rejects.toThrow('no migrate has run on this host');
    expect(await createClaimFile(directory).read()).toBeUndefined();
  }));

const ended: JournalEntry = { kind: 'ended', at: '2026-10-01T20:01:30Z', attempt: 1, result: 'done', seconds: 1, figures: { files: 3 }, ...identity };
const beganNext: JournalEntry = { ...began, node: 'check' };

test('a run that goes on with a lost one knows what that found, what it began, and its settings', () =>
  withDirectory(async (directory) => {
    const { attempt, readJournal } = await hostWith(directory, { 'migrate-a': [openedAt('2026-10-01T20:00:00Z'), began, ended, mark, beganNext] });
    await assertLastRunGoesOn(attempt, 'migrate');
    const { reached, usersMayWriteSince, toUndo } = await adoptLastRun(attempt, 'migrate', { goesOn: true });
    expect(reached).toEqual({ found: [{ id: 'copy', result: { files: 3 } }], begun: ['copy', 'check'], settings: { filesystemCopy: false, testAccount: false, firstHourSeconds: 1, daySeconds: 1 } });
    expect(usersMayWriteSince).toBe(mark.at);
    expect(toUndo).toEqual(['copy', 'check']);
    // The next step may have been left half-way: it is not its first attempt.
    const entries = await readJournal();
    expect(hasActedBefore(entries, { node: 'check', phase: 'do' })).toBe(true);
    expect(hasActedBefore(entries, { node: 'other', phase: 'do' })).toBe(false);
  }));

test.each([
  ['ended', [closed], /ended as succeeded/],
  ['begun to go back', [undone], /had begun to go back.*rollback --take-over/],
  ['read its journal for the way back', [{ ...began, node: 'begin-way-back' }], /had begun to go back/],
] as const)('a run that has %s is not gone on with', (_, entries, message) =>
  withDirectory(async (directory) => {
    const { attempt } = await hostWith(directory, { 'migrate-a': [openedAt('2026-10-01T20:00:00Z'), began, ended, ...entries] });
    await expect(assertLastRunGoesOn(attempt, 'migrate')).rejects.toThrow(message);
  }));

test('a way back that was lost before anybody decided for it does not hide the run that it would have gone back from', () =>
  withDirectory(async (directory) => {
    const taken = { runbook: 'migrate', runId: 'a', startedAt: '2026-10-01T20:00:00Z', state: 'left without an end', nodes: ['copy', 'check'], toUndo: ['copy'] };
    const { attempt } = await hostWith(directory, {
      'migrate-a': [openedAt('2026-10-01T20:00:00Z', 1), began, ended, beganNext],
      'rollback-b': [openedAt('2026-10-02T20:00:00Z', 2), { kind: 'adopted', at: '', directory: join(directory, 'runs', 'migrate-a'), adopted: taken }],
    });
    await assertLastRunGoesOn(attempt, 'migrate');
    const { runId, reached } = await adoptLastRun(attempt, 'migrate', { goesOn: true });
    expect(runId).toBe('a');
    expect(reached?.found).toEqual([{ id: 'copy', result: { files: 3 } }]);
  }));

test('a run that went back after it had ended, and was lost there, has not ended', () =>
  withDirectory(async (directory) => {
    const { attempt } = await hostWith(directory, { 'migrate-a': [openedAt('2026-10-01T20:00:00Z'), began, closed, { ...began, node: 'begin-way-back' }, undone] });
    expect(await adoptLastRun(attempt, 'migrate')).toMatchObject({ state: 'left without an end', wayBackBegun: true });
  }));

test('what a run saw of the old database before its end says nothing of it afterwards: somebody may have used it since', () =>
  withDirectory(async (directory) => {
    const { attempt } = await hostWith(directory, { 'migrate-a': [openedAt('2026-10-01T20:00:00Z'), began, closed] });
    await adoptLastRun(attempt, 'migrate');
    expect(await readFact(attempt, 'source-on-the-way-back')).toBeUndefined();
  }));

test('of a run that was lost it holds: its way back is gone on with', () =>
  withDirectory(async (directory) => {
    const { attempt } = await hostWith(directory, { 'migrate-a': [openedAt('2026-10-01T20:00:00Z'), began] });
    await adoptLastRun(attempt, 'migrate');
    expect(await readFact(attempt, 'source-on-the-way-back')).toEqual({ untouched: true });
  }));

test('a lost run that had begun to go back is gone on with by its own runbook where rollback does not go back from it', () =>
  withDirectory(async (directory) => {
    const wayBack: JournalEntry = { ...began, undoable: false, node: 'begin-way-back' };
    const { attempt } = await hostWith(directory, { 'rotateKey-a': [openedAt('2026-10-01T20:00:00Z'), began, wayBack], 'migrate-b': [openedAt('2026-10-02T20:00:00Z'), began, wayBack] });
    await expect(assertLastRunGoesOn(attempt, 'rotateKey')).resolves.toBeUndefined();
    await expect(assertLastRunGoesOn(attempt, 'migrate')).rejects.toThrow('"lockstep start rollback --take-over"');
    expect(await adoptLastRun(attempt, 'rotateKey', { goesOn: true })).toMatchObject({ runId: 'a', wayBackBegun: true, toUndo: ['copy'] });
  }));
