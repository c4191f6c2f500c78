import { beforeAll, expect, test } from 'vitest';
import { reads } from '../../../../src/activities/activity.js';
import { hasActed, readOtherRuns } from '../../../../src/activities/run/runsOnHost.js';
import { createRunActivities } from '../../../../src/activities/run/run.js';
import { createClaimFile } from '../../../../src/activities/wrapper/claim.js';
import { createTurns } from '../../../../src/activities/wrapper/turns.js';
import { assertRoot, withDirectory } from '../../needsRoot.js';
import { callWith, changing, createWrapperHarness } from '../wrapper/harness.js';

beforeAll(() => assertRoot('the audit log is given to the group adm'));

function createHost(directory: string) {
  const turns = createTurns();
  const isRunning = () => Promise.resolve(true);
  const harness = createWrapperHarness(directory, { turns, isRunning });
  let forgotten = 0;
  const activities = createRunActivities({
    lockstepVersion: '1.2.3',
    configDigest: () => Promise.resolve('abc'),
    bootId: () => Promise.resolve('boot-1'),
    endLeftovers: () => Promise.resolve(),
    ensure: () => Promise.resolve(),
    forgetSecrets: () => void (forgotten += 1),
    isRunning,
    turns,
  });
  const call = (node: string) => callWith({ workflowId: 'h1/respondToCompromise', runbook: 'respondToCompromise', runId: 'beside', node, undoable: false, holdsHost: false });
  return {
    harness,
    call,
    forgotten: () => forgotten,
    holder: () => createClaimFile(harness.config.stateDirectory).read(),
    open: () => harness.run(activities.openRun, { call: call('open-run'), args: { nodes: ['review'], takeOver: false }, needsClaim: false }),
    resume: () => harness.run(activities.openRun, { call: { ...call('open-run'), runId: 'resumed' }, args: { nodes: ['review'], takeOver: true, resume: true }, needsClaim: false }),
    close: () => harness.run(activities.closeRun, { call: call('close-run'), args: { state: 'succeeded', outcome: 'done', summary: [] }, needsClaim: false }),
  };
}

test('a run that holds no host opens, acts and closes beside the one that does, and takes nothing from it', () =>
  withDirectory(async (directory) => {
    const host = createHost(directory);
    await host.harness.claim('holder');
    expect(await host.open()).toMatchObject({ nodes: ['review'], order: 1 });
    expect(await host.harness.run(reads(() => Promise.resolve({ figure: 7 })), { call: host.call('review') })).toEqual({ figure: 7 });
    await host.close();
    expect(await host.holder()).toMatchObject({ runId: 'holder' });
    // What was typed for the holder is still needed.
    expect(host.forgotten()).toBe(0);
    expect((await host.harness.journal(host.call('review'))).map(({ kind }) => kind)).toEqual(['began', 'opened', 'ended', 'began', 'ended', 'began', 'closed', 'ended']);
  }));

test('one that was lost is gone on with, and the host stays with whoever holds it', () =>
  withDirectory(async (directory) => {
    const host = createHost(directory);
    await host.harness.claim('holder');
    await host.open();
    await host.harness.run(reads(() => Promise.resolve({ figure: 7 })), { call: host.call('review') });
    const [opened] = (await host.harness.journal(host.call('review'))).filter(({ kind }) => kind === 'opened');
    expect(await host.resume()).toMatchObject({ adopted: { runId: 'beside', startedAt: opened?.at, reached: { found: expect.arrayContaining([{ id: 'review', result: { figure: 7 } }]) as unknown } } });
    expect(await host.holder()).toMatchObject({ runId: 'holder' });
  }));

test('it may not change the host, by an activity or by conditions', () =>
  withDirectory(async (directory) => {
    const host = createHost(directory);
    const refusal = { message: expect.stringContaining('respondToCompromise holds no claim of this host') as string, nonRetryable: true };
    await expect(host.harness.run(changing(() => Promise.resolve()), { call: host.call('copy') })).rejects.toMatchObject(refusal);
    await expect(host.harness.run(reads(() => Promise.resolve()), { call: { ...host.call('look'), requires: ['volume open'] } })).rejects.toMatchObject(refusal);
    expect(host.harness.ensured).toEqual([]);
    // What only writes into the run's own directory may.
    await expect(host.harness.run(changing(() => Promise.resolve('written')), { call: host.call('report'), needsClaim: false })).resolves.toBe('written');
  }));

test('nobody takes it for a run that has changed the host', () =>
  withDirectory(async (directory) => {
    const host = createHost(directory);
    await host.open();
    const runs = await readOtherRuns({ config: host.harness.config, directory });
    expect(runs.map(({ name }) => name)).toEqual(['respondToCompromise-beside']);
    expect(runs.some(hasActed)).toBe(false);
  }));
