import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, expect, test } from 'vitest';
import { createRunActivities } from '../../../../src/activities/run/run.js';
import { createClaimFile } from '../../../../src/activities/wrapper/claim.js';
import { createTurns } from '../../../../src/activities/wrapper/turns.js';
import { assertRoot, withDirectory } from '../../needsRoot.js';
import { callWith, changing, createWrapperHarness, eventsOf } from '../wrapper/harness.js';

beforeAll(() => assertRoot('the audit log is given to the group adm'));

const emergencyIsRotation = (runId: string): string => (runId.startsWith('emergency') ? 'rotateKey' : 'migrate');

function createHost(directory: string, running: (runId: string) => boolean = () => true, runbookOf = emergencyIsRotation) {
  const turns = createTurns();
  const isRunning = ({ runId }: { readonly runId: string }) => Promise.resolve(running(runId));
  const forgotten: string[] = [];
  const harness = createWrapperHarness(directory, { turns, isRunning });
  const activities = createRunActivities({
    lockstepVersion: '1.2.3',
    configDigest: () => Promise.resolve('abc'),
    bootId: () => Promise.resolve('boot-1'),
    endLeftovers: () => Promise.resolve(),
    ensure: () => Promise.resolve(),
    forgetSecrets: () => void forgotten.push('all'),
    isRunning,
    turns,
  });
  const callOf = (runId: string, node: string) => callWith({ runId, node, undoable: false, workflowId: `h1/${runId}`, runbook: runbookOf(runId) });
  return {
    open: (runId: string, comesFirst = false, more: Record<string, unknown> = {}) =>
      harness.run(activities.openRun, { call: callOf(runId, 'open-run'), args: { nodes: ['copy'], takeOver: false, ...(comesFirst ? { comesFirst: true } : {}), ...more }, needsClaim: false }),
    resume: (runId: string) =>
      harness.run(activities.openRun, { call: callOf(runId, 'open-run'), args: { nodes: ['copy'], takeOver: true, resume: true, comesFirst: true }, needsClaim: false }),
    catchUp: (runId: string) => harness.run(activities.catchUp, { call: callOf(runId, 'catch-up'), args: { way: 'on' }, needsClaim: false }),
    forgotten,
    close: (runId: string) => harness.run(activities.closeRun, { call: callOf(runId, 'close-run'), args: { state: 'succeeded', outcome: 'done', summary: [] }, needsClaim: false }),
    step: (runId: string, perform: () => Promise<unknown>) => harness.run(changing(perform), { call: callOf(runId, 'copy') }),
    holder: () => createClaimFile(harness.config.stateDirectory).read(),
    journal: (runId: string) => harness.journal(callOf(runId, 'copy')),
    auditLog: harness.auditLog,
  };
}

/** A host that an emergency has taken from a planned run; `lose` has the server know of that emergency no more. */
async function takenFirst(directory: string, more: Record<string, unknown> = {}) {
  let isLost = false;
  const host = createHost(directory, (runId) => !(isLost && runId === 'emergency'));
  await host.open('planned');
  await host.open('emergency', true, more);
  return { host, lose: () => void (isLost = true) };
}

test('it takes the host from a run that waits, whose next step begins when it has ended', () =>
  withDirectory(async (directory) => {
    const host = createHost(directory);
    await host.open('planned');
    await host.open('emergency', true);
    expect(await host.holder()).toMatchObject({ runId: 'emergency', lentBy: [{ runId: 'planned' }] });
    const events: string[] = [];
    const waiting = host.step('planned', () => Promise.resolve(void events.push('planned')));
    await sleep(100);
    await host.step('emergency', () => Promise.resolve(void events.push('emergency')));
    await host.close('emergency');
    await waiting;
    expect(events).toEqual(['emergency', 'planned']);
    expect(await host.holder()).toMatchObject({ runId: 'planned' });
  }));

test('a step that is at work is not disturbed: the host changes hands after it', () =>
  withDirectory(async (directory) => {
    const host = createHost(directory);
    await host.open('planned');
    let end = (): void => undefined;
    let begin = (): void => undefined;
    const begun = new Promise<void>((resolve) => (begin = resolve));
    const working = host.step('planned', () => new Promise<void>((resolve) => {
      end = resolve;
      begin();
    }));
    await begun;
    const opening = host.open('emergency', true);
    await sleep(100);
    expect((await host.holder())?.runId).toBe('planned');
    end();
    await working;
    await opening;
    expect((await host.holder())?.runId).toBe('emergency');
  }));

test('both journals and the audit log tell of it, once', () =>
  withDirectory(async (directory) => {
    const host = createHost(directory);
    await host.open('planned');
    await host.open('emergency', true);
    await host.open('emergency', true);
    const notes = async (runId: string) => (await host.journal(runId)).flatMap((entry) => (entry.kind === 'note' ? [entry.text] : []));
    expect(await notes('emergency')).toEqual(['took the host first from h1/planned (run planned), which has it again afterwards']);
    expect(await notes('planned')).toEqual(['the host went first to h1/emergency (run emergency)']);
    expect(eventsOf(await host.auditLog()).filter((event) => event === 'HOST_TAKEN_FIRST')).toHaveLength(1);
  }));

test('a run that ends while it waits for the host ends after the other one', () =>
  withDirectory(async (directory) => {
    const host = createHost(directory);
    await host.open('planned');
    await host.open('emergency', true);
    const closing = host.close('planned');
    await host.close('emergency');
    await closing;
    expect(await host.holder()).toBeUndefined();
  }));

test('where the one that came first was lost, the run before it is told so, and does not wait for ever', () =>
  withDirectory(async (directory) => {
    const { host, lose } = await takenFirst(directory);
    lose();
    await expect(host.step('planned', () => Promise.resolve())).rejects.toThrow(/h1\/emergency \(run emergency\) had this host first, .* and was ended from outside.*gives the host back/);
  }));

test('where the one that came first was lost and is taken up again, the host goes back to the run before it, and not to the lost one', () =>
  withDirectory(async (directory) => {
    const host = createHost(directory, (runId) => runId !== 'emergency', () => 'rotateKey');
    await host.open('planned');
    await host.step('planned', () => Promise.resolve());
    await host.open('emergency', true);
    await host.step('emergency', () => Promise.resolve());
    await host.resume('heir');
    expect(await host.holder()).toMatchObject({ runId: 'heir', lentBy: [{ runId: 'planned' }] });
    const adopted = (await host.journal('heir')).find((entry) => entry.kind === 'adopted');
    expect(adopted?.adopted.runId).toBe('emergency');
    await host.close('heir');
    expect(await host.holder()).toMatchObject({ runId: 'planned' });
    // The other one acted last, and is of the same runbook: it is no heir of this one.
    await host.catchUp('planned');
    await host.step('planned', () => Promise.resolve());
  }));

test('what was typed for the run before it does not serve the one that comes first', () =>
  withDirectory(async (directory) => {
    const host = createHost(directory);
    await host.open('planned');
    expect(host.forgotten).toEqual([]);
    await host.open('emergency', true);
    expect(host.forgotten).toEqual(['all']);
  }));

test('the run before a lost one goes on once a person has said so, and does not wait for itself', () =>
  withDirectory(async (directory) => {
    const { host, lose } = await takenFirst(directory);
    lose();
    await host.catchUp('planned');
    expect(await host.holder()).not.toHaveProperty('lentBy');
    const events: string[] = [];
    await host.step('planned', () => Promise.resolve(void events.push('planned')));
    expect(events).toEqual(['planned']);
    await host.close('planned');
    expect(await host.holder()).toBeUndefined();
  }));

test('a lost one that came first is gone on with as it was begun, and does not get the host back', () =>
  withDirectory(async (directory) => {
    const { host, lose } = await takenFirst(directory, { options: { keys: 'both', leak: true } });
    lose();
    expect(await host.open('emergency-2', true, { takeOver: true, resume: true, options: { keys: 'operational', leak: false } })).toMatchObject({ options: { keys: 'both', leak: true } });
    expect(await host.holder()).toMatchObject({ runId: 'emergency-2', lentBy: [{ runId: 'planned' }] });
    await host.close('emergency-2');
    expect((await host.holder())?.runId).toBe('planned');
  }));

test('any other run is refused as ever', () =>
  withDirectory(async (directory) => {
    const host = createHost(directory);
    await host.open('planned');
    await expect(host.open('second')).rejects.toThrow('this host is held by');
  }));
