import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { assertNotBehind, highestNumber } from '../../../../src/activities/wrapper/hostAhead.js';
import type { JournalEntry } from '../../../../src/activities/wrapper/journal.js';
import { failureTypes, HostAhead } from '../../../../src/contract/errors.js';
import { assertRoot, withDirectory } from '../../needsRoot.js';
import { callWith, changing, createWrapperHarness } from './harness.js';

beforeAll(() => assertRoot('the audit log is given to the group adm'));

const identity = { title: 'Copy', plan: '4', opening: 1, phase: 'do', undoable: true } as const;
const began = (node: string, number?: number): JournalEntry => ({
  ...{ kind: 'began', at: '2026-10-01T20:01:00Z', attempt: 1, bootId: 'boot-1', node, ...identity },
  ...(number === undefined ? {} : { number }),
});
const mark: JournalEntry = { kind: 'mark', at: '2026-10-01T20:02:00Z', mark: 'users may write on the new volume' };
const closed: JournalEntry = { kind: 'closed', at: '2026-10-01T20:03:00Z', state: 'succeeded', outcome: 'done' };
const call = (node: string, number?: number) => callWith({ node, title: `Title of ${node}`, ...(number === undefined ? {} : { number }) });

test.each([
  ['the next call', call('check', 3)],
  ['another attempt of the last one', call('copy', 2)],
  ['one that was never begun before the last, as where a person ended it', call('check', 7)],
  ['a call of a version that did not count', call('stop')],
])('%s fits the journal', (_, fits) => {
  expect(() => assertNotBehind([began('stop', 1), began('copy', 2), began('old version')], fits)).not.toThrow();
});

test.each([
  ['an earlier one', call('stop', 1)],
  ['another one in the place of the last', call('check', 2)],
  ['the last one in its other phase', { ...call('copy', 2), phase: 'undo' } as const],
])('%s is refused, with what the journal knows beyond it', (_, behind) => {
  const refuse = () => assertNotBehind([began('stop', 1), began('copy', 2), mark], behind);
  expect(refuse).toThrow(HostAhead);
  expect(refuse).toThrow(/goes on to call 2\. last begun: "Copy", 2026-10-01T20:01:00Z, without an end; users may have written on the encrypted volume since 2026-10-01T20:02:00Z/);
});

test('of a run that has ended that is told, so that nobody tries to go on with it', () => {
  try {
    assertNotBehind([began('stop', 1), began('copy', 2), closed], call('stop', 1));
  } catch (error) {
    expect(error).toMatchObject({ hasEnded: true, message: expect.stringContaining('ended as succeeded') as string });
    return;
  }
  expect.unreachable('it was not refused');
});

test('the highest number is that of any call', () => {
  expect(highestNumber([])).toBe(0);
  expect(highestNumber([began('old version'), began('copy', 4), began('stop', 3)])).toBe(4);
});

test('a step of an old history does not act, and leaves no trace in the journal', () =>
  withDirectory(async (directory) => {
    const harness = createWrapperHarness(directory);
    await harness.claim();
    const succeeds = changing(() => Promise.resolve());
    await harness.run(succeeds, { call: call('stop', 1) });
    await harness.run(succeeds, { call: call('copy', 2) });
    const before = await harness.journal();
    const again = harness.run(changing(() => expect.unreachable('it acted')), { call: call('stop', 1) });
    await expect(again).rejects.toMatchObject({ type: failureTypes.hostAhead, nonRetryable: true, details: [false, 2] });
    expect(await harness.journal()).toEqual(before);
  }));

test('a run whose host another run of the same workflow holds is told what that left', () =>
  withDirectory(async (directory) => {
    const harness = createWrapperHarness(directory);
    await harness.claim();
    await harness.run(changing(() => Promise.resolve()), { call: call('copy', 2) });
    const reset = harness.run(changing(() => expect.unreachable('it acted')), { call: { ...call('stop', 1), runId: 'run-2' } });
    await expect(reset).rejects.toMatchObject({ message: expect.stringMatching(/run run-1 of this same workflow, from which this one was reset.*last begun: "Title of copy", .*, done/) as string });
    expect(await harness.journal({ ...call('stop'), runId: 'run-2' })).toEqual([]);
  }));

test('who holds the host is told also where the journal of that is damaged, and that it is', () =>
  withDirectory(async (directory) => {
    const harness = createWrapperHarness(directory);
    await harness.claim();
    await harness.run(changing(() => Promise.resolve()), { call: call('copy', 2) });
    await appendFile(join(harness.directory, 'journal.jsonl'), '{"kind":"began",{"kind":"ended"}\n');
    const reset = harness.run(changing(() => expect.unreachable('it acted')), { call: { ...call('stop', 1), runId: 'run-2' } });
    await expect(reset).rejects.toMatchObject({
      type: failureTypes.hostAhead,
      message: expect.stringMatching(/this host is held by run run-1.*last begun: "Title of copy".*; not all of that can be read: line 3 of the journal \S+ is no entry/) as string,
    });
    // Its own steps go on once the line is put right.
    await expect(harness.run(changing(() => expect.unreachable('it acted')), { call: call('check', 3) })).rejects.toMatchObject({ type: failureTypes.permanent, message: expect.stringContaining('line 3 of the journal') as string });
  }));
