import { CancelledFailure } from '@temporalio/activity';
import { ApplicationFailure, defaultFailureConverter, defaultPayloadConverter } from '@temporalio/common';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { failureTypes, PermanentFailure, RollbackTrigger, SecretNeeded } from '../../../../src/contract/errors.js';
import { assertRoot, withDirectory } from '../../needsRoot.js';
import { callWith, changing, createEnvironment, createWrapperHarness, eventsOf } from './harness.js';

beforeAll(() => assertRoot('the audit log is given to the group adm'));

const decided = { at: '2026-11-01T20:00:00.000Z', question: 'ready', answer: 'go', by: 'ann', outcome: 'counted' } as const;
const ended = { id: 'measure', title: 'Measure', plan: '1', state: 'done', facts: [['figure', '7']] } as const;
const fails = (error: Error) => changing(() => Promise.reject(error));
const failureOf = (running: Promise<unknown>) => running.then(() => expect.unreachable('it succeeded'), (error: unknown) => error as ApplicationFailure);
const serialised = (failure: unknown) => JSON.stringify(defaultFailureConverter.errorToFailure(failure, defaultPayloadConverter));

test('an attempt is told in the journal before and after it acts', () =>
  withDirectory(async (directory) => {
    const harness = createWrapperHarness(directory);
    await harness.claim();
    const result = await harness.run(
      changing(async (attempt) => {
        expect((await attempt.readJournal()).map(({ kind }) => kind)).toEqual(['began']);
        return { files: 3 };
      }),
      { attempt: 2 },
    );
    expect(result).toEqual({ files: 3 });
    const identity = { node: 'copy-data', title: 'Copy data', plan: '4, step 5', opening: 1, phase: 'do', undoable: true };
    expect(await harness.journal()).toEqual([
      { kind: 'began', at: expect.any(String) as string, attempt: 2, bootId: 'boot-1', ...identity },
      { kind: 'ended', at: expect.any(String) as string, attempt: 2, result: 'done', seconds: expect.any(Number) as number, figures: { files: 3 }, ...identity },
    ]);
  }));

test.each([
  ['no run', undefined, 'no run holds this host'],
  ['another run', 'run-2', 'this host is held by run run-2 of this same workflow'],
])('a host that %s holds is not touched', (_, holder, words) =>
  withDirectory(async (directory) => {
    const harness = createWrapperHarness(directory);
    if (holder !== undefined) await harness.claim(holder);
    let acted = false;
    const failure = await failureOf(
      harness.run(
        changing(() => {
          acted = true;
          return Promise.resolve();
        }),
      ),
    );
    expect(failure).toMatchObject({ type: failureTypes.hostAhead, nonRetryable: true, message: expect.stringContaining(words) as string });
    expect(acted).toBe(false);
    expect(await harness.journal()).toEqual([]);
  }),
);

test('news is written down once, over attempts and openings', () =>
  withDirectory(async (directory) => {
    const harness = createWrapperHarness(directory);
    await harness.claim();
    const news = { decisions: [decided], nodes: [ended] };
    const call = callWith({ news });
    await failureOf(harness.run(fails(new Error('reset')), { call }));
    await harness.run(changing(() => Promise.resolve()), { call, attempt: 2 });
    const later = { ...decided, answer: 'no-go' };
    await harness.run(changing(() => Promise.resolve()), { call: callWith({ opening: 2, news: { decisions: [decided, later], nodes: [ended] } }) });
    const journal = await harness.journal();
    expect(journal.filter(({ kind }) => kind === 'decision')).toEqual([{ kind: 'decision', ...decided }, { kind: 'decision', ...later }]);
    expect(journal.filter(({ kind }) => kind === 'node')).toEqual([
      { kind: 'node', at: expect.any(String) as string, node: 'measure', title: 'Measure', plan: '1', state: 'done', facts: [['figure', '7']] },
    ]);
    expect(journal.map(({ kind }) => kind).slice(0, 3)).toEqual(['decision', 'node', 'began']);
  }));

test('conditions are ensured in order, after the beginning is recorded and before it acts', () =>
  withDirectory(async (directory) => {
    const order: string[] = [];
    const harness = createWrapperHarness(directory, {
      ensure: async (condition, attempt) => {
        order.push(`${condition} (${(await attempt.readJournal()).map(({ kind }) => kind).join()})`);
      },
    });
    await harness.claim();
    const activity = changing(() => {
      order.push('acts');
      return Promise.resolve();
    });
    await harness.run(activity, { call: callWith({ requires: ['volume open', 'application stopped'] }) });
    expect(order).toEqual(['volume open (began)', 'application stopped (began)', 'acts']);
  }));

test('who decided what is in the audit log once, over attempts and openings; what could not be read is not', () =>
  withDirectory(async (directory) => {
    const harness = createWrapperHarness(directory);
    await harness.claim();
    const skipped = { at: '2026-11-01T20:00:01.000Z', question: 'verify-service.failed.1', answer: 'skip', by: 'ben', reason: 'no account', outcome: 'counted' } as const;
    const signed = { ...skipped, at: '2026-11-01T20:00:03.000Z', by: 'dora', signature: 'AAAA' } as const;
    const late = { ...skipped, at: '2026-11-01T20:00:02.000Z', by: 'cleo', outcome: 'not open any more' } as const;
    const unread = { ...decided, outcome: 'malformed' } as const;
    const news = { decisions: [skipped, late, unread, signed], nodes: [] };
    await failureOf(harness.run(fails(new Error('reset')), { call: callWith({ news }) }));
    await harness.run(changing(() => Promise.resolve()), { call: callWith({ news }), attempt: 2 });
    await harness.run(changing(() => Promise.resolve()), { call: callWith({ opening: 2, news }) });
    const told = (await harness.auditLog()).filter((line) => line.includes(' DECISION '));
    expect(told).toEqual([
      expect.stringMatching(/DECISION by ben .*node=verify-service question=verify-service\.failed\.1 answer=skip outcome=counted reason="no account" decided=2026-11-01T20:00:01\.000Z/),
      expect.stringMatching(/DECISION by cleo .*answer=skip outcome="not open any more"/),
      expect.stringMatching(/DECISION by dora .*signature="not shown: lockstep\.yaml names no signatures\.allowedSigners"/),
    ]);
  }));

test('a reason to go back leaves with what was measured, and is in the audit log once', () =>
  withDirectory(async (directory) => {
    const harness = createWrapperHarness(directory);
    await harness.claim();
    const trigger = new RollbackTrigger('3 figures differ', 'roll back', [['figures that differ', '3 of 12']]);
    const failure = await failureOf(harness.run(fails(trigger)));
    expect(failure).toMatchObject({ type: failureTypes.rollbackTrigger, nonRetryable: true, message: '3 figures differ; roll back', details: [[['figures that differ', '3 of 12']]] });
    await failureOf(harness.run(fails(trigger), { attempt: 2 }));
    expect(eventsOf(await harness.auditLog())).toEqual(['DATA_COPY_BEGIN', 'ROLLBACK_TRIGGER']);
  }));

test('a condition that cannot be ensured keeps the step from acting', () =>
  withDirectory(async (directory) => {
    const harness = createWrapperHarness(directory, { ensure: () => Promise.reject(new PermanentFailure('the volume does not open', 'look')) });
    await harness.claim();
    const activity = changing(() => expect.unreachable('it acted'));
    const failure = await failureOf(harness.run(activity, { call: callWith({ requires: ['volume open'] }) }));
    expect(failure).toMatchObject({ type: failureTypes.permanent, message: 'the volume does not open; look' });
    expect((await harness.journal()).at(-1)).toMatchObject({ kind: 'ended', result: 'failed', message: 'the volume does not open; look' });
    // Nothing was begun that the log of changes would have to tell.
    await expect(harness.auditLog()).rejects.toThrow('ENOENT');
  }));

test('the audit log tells the beginning and the end once each, over two attempts', () =>
  withDirectory(async (directory) => {
    const harness = createWrapperHarness(directory);
    await harness.claim();
    await failureOf(harness.run(fails(new Error('reset'))));
    await harness.run(changing(() => Promise.resolve()), { attempt: 2 });
    expect(eventsOf(await harness.auditLog())).toEqual(['DATA_COPY_BEGIN', 'DATA_COPY']);
    // A new opening and an undo are events of their own.
    await harness.run(changing(() => Promise.resolve()), { call: callWith({ opening: 2 }) });
    await harness.run(changing(() => Promise.resolve()), { call: callWith({ phase: 'undo' }) });
    expect(await harness.auditLog()).toHaveLength(6);
    await harness.run({ perform: () => Promise.resolve() }, { call: callWith({ opening: 3 }) });
    expect(await harness.auditLog()).toHaveLength(6);
  }));

test.each([
  ['permanent', new PermanentFailure('disk 91 % full', 'grow it'), { type: failureTypes.permanent, nonRetryable: true, message: 'disk 91 % full; grow it' }],
  [
    'for want of a secret',
    new SecretNeeded('operationalPassphrase', 'to open the volume', true),
    { type: failureTypes.secretNeeded, nonRetryable: true, message: 'to open the volume', details: ['operationalPassphrase', true] },
  ],
  ['any other', new Error('connection reset', { cause: new Error('CANARY') }), { type: 'Transient', nonRetryable: false, message: 'connection reset' }],
])('a failure that is %s leaves with its message and no cause', (_, error, expected) =>
  withDirectory(async (directory) => {
    const harness = createWrapperHarness(directory);
    await harness.claim();
    const failure = await failureOf(harness.run(fails(error)));
    expect(failure).toBeInstanceOf(ApplicationFailure);
    expect(failure).toMatchObject(expected);
    expect(failure.cause).toBeUndefined();
    expect(serialised(failure)).not.toContain('CANARY');
  }),
);

test('what a failed command was given and said stays out of the failure', () =>
  withDirectory(async (directory) => {
    const harness = createWrapperHarness(directory);
    await harness.claim();
    const script = 'echo "CANARY-OUT $1"; echo "CANARY-ERR $1" >&2; exit 3';
    const activity = changing((attempt) => attempt.run('/bin/sh', ['-c', script, 'sh', 'CANARY-ARG'], { input: 'CANARY-IN', env: { SECRET: 'CANARY-ENV' } }));
    const failure = await failureOf(harness.run(activity));
    expect(failure).toMatchObject({ type: 'CommandFailed', nonRetryable: false });
    expect(failure.message).toBe("/bin/sh exited with status 3; what it said is in commands.log in the run's directory on the host");
    expect(serialised(failure)).not.toContain('CANARY');
    expect(JSON.stringify(await harness.journal())).not.toContain('CANARY');
    const log = await readFile(join(harness.directory, 'commands.log'), 'utf8');
    expect(log).toContain('CANARY-ERR');
    expect(log).not.toMatch(/CANARY-IN|CANARY-ENV/);
  }));

test('a cancel ends the attempt, and the journal says so', () =>
  withDirectory(async (directory) => {
    const harness = createWrapperHarness(directory);
    await harness.claim();
    const environment = createEnvironment();
    const activity = changing(async (attempt) => {
      setTimeout(() => environment.cancel(), 50);
      await attempt.run('sleep', ['60'], { timeout: 'unlimited' });
    });
    await expect(harness.run(activity, { environment })).rejects.toThrow(CancelledFailure);
    expect((await harness.journal()).at(-1)).toMatchObject({ kind: 'ended', result: 'cancelled' });
  }));

test('a later attempt ends the one that still runs, and begins after its end', () =>
  withDirectory(async (directory) => {
    const harness = createWrapperHarness(directory);
    await harness.claim();
    let begun: () => void = () => undefined;
    const running = new Promise<void>((resolve) => (begun = resolve));
    const first = failureOf(
      harness.run(
        changing(async (attempt) => {
          begun();
          await attempt.run('sleep', ['60'], { timeout: 'unlimited' });
        }),
      ),
    );
    await running;
    await harness.run(changing(() => Promise.resolve()), { attempt: 2 });
    await first;
    expect((await harness.journal()).map((entry) => ('attempt' in entry ? `${entry.kind} ${entry.attempt}` : entry.kind))).toEqual([
      'began 1',
      'ended 1',
      'began 2',
      'ended 2',
    ]);
  }));

test('progress goes out with the heartbeat, the latest only', () =>
  withDirectory(async (directory) => {
    const harness = createWrapperHarness(directory);
    await harness.claim();
    const environment = createEnvironment();
    const beat = new Promise<unknown>((resolve) => environment.once('heartbeat', resolve));
    const activity = changing(async (attempt) => {
      attempt.report({ phase: 'copying', done: 1, total: 9 });
      attempt.report({ phase: 'copying', done: 5, total: 9 });
      await beat;
    });
    await harness.run(activity, { environment });
    await expect(beat).resolves.toEqual({ phase: 'copying', done: 5, total: 9 });
  }));

test('what an earlier attempt left in the control group is ended before this one begins, and its own at its end', () =>
  withDirectory(async (directory) => {
    const order: string[] = [];
    const harness = createWrapperHarness(directory, {
      controlGroups: {
        takeOver: (name) => {
          order.push(`take ${name}`);
          return Promise.resolve(undefined);
        },
        end: (name) => {
          order.push(`end ${name}`);
          return Promise.resolve();
        },
      },
    });
    await harness.claim();
    const activity = changing(() => {
      order.push('acts');
      return Promise.reject(new Error('reset'));
    });
    await failureOf(harness.run(activity));
    expect(order).toEqual(['take run-1-copy-data', 'acts', 'end run-1-copy-data']);
  }));

test('a configuration that cannot be read stops everything, and is read anew at the next attempt', () =>
  withDirectory(async (directory) => {
    const { config } = createWrapperHarness(directory);
    let readable = false;
    const harness = createWrapperHarness(directory, {
      loadConfig: () => (readable ? Promise.resolve({ config, digest: '' }) : Promise.reject(new PermanentFailure('lockstep.yaml does not exist', 'write it'))),
    });
    await harness.claim();
    const failure = await failureOf(harness.run(changing(() => expect.unreachable('it acted'))));
    expect(failure).toMatchObject({ type: failureTypes.permanent });
    readable = true;
    await expect(harness.run(changing(() => Promise.resolve('done')))).resolves.toBe('done');
  }));

test.each([
  ['that succeeds', () => Promise.resolve({})],
  ['that fails', () => Promise.reject(new Error('no space left'))],
])('a secret of an attempt %s is overwritten only after what the attempt left has been ended', (_, end) =>
  withDirectory(async (directory) => {
    const path = join(directory, 'backup.secret');
    await writeFile(path, 'from the file', { mode: 0o600 });
    const handedOut: Buffer[] = [];
    const whenGroupsEnd: string[] = [];
    const harness = createWrapperHarness(directory, {
      secrets: { backupPassphrase: `file:${path}` },
      controlGroups: { takeOver: () => Promise.resolve(undefined), end: () => Promise.resolve(void whenGroupsEnd.push(...handedOut.map(String))) },
    });
    await harness.claim();
    harness.vault.give('operationalPassphrase', { value: Buffer.from('typed'), question: 'q.secret.1', by: 'ann' });
    const running = harness.run(
      changing(async (attempt) => {
        handedOut.push(await attempt.secret('backupPassphrase', 'to encrypt'), await attempt.secret('operationalPassphrase', 'to open'));
        return end();
      }),
    );
    await running.catch(() => undefined);
    expect(whenGroupsEnd).toEqual(['from the file', 'typed']);
    expect(handedOut).toEqual([Buffer.alloc(13), Buffer.alloc(5)]);
    expect(harness.vault.get('operationalPassphrase')?.value.toString()).toBe('typed');
  }),
);
