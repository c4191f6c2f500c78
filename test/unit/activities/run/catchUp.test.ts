import { join } from 'node:path';
import { expect, test } from 'vitest';
import { catchUpWith, findLastRun } from '../../../../src/activities/run/catchUp.js';
import { keepFact, readFact } from '../../../../src/activities/run/runFacts.js';
import { openJournal, summarise, type JournalEntry } from '../../../../src/activities/wrapper/journal.js';
import { configSchema } from '../../../../src/config/schema.js';
import { withDirectory } from '../../needsRoot.js';
import { createAttempt } from '../attempt.js';
import { callWith } from '../wrapper/harness.js';

const settings = { filesystemCopy: false, testAccount: false, firstHourSeconds: 1, daySeconds: 1 };
const identity = { title: 'Title', plan: '4', opening: 1, phase: 'do', undoable: true } as const;
const at = (minute: number) => `2026-10-01T20:${String(minute).padStart(2, '0')}:00Z`;
const opened = (minute: number): JournalEntry => ({ kind: 'opened', at: at(minute), call: { node: 'open-run', ...identity }, nodes: ['copy', 'check'], settings, bootId: 'b', configDigest: 'd', lockstepVersion: '1' });
const began = (minute: number, node: string, number: number, phase: 'do' | 'undo' = 'do'): JournalEntry => ({ kind: 'began', at: at(minute), attempt: 1, bootId: 'b', node, ...identity, phase, number });
const ended = (minute: number, node: string, phase: 'do' | 'undo' = 'do'): JournalEntry => ({ kind: 'ended', at: at(minute), attempt: 1, result: 'done', seconds: 1, figures: { of: node }, node, ...identity, phase });
const closed = (minute: number, state: string): JournalEntry => ({ kind: 'closed', at: at(minute), state, outcome: 'done' });
const mark: JournalEntry = { kind: 'mark', at: at(5), mark: 'users may write on the new volume' };
const adoptedFrom = (minute: number, runId: string): JournalEntry => ({
  kind: 'adopted',
  at: at(minute),
  directory: `/runs/migrate-${runId}`,
  adopted: { runbook: 'migrate', runId, startedAt: at(0), state: 'left without an end', nodes: ['copy', 'check'], toUndo: ['copy'], reached: { found: [{ id: 'copy', result: { of: 'copy' } }], begun: ['copy'], settings } },
});

/** A host with runs, and the run of `migrate` that looks how far it is. */
async function hostWith(directory: string, runs: Readonly<Record<string, readonly JournalEntry[]>>, own = 'one') {
  const directoryOf = (run: string) => join(directory, 'runs', run);
  for (const [run, entries] of Object.entries(runs)) {
    await (await openJournal(join(directoryOf(run), 'journal.jsonl'))).append(...entries);
    await keepFact({ directory: directoryOf(run) }, 'source', { of: run });
  }
  const journal = await openJournal(join(directoryOf(`migrate-${own}`), 'journal.jsonl'));
  // The wrapper has written this when it looks.
  await journal.append({ kind: 'began', at: at(59), attempt: 1, bootId: 'b', node: 'catch-up', ...identity });
  return {
    ...createAttempt({ directory: directoryOf(`migrate-${own}`) }),
    config: configSchema.parse({ host: 'h1', stateDirectory: directory }),
    call: callWith({ runId: own, node: 'catch-up' }),
    journal: journal.append,
    readJournal: journal.read,
  };
}

test('a run whose server has an old history of it goes on from its own journal', () =>
  withDirectory(async (directory) => {
    const attempt = await hostWith(directory, { 'migrate-one': [opened(1), began(2, 'copy', 1), ended(3, 'copy'), began(4, 'check', 7)] });
    const last = await findLastRun(attempt, 'migrate', 'on');
    expect(last.name).toBe('migrate-one');
    const caughtUp = await catchUpWith(attempt, last, 'on');
    expect(caughtUp).toMatchObject({ calls: 7, goesBack: false, reached: { found: [{ id: 'copy', result: { of: 'copy' } }], settings } });
    expect((await attempt.readJournal()).some(({ kind }) => kind === 'adopted')).toBe(false);
  }));

test('a run that was reset takes up the one that it was reset from', () =>
  withDirectory(async (directory) => {
    const attempt = await hostWith(directory, { 'migrate-one': [opened(1), began(2, 'copy', 1), ended(3, 'copy'), mark] }, 'two');
    const caughtUp = await catchUpWith(attempt, await findLastRun(attempt, 'migrate', 'on'), 'on');
    // The number is this run's own: it begins to count in a journal of its own.
    expect(caughtUp).toMatchObject({ calls: 0, goesBack: false, reached: { found: [{ id: 'copy' }] } });
    expect(summarise(await attempt.readJournal())).toEqual({ toUndo: ['copy'], usersMayWriteSince: mark.at });
    expect(await readFact(attempt, 'source')).toEqual({ of: 'migrate-one' });
  }));

test('a run that another one took up, which the server has lost, takes that up in turn', () =>
  withDirectory(async (directory) => {
    const attempt = await hostWith(directory, {
      'migrate-one': [opened(1), began(2, 'copy', 1), ended(3, 'copy')],
      'migrate-two': [adoptedFrom(4, 'one'), opened(4), began(5, 'check', 1), mark, ended(6, 'check')],
    });
    const caughtUp = await catchUpWith(attempt, await findLastRun(attempt, 'migrate', 'on'), 'on');
    expect(caughtUp.reached?.found.map(({ id }) => id)).toEqual(['copy', 'check']);
    expect(summarise(await attempt.readJournal())).toEqual({ toUndo: ['copy', 'check'], usersMayWriteSince: mark.at });
    // And from then on it is itself the one that got furthest.
    await attempt.journal(began(7, 'finish', 4));
    expect((await findLastRun(attempt, 'migrate', 'on')).name).toBe('migrate-one');
  }));

test('what a lost way back has undone and carried over counts', () =>
  withDirectory(async (directory) => {
    const attempt = await hostWith(directory, {
      'migrate-one': [opened(1), began(2, 'copy', 1), began(3, 'check', 2), mark],
      'rollback-two': [
        { ...adoptedFrom(6, 'one'), adopted: { runbook: 'migrate', runId: 'one', startedAt: at(1), state: 'left without an end', nodes: ['copy', 'check'], toUndo: ['copy', 'check'], usersMayWriteSince: mark.at } } as JournalEntry,
        opened(6),
        { ...began(7, 'begin-way-back', 1), undoable: false } as JournalEntry,
        { kind: 'carried over', at: at(8), kept: '/data.before' },
        began(9, 'check', 2, 'undo'),
        ended(9, 'check', 'undo'),
      ],
    });
    await expect(findLastRun(attempt, 'migrate', 'on')).rejects.toThrow(/had begun to go back/);
    const caughtUp = await catchUpWith(attempt, await findLastRun(attempt, 'migrate', 'back'), 'back');
    expect(caughtUp).toEqual({ calls: 2, goesBack: true });
    expect(summarise(await attempt.readJournal())).toEqual({ toUndo: ['copy'], carriedOver: true, undoBegun: true });
  }));

test('a run that has gone on with this one and ended stands for it, also where it had nothing to undo', () =>
  withDirectory(async (directory) => {
    const reached = { found: [], begun: [], settings: { filesystemCopy: false, testAccount: false, firstHourSeconds: 1, daySeconds: 1 } };
    const attempt = await hostWith(directory, {
      'migrate-one': [opened(1), began(2, 'check', 1)],
      'migrate-two': [
        { ...adoptedFrom(6, 'one'), adopted: { runbook: 'migrate', runId: 'one', startedAt: at(1), state: 'left without an end', nodes: ['copy', 'check'], toUndo: [], reached } } as JournalEntry,
        opened(6),
        { ...began(7, 'check', 2), undoable: false } as JournalEntry,
        { kind: 'closed', at: at(9), state: 'succeeded', outcome: 'done' },
      ],
    });
    await expect(findLastRun(attempt, 'migrate', 'on')).rejects.toThrow(/migrate-two, begun .* ended as succeeded/);
  }));

test('an answer given now does not make a way back look as if it had been left', () =>
  withDirectory(async (directory) => {
    const attempt = await hostWith(directory, { 'migrate-one': [opened(1), began(2, 'copy', 1), began(3, 'begin-way-back', 2)] });
    await attempt.journal({ kind: 'decision', at: at(58), question: 'host-ahead', answer: 'continue', by: 'ann', outcome: 'counted' });
    await expect(findLastRun(attempt, 'migrate', 'on')).rejects.toThrow(/had begun to go back/);
  }));

test.each([
  ['has ended', { 'migrate-one': [opened(1), began(2, 'copy', 1), closed(3, 'succeeded')] }, /ended as succeeded; answer stop/],
  ['was begun anew on the host', { 'migrate-one': [opened(1), began(2, 'copy', 1)], 'migrate-two': [opened(3), began(4, 'copy', 1)] }, /migrate-two.*has begun anew on this host since/],
])('a run whose host another %s is not gone on with, in neither way', (_, runs, message) =>
  withDirectory(async (directory) => {
    const attempt = await hostWith(directory, runs);
    await expect(findLastRun(attempt, 'migrate', 'on')).rejects.toThrow(message);
    await expect(findLastRun(attempt, 'migrate', 'back')).rejects.toThrow(message);
  }),
);

test('a run that was reset, caught up and ended is known here as one that has ended', () =>
  withDirectory(async (directory) => {
    const reset = await hostWith(directory, { 'migrate-one': [opened(1), began(2, 'copy', 1), ended(3, 'copy')] }, 'two');
    await catchUpWith(reset, await findLastRun(reset, 'migrate', 'back'), 'back');
    await reset.journal(closed(10, 'rolled back'));
    const again = await hostWith(directory, {}, 'three');
    await expect(findLastRun(again, 'migrate', 'back')).rejects.toThrow(/migrate-two.*ended as rolled back.*answer stop/);
  }));

test.each([1, 2])('killed after %i of the lines that it writes, it finds the other run again', (lines) =>
  withDirectory(async (directory) => {
    const reset = await hostWith(directory, { 'migrate-one': [opened(1), began(2, 'copy', 1), ended(3, 'copy')] }, 'two');
    let written = 0;
    const journal = async (...entries: readonly JournalEntry[]) => {
      if (written === lines) throw new Error('killed');
      written += entries.length;
      await reset.journal(...entries);
    };
    const killed = catchUpWith({ ...reset, journal }, await findLastRun(reset, 'migrate', 'on'), 'on');
    await killed.catch(() => undefined);
    const caughtUp = await catchUpWith(reset, await findLastRun(reset, 'migrate', 'on'), 'on');
    expect(caughtUp.reached?.found.map(({ id }) => id)).toEqual(['copy']);
  }));
