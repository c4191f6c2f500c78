import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { createRunActivities, type RunDependencies } from '../../../../src/activities/run/run.js';
import { keepFact } from '../../../../src/activities/run/runFacts.js';
import { readFactOfPredecessor } from '../../../../src/activities/run/predecessor.js';
import { createClaimFile } from '../../../../src/activities/wrapper/claim.js';
import { openJournal, type JournalEntry } from '../../../../src/activities/wrapper/journal.js';
import { runDirectory } from '../../../../src/activities/wrapper/wrap.js';
import type { Condition } from '../../../../src/contract/calls.js';
import type { RunRecord } from '../../../../src/contract/record.js';
import type { Opened } from '../../../../src/contract/settings.js';
import { readAnchors } from '../../../../src/host/audit/anchor.js';
import { assertRoot, withDirectory } from '../../needsRoot.js';
import { callWith, createWrapperHarness, eventsOf, type WrapperHarness } from '../wrapper/harness.js';
import { createTurns } from '../../../../src/activities/wrapper/turns.js';

beforeAll(() => assertRoot('the audit log is given to the group adm'));

function createHost(
  directory: string,
  isRunning: RunDependencies['isRunning'] = () => Promise.resolve(false),
  endLeftovers: RunDependencies['endLeftovers'] = () => Promise.resolve(),
) {
  const harness = createWrapperHarness(directory);
  const ensured: string[] = [];
  const activities = createRunActivities({
    lockstepVersion: '1.2.3',
    configDigest: () => Promise.resolve('abc'),
    bootId: () => Promise.resolve('boot-1'),
    endLeftovers,
    ensure: (condition) => {
      ensured.push(condition);
      return Promise.resolve();
    },
    turns: createTurns(),
    forgetSecrets: () => undefined,
    isRunning,
  });
  const of = (runId: string) => ({
    open: (nodes: readonly string[] = ['copy'], takeOver = false, undoes?: string) =>
      harness.run(activities.openRun, { call: callWith({ runId, node: 'open-run', undoable: false }), args: { nodes, takeOver, ...(undoes === undefined ? {} : { undoes }) }, needsClaim: false }) as Promise<Opened>,
    close: (leaves: readonly Condition[] = [], handsBack = false) =>
      harness.run(activities.closeRun, {
        call: callWith({ runId, node: 'close-run', undoable: false }),
        args: { state: 'succeeded', outcome: 'done', summary: [['copied', '7 files']], leaves, handsBack },
        needsClaim: false,
      }),
    journal: () => harness.journal(callWith({ runId })),
  });
  return { harness, of, ensured, holder: () => createClaimFile(harness.config.stateDirectory).read() };
}

const recordOf = async ({ directory }: WrapperHarness) => JSON.parse(await readFile(join(directory, 'record.json'), 'utf8')) as RunRecord;

test('a run that opens holds the host and records what it walks', () =>
  withDirectory(async (directory) => {
    const { of, holder } = createHost(directory);
    const opened = await of('run-1').open(['copy', 'check']);
    expect(opened).toMatchObject({ nodes: ['copy', 'check'], bootId: 'boot-1', configDigest: 'abc', lockstepVersion: '1.2.3' });
    expect(await holder()).toMatchObject({ workflowId: 'h1/migrate', runId: 'run-1', runbook: 'migrate', startedBy: 'ann' });
  }));

test('opened again, it gets what was recorded the first time', () =>
  withDirectory(async (directory) => {
    const { of } = createHost(directory);
    const run = of('run-1');
    await run.open(['copy']);
    expect((await run.open(['another', 'list'])).nodes).toEqual(['copy']);
    expect((await run.journal()).filter(({ kind }) => kind === 'opened')).toHaveLength(1);
  }));

test.each([
  ['runs, whatever is asked for', true, true, 'this host is held by h1/migrate (run run-1, started by ann'],
  ['is closed', false, false, 'this host was left by h1/migrate (run run-1'],
  ['the server does not know', 'unknown', false, 'which the server does not know'],
] as const)('a host whose holder %s is not taken over', (_, running, takeOver, words) =>
  withDirectory(async (directory) => {
    const { of, holder } = createHost(directory, () => Promise.resolve(running));
    await of('run-1').open();
    await expect(of('run-2').open(['copy'], takeOver)).rejects.toMatchObject({ type: 'Permanent', message: expect.stringContaining(words) as string });
    expect((await holder())?.runId).toBe('run-1');
  }),
);

test('nobody begins anew over what a lost run has changed: it is gone on with, or gone back from', () =>
  withDirectory(async (directory) => {
    const { harness, of, holder } = createHost(directory);
    await of('run-1').open();
    const { append } = await openJournal(join(harness.directory, 'journal.jsonl'));
    await append({ kind: 'began', at: '2026-11-01T20:00:00Z', attempt: 1, bootId: 'b', node: 'stop-database', title: 'Stop', plan: '4', opening: 1, phase: 'do', undoable: true });
    await expect(of('run-2').open(['copy'], true)).rejects.toMatchObject({
      type: 'Permanent',
      message: expect.stringMatching(/with 1 step that can be undone \(the last: stop-database\).*"lockstep start migrate --resume" goes on.*"lockstep start rollback --take-over" undoes/) as string,
    });
    expect((await holder())?.runId).toBe('run-1');
  }));

test('a person takes over what a closed run left, and that is written down', () =>
  withDirectory(async (directory) => {
    const { of, holder } = createHost(directory);
    await of('run-1').open();
    await of('run-2').open(['copy'], true);
    expect((await holder())?.runId).toBe('run-2');
    expect(await of('run-2').journal()).toContainEqual({ kind: 'note', at: expect.any(String) as string, text: 'took the host over from h1/migrate (run run-1)' });
    // The one that lost it can still close, and gives nothing away that is not its own.
    await of('run-1').close();
    expect((await holder())?.runId).toBe('run-2');
  }));

const at = '2026-10-01T20:01:00Z';
const identity = { node: 'copy', title: 'Copy', plan: '4', opening: 1, phase: 'do', undoable: true } as const;
const began: JournalEntry = { kind: 'began', at, attempt: 1, bootId: 'boot-1', ...identity };
const closed: JournalEntry = { kind: 'closed', at, state: 'succeeded', outcome: 'done' };

/** What a run does before it is lost. */
async function note({ config }: WrapperHarness, runId: string, ...entries: readonly JournalEntry[]): Promise<void> {
  await (await openJournal(join(runDirectory(config, { runbook: 'migrate', runId }), 'journal.jsonl'))).append(...entries);
}

test('a run that has changed nothing gives the host back to the lost one that it was taken from, and free where there is none', () =>
  withDirectory(async (directory) => {
    const { harness, of, holder } = createHost(directory);
    await of('run-1').open();
    await note(harness, 'run-1', began);
    const lost = await holder();
    const opened = await of('run-2').open(['copy'], true, 'migrate');
    expect(opened.takenFrom).toEqual({ workflowId: 'h1/migrate', runId: 'run-1', runbook: 'migrate' });
    await of('run-2').close([], true);
    await of('run-2').close([], true);
    expect(await holder()).toEqual(lost);
    await of('run-1').close([], true);
    expect(await holder()).toBeUndefined();
  }));

test.each([
  ['had not begun to change it', []],
  ['had ended', [began, closed]],
  ['had gone back', [began, { ...began, phase: 'undo' }, { ...began, kind: 'ended', phase: 'undo', result: 'done', seconds: 1 }]],
] as const)('a lost run that %s does not get the host back: nobody could go on with it, nor back', (_, entries) =>
  withDirectory(async (directory) => {
    const { harness, of, holder } = createHost(directory);
    await of('run-1').open();
    await note(harness, 'run-1', ...(entries as readonly JournalEntry[]));
    const opened = await of('run-2').open(['copy'], true);
    // Its outcome must not promise what its end does not keep.
    expect(opened).not.toHaveProperty('takenFrom');
    await of('run-2').close([], true);
    expect(await holder()).toBeUndefined();
  }),
);

test('a run that was lost after its end keeps nobody from the host; one that went back after all still does', () =>
  withDirectory(async (directory) => {
    const { harness, of, holder } = createHost(directory);
    await of('run-1').open();
    await note(harness, 'run-1', began, closed, { ...began, phase: 'undo' });
    await expect(of('run-2').open()).rejects.toThrow('with 1 step that can be undone');
    await note(harness, 'run-1', { ...closed, state: 'rolled back' });
    await of('run-3').open();
    expect((await holder())?.runId).toBe('run-3');
  }));

test('a run that went back where it could not be left as it had ended has both in its journal', () =>
  withDirectory(async (directory) => {
    const { harness, of } = createHost(directory);
    await of('run-1').open();
    await note(harness, 'run-1', { ...closed, state: 'failed' }, { ...began, phase: 'undo' });
    await of('run-1').close();
    await of('run-1').close();
    expect((await of('run-1').journal()).flatMap((entry) => (entry.kind === 'closed' ? [entry.state] : []))).toEqual(['failed', 'succeeded']);
  }));

test('runs are numbered in the order in which they begin, whatever the clock says', () =>
  withDirectory(async (directory) => {
    const { of } = createHost(directory);
    const orders = [];
    for (const run of ['run-1', 'run-2', 'run-3']) {
      orders.push((await of(run).open()).order);
      await of(run).close();
    }
    expect(orders).toEqual([1, 2, 3]);
  }));

const tookOver = expect.objectContaining({ kind: 'note', text: 'took the host over from h1/migrate (run run-1)' }) as unknown;

test('a take-over that a crash interrupts after the claim changed hands is finished by the retry, once', () =>
  withDirectory(async (directory) => {
    const ended: string[] = [];
    const { harness, of, holder } = createHost(directory, undefined, ({ call: { runId } }) => {
      ended.push(runId);
      return ended.length === 1 ? Promise.reject(new Error('killed')) : Promise.resolve();
    });
    await of('run-1').open();
    await keepFact(harness, 'source', { of: 'run-1' });
    await expect(of('run-2').open(['copy'], true)).rejects.toThrow('killed');
    expect((await holder())?.runId).toBe('run-2');
    expect(await of('run-2').journal()).not.toContainEqual(tookOver);
    await of('run-2').open(['copy'], true);
    await of('run-2').open(['copy'], true);
    expect(ended).toEqual(['run-1', 'run-1']);
    expect((await of('run-2').journal()).filter(({ kind }) => kind === 'note')).toEqual([tookOver]);
    expect(await readFactOfPredecessor({ directory: harness.directory.replace('run-1', 'run-2') }, 'source')).toEqual({ of: 'run-1' });
  }));

test('what a run left is ended also where the one that took over from it was lost before it could', () =>
  withDirectory(async (directory) => {
    const ended: string[] = [];
    const { of } = createHost(directory, undefined, ({ call: { runId } }) => {
      ended.push(runId);
      return ended.length === 1 ? Promise.reject(new Error('killed')) : Promise.resolve();
    });
    await of('run-1').open();
    await expect(of('run-2').open(['copy'], true)).rejects.toThrow('killed');
    await of('run-3').open(['copy'], true);
    await of('run-3').open(['copy'], true);
    expect(ended).toEqual(['run-1', 'run-1', 'run-2']);
  }));

test('who held the host is kept before the claim is given up, or it is not given up', () =>
  withDirectory(async (directory) => {
    const { harness, of, holder } = createHost(directory);
    await of('run-1').open();
    const inTheWay = join(harness.directory.replace('run-1', 'run-2'), 'taken-over.json');
    await mkdir(inTheWay, { recursive: true });
    await expect(of('run-2').open(['copy'], true)).rejects.toThrow();
    expect((await holder())?.runId).toBe('run-1');
    await rm(inTheWay, { recursive: true });
    await of('run-2').open(['copy'], true);
    expect((await holder())?.runId).toBe('run-2');
    expect(await of('run-2').journal()).toContainEqual(tookOver);
  }));

test('a run that closes leaves its record and gives the host free', () =>
  withDirectory(async (directory) => {
    const { harness, of, holder } = createHost(directory);
    await of('run-1').open();
    await of('run-1').close();
    expect(await holder()).toBeUndefined();
    expect(await recordOf(harness)).toMatchObject({ runbook: 'migrate', host: 'h1', state: 'succeeded', outcome: 'done', configDigest: 'abc' });
    expect(await readFile(join(harness.directory, 'record.md'), 'utf8')).toContain('# migrate on h1: succeeded');
    expect(eventsOf(await harness.auditLog())).toEqual(['RUN_OPEN_BEGIN', 'RUN_OPEN', 'RUN_CLOSE_BEGIN', 'RUN_CLOSE']);
    // The last line before the record was made: it is an anchor.
    const chain = (await harness.auditLog())[2]?.slice(-32) ?? '';
    expect((await readAnchors(join(harness.directory, 'record.json'))).anchors).toMatchObject([{ host: 'h1', sequence: 3, chain }]);
    expect(await readFile(join(harness.directory, 'record.md'), 'utf8')).toContain(`Audit log by then: seq=3 chain=${chain}.`);
  }));

test('what it leaves is made true also where it had given the host free before a power cut, and not where somebody else has it', () =>
  withDirectory(async (directory) => {
    const { of, holder, ensured } = createHost(directory);
    await of('run-1').open();
    await of('run-1').close(['volume open']);
    await of('run-1').close(['volume open', 'application up']);
    expect(ensured).toEqual(['volume open', 'volume open', 'application up']);
    expect(await holder()).toBeUndefined();
    await of('run-2').open();
    await of('run-1').close(['volume open']);
    expect(ensured).toHaveLength(3);
    expect((await holder())?.runId).toBe('run-2');
  }));

test('closed again after a crash, it is closed once', () =>
  withDirectory(async (directory) => {
    const { harness, of } = createHost(directory);
    await of('run-1').open();
    await of('run-1').close();
    await of('run-1').close();
    expect((await of('run-1').journal()).filter(({ kind }) => kind === 'closed')).toHaveLength(1);
    expect((await recordOf(harness)).nodes.map(({ id }) => id)).toEqual(['open-run']);
  }));
