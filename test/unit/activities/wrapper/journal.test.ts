import { appendFile, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hasActedBefore, openJournal, readDamagedJournal, readJournal, summarise, type JournalEntry } from '../../../../src/activities/wrapper/journal.js';
import { withDirectory } from '../../needsRoot.js';

const at = '2026-11-01T20:00:00.000Z';
const note = (text: string): JournalEntry => ({ kind: 'note', at, text });
const identity = (node: string, phase: 'do' | 'undo', undoable: boolean) => ({ node, title: node, plan: '1', opening: 1, phase, undoable });
const began = (node: string, undoable = true, phase: 'do' | 'undo' = 'do'): JournalEntry => ({ kind: 'began', at, attempt: 1, bootId: 'boot-1', ...identity(node, phase, undoable) });
const ended = (node: string, phase: 'do' | 'undo', result: 'done' | 'failed' | 'cancelled'): JournalEntry => ({ kind: 'ended', at, attempt: 1, result, seconds: 1, ...identity(node, phase, false) });
const undone = (node: string, result: 'done' | 'failed' | 'cancelled' = 'done') => ended(node, 'undo', result);

test('what is appended is read again, in order and by another process too', () =>
  withDirectory(async (directory) => {
    const path = join(directory, 'runs', 'one', 'journal.jsonl');
    const journal = await openJournal(path);
    expect(await journal.read()).toEqual([]);
    await journal.append();
    await journal.append(note('one\ntwo'), note('three'));
    await journal.append(note('four'));
    const again = await openJournal(path);
    expect(await again.read()).toEqual([note('one\ntwo'), note('three'), note('four')]);
    expect(again.earlier).toEqual(await again.read());
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(join(directory, 'runs', 'one'))).mode & 0o777).toBe(0o700);
  }));

test('a line that a power cut tore is cut off, wherever it was torn', () =>
  withDirectory(async (directory) => {
    const path = join(directory, 'journal.jsonl');
    const whole = Buffer.from(`${JSON.stringify(note('kept'))}\n`);
    const next = Buffer.from(`${JSON.stringify(note('torn – ü'))}\n`);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: next.length - 1 }), async (length) => {
        await writeFile(path, Buffer.concat([whole, next.subarray(0, length)]));
        const journal = await openJournal(path);
        await journal.append(note('later'));
        expect(await journal.read()).toEqual([note('kept'), note('later')]);
      }),
    );
  }));

test('a file of zeros, as a power cut may leave, is an empty journal', () =>
  withDirectory(async (directory) => {
    const path = join(directory, 'journal.jsonl');
    await writeFile(path, Buffer.alloc(4096));
    const journal = await openJournal(path);
    await journal.append(note('first'));
    expect(await readFile(path, 'utf8')).toBe(`${JSON.stringify(note('first'))}\n`);
  }));

test.each(['{"kind":"note",{"kind":"note"}', '\0\0\0', '', 'null', '7', '{"text":"without a kind"}'])('a line in the middle that is no entry is told by its number, with what to do: %j', (line) =>
  withDirectory(async (directory) => {
    const path = join(directory, 'journal.jsonl');
    await writeFile(path, [JSON.stringify(note('one')), line, JSON.stringify(note('three')), 'torn'].join('\n'));
    const told = { name: 'PermanentFailure', message: expect.stringMatching(new RegExp(`^line 2 of the journal ${path} is no entry.*then retry$`)) as string };
    await expect(openJournal(path)).rejects.toMatchObject(told);
    await expect(readJournal(path)).rejects.toMatchObject(told);
    expect(await readDamagedJournal(path)).toEqual({ entries: [note('one'), note('three')], damage: expect.objectContaining(told) as unknown });
  }));

test('opening leaves a journal alone that is whole', () =>
  withDirectory(async (directory) => {
    const path = join(directory, 'journal.jsonl');
    await appendFile(path, `${JSON.stringify(note('whole'))}\n`);
    expect(await (await openJournal(path)).read()).toEqual([note('whole')]);
  }));

test('what began and can be undone is to be undone, in the order in which it began', () => {
  expect(summarise([began('one'), began('two', false), began('three'), began('one')])).toEqual({ toUndo: ['one', 'three'] });
});

test('only an undo that ended well takes a step off; begun again it is on again', () => {
  expect(summarise([began('one'), began('one', false, 'undo')]).toUndo).toEqual(['one']);
  expect(summarise([began('one'), undone('one', 'failed'), undone('one', 'cancelled')]).toUndo).toEqual(['one']);
  expect(summarise([began('one'), began('two'), undone('two')]).toUndo).toEqual(['one']);
  expect(summarise([began('one'), began('two'), undone('one'), began('one')]).toUndo).toEqual(['two', 'one']);
});

test('users may write since the first mark', () => {
  const mark = (time: string): JournalEntry => ({ kind: 'mark', at: time, mark: 'users may write on the new volume' });
  expect(summarise([note('nothing')])).not.toHaveProperty('usersMayWriteSince');
  expect(summarise([mark('2026-11-01T20:00:00Z'), mark('2026-11-01T21:00:00Z')]).usersMayWriteSince).toBe('2026-11-01T20:00:00Z');
});

test('a carry-over is begun once somebody has chosen it, and not any more once users are let in again', () => {
  const chosen = (answer: string, outcome: 'counted' | 'reason missing' = 'counted'): JournalEntry => ({ kind: 'decision', at, question: 'past-the-point-of-no-return.2', answer, by: 'ann', outcome });
  expect(summarise([chosen('carry-over', 'reason missing'), chosen('stop')])).not.toHaveProperty('carryOverBegun');
  expect(summarise([chosen('carry-over'), note('more')])).toMatchObject({ carryOverBegun: true });
  expect(summarise([chosen('carry-over'), chosen('continue')])).not.toHaveProperty('carryOverBegun');
  // A crash between the answer and the step that lets users in leaves them out.
  expect(summarise([chosen('carry-over'), chosen('stop')])).toMatchObject({ carryOverBegun: true });
  const letIn = (result: 'done' | 'failed') => ended('leave-maintenance', 'do', result);
  expect(summarise([chosen('carry-over'), chosen('stop'), letIn('failed')])).toMatchObject({ carryOverBegun: true });
  expect(summarise([chosen('carry-over'), chosen('stop'), letIn('done')])).not.toHaveProperty('carryOverBegun');
});

test('an attempt acted before unless all it did was to find a secret missing', () => {
  const copy = { node: 'copy', phase: 'do' } as const;
  const asked: JournalEntry = { kind: 'ended', at, attempt: 1, result: 'secret needed', seconds: 1, ...identity('copy', 'do', true) };
  expect(hasActedBefore([], copy)).toBe(false);
  expect(hasActedBefore([began('copy'), asked], copy)).toBe(false);
  expect(hasActedBefore([began('copy'), asked, began('copy')], copy)).toBe(true);
  expect(hasActedBefore([began('copy'), { ...asked, result: 'failed' }], copy)).toBe(true);
  expect(hasActedBefore([began('copy', true, 'undo'), began('other')], copy)).toBe(false);
});
