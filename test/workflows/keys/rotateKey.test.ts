import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDriver, type DrivenRun, type Driver } from '../engine/driver.js';
import { fails, held, opened, openedWith, plainSettings, type Behaviour, type Script } from '../engine/fakeHost.js';
import { keyAnswers } from './answers.js';

const mostEvents = 500;

describe('the exchange of keys', () => {
  let driver: Driver;
  beforeAll(async () => {
    driver = await createDriver('real', { workflows: new URL('../../../src/workflows/index.ts', import.meta.url), answers: keyAnswers });
  });
  afterAll(() => driver.stop());

  const start = (runbook: string, input: Record<string, unknown> = {}, script: Script = {}) => driver.start(runbook, script, { host: 'host', startedBy: 'ann', ...input });

  async function go(run: DrivenRun, ...questions: readonly string[]): Promise<void> {
    for (const id of questions) {
      const question = await run.asked(id);
      await run.decide(id, question.choices[0] ?? '', 'ben', question.reasonFor.includes(question.choices[0] ?? '') ? 'said so' : undefined);
    }
  }

  const acts = (run: DrivenRun) => run.done().filter((name) => !['openRun', 'closeRun', 'ensureConditions'].includes(name));

  it('in a planned rotation proves and tests the new key before the old one goes, each behind its gate', async () => {
    const run = await start('rotateKey', { keys: 'operational', reason: 'annual' });
    await go(run, 'holders-notified', 'restart-window', 'rotate', 'keys-updated-operational', 'test-restart', 'remove-old', 'copies-retired', 'holders-told');
    expect(await run.result()).toMatchObject({ state: 'succeeded' });
    expect(acts(run)).toEqual([
      ...['read-keys', 'recent-backup', 'prove-operational', 'prove-recovery', 'add-operational', 'confirm-new-operational', 'backup-header'],
      ...['close-for-test', 'reopen-with-new-key', 'new-keys-stand', 'remove-old-keys', 'old-operational-fails', 'verify-slots', 'document-rotation', 'retire-header-backups'],
    ]);
    expect((await run.handle.describe()).historyLength).toBeLessThan(mostEvents);
  });

  it('in an emergency asks nothing before the old keys are gone but for the passphrases', async () => {
    const run = await start('rotateKey', { keys: 'both', reason: 'incident', emergency: true });
    expect((await run.asked('holders-told-at-once')).dueAt).toBe(new Date(Date.parse((await run.status()).startedAt) + 3_600_000).toISOString());
    expect(acts(run)).toEqual([
      ...['read-keys', 'add-operational', 'add-recovery', 'confirm-new-operational', 'confirm-new-recovery', 'backup-header'],
      ...['new-keys-stand', 'remove-old-keys', 'old-operational-fails', 'verify-slots', 'document-rotation'],
    ]);
    expect(run.calls.find(({ what }) => what === 'openRun')?.args).toMatchObject({ comesFirst: true });
    await go(run, 'keys-stored-operational', 'keys-stored-recovery', 'holders-told-at-once', 'copies-retired');
    expect(await run.result()).toMatchObject({ state: 'succeeded' });
  });

  it('after a leak replaces both keys and the volume key, whatever keys were named', async () => {
    const run = await start('rotateKey', { leak: true });
    await go(run, 'holders-notified', 'restart-window', 'rotate', 'keys-updated-operational', 'keys-updated-recovery', 'test-restart', 'remove-old', 'copies-retired', 'holders-told');
    await run.result();
    expect(run.done()).toEqual(expect.arrayContaining(['add-operational', 'add-recovery', 'reencrypt', 'backup-reencrypted-header']));
    expect(run.calls.find(({ what }) => what === 'remove-old-keys')?.args).toEqual({ replaced: ['operational', 'recovery'] });
  });

  it('takes the new key away again, and brings the service back, where a person says no before the old one goes', async () => {
    const run = await start('rotateKey');
    await go(run, 'holders-notified', 'restart-window', 'rotate', 'keys-updated-operational', 'test-restart');
    await run.asked('remove-old');
    await run.decide('remove-old', 'no-go', 'ben', 'not today');
    expect(await run.result()).toMatchObject({ state: 'rolled back' });
    expect(run.done().filter((name) => name.startsWith('undo'))).toEqual(['undo close-for-test', 'undo add-operational']);
  });

  it('does not turn back once old keys are being removed', async () => {
    const run = await start('rotateKey', {}, { 'remove-old-keys': fails });
    await go(run, 'holders-notified', 'restart-window', 'rotate', 'keys-updated-operational', 'test-restart', 'remove-old');
    expect((await run.asked('remove-old-keys.failed.1')).choices).toEqual(['retry', 'skip']);
    await run.handle.terminate();
  });

  it('hands over the recovery key before two people alone, and replaces both keys at once', async () => {
    const run = await start('emergencyAccess');
    await go(run, 'reason');
    await run.asked('witnesses');
    await run.send({ question: 'witnesses', answer: 'go', by: 'ann', reason: 'ID checked by ben', login: 'ann@h1' });
    await run.send({ question: 'witnesses', answer: 'go', by: 'Ann', reason: 'ID checked by ann', login: 'ann@h1' });
    expect((await run.status()).questions.map(({ id }) => id)).toEqual(['witnesses']);
    expect(acts(run)).toEqual(['read-keys']);
    await run.send({ question: 'witnesses', answer: 'go', by: 'ben', reason: 'ID checked by ann', login: 'ben@h1' });
    await go(run, 'envelope-opened', 'copies-retired', 'keys-stored-operational', 'keys-stored-recovery', 'holders-told');
    expect(await run.result()).toMatchObject({ state: 'succeeded' });
    expect((await run.node('witnesses'))?.note).toContain('distinct by their login users');
    expect(acts(run)).toEqual([
      ...['read-keys', 'unlock-with-recovery', 'add-operational', 'add-recovery', 'confirm-new-operational', 'confirm-new-recovery', 'backup-header'],
      ...['new-keys-stand', 'remove-old-keys', 'old-recovery-fails', 'verify-slots', 'retire-header-backups', 'document-access'],
    ]);
    expect(run.calls.find(({ what }) => what === 'add-operational')?.args).toEqual({ role: 'operational', by: 'recovery', atOnce: true });
  });

  it('tells people of the hour for the key holders also while everything is still encrypted anew', async () => {
    const { behaviour, release } = held();
    const reminders = { beforePercent: 0.05, firstAfterSeconds: 3600, everySeconds: 3600 };
    const run = await start('rotateKey', { emergency: true, leak: true }, { openRun: openedWith({ reminders }), reencrypt: behaviour });
    await run.began('reencrypt');
    await expect.poll(() => run.told.map(({ subject }) => subject), { timeout: 15_000 }).toContainEqual(expect.stringContaining('has 1 item soon due'));
    expect((await run.status()).questions).toEqual([]);
    release();
    await run.handle.terminate();
  });

  it('documents an envelope that was opened also where no new keys came of it', async () => {
    const run = await start('emergencyAccess', {}, { 'add-operational': fails });
    await go(run, 'reason');
    for (const by of ['ann', 'ben']) await run.send({ question: 'witnesses', answer: 'go', by, reason: 'ID checked' });
    await go(run, 'envelope-opened');
    await run.asked('add-operational.failed.1');
    await run.decide('add-operational.failed.1', 'rollback', 'ben', 'nobody has a new one');
    expect(await run.result()).toMatchObject({ state: 'rolled back' });
    expect(run.done().slice(-3)).toEqual(['undo add-operational', 'document-access', 'closeRun']);
  });

  it('gone on with replaces the keys that the lost one was to replace, whatever it is told itself', async () => {
    const openRun: Behaviour = (_, args) => Promise.resolve(opened({ nodes: (args as { nodes: string[] }).nodes, options: { keys: 'both', reason: 'incident', emergency: true, leak: true } }));
    const run = await start('rotateKey', { resume: true }, { openRun });
    await go(run, 'keys-stored-operational', 'keys-stored-recovery', 'holders-told-at-once', 'copies-retired');
    expect(await run.result()).toMatchObject({ state: 'succeeded' });
    expect(acts(run)).toEqual(expect.arrayContaining(['add-operational', 'add-recovery', 'reencrypt']));
    expect(run.calls.find(({ what }) => what === 'openRun')?.args).toMatchObject({ resume: true, options: { keys: 'operational', emergency: false } });
    expect(run.calls.find(({ what }) => what === 'document-rotation')?.args).toEqual({ keys: 'both', reason: 'incident', emergency: true });
  });

  it('gone on with brings the service back before it asks on: nobody told the lost one of a reboot', async () => {
    const reached = { found: ['read-keys', 'remove-old-keys'].map((id) => ({ id })), begun: ['remove-old-keys'], settings: plainSettings, options: { emergency: true } };
    const adopted = { runbook: 'rotateKey', runId: 'lost', startedAt: '2026-11-01T20:00:00Z', state: 'left without an end', toUndo: [], reached };
    const openRun: Behaviour = (_, args) => {
      const { nodes } = args as { nodes: string[] };
      return Promise.resolve(opened({ nodes, options: reached.options, adopted: { ...adopted, nodes } }));
    };
    const run = await start('rotateKey', { resume: true }, { openRun });
    await run.began('ensureConditions');
    expect(run.calls.find(({ what }) => what === 'ensureConditions')?.call).toMatchObject({ node: 'keys-stored.conditions', requires: ['service up'] });
    await run.handle.terminate();
  });

  it('goes back at once where the lost one that it goes on with had begun to', async () => {
    const lost = { runbook: 'rotateKey', runId: 'lost', startedAt: '2026-11-01T20:00:00Z', state: 'left without an end', toUndo: ['add-operational'], wayBackBegun: true } as const;
    const openRun: Behaviour = (_, args) => {
      const { nodes } = args as { nodes: string[] };
      return Promise.resolve(opened({ nodes, adopted: { ...lost, nodes, reached: { found: [{ id: 'read-keys' }], begun: ['read-keys', 'add-operational'], settings: plainSettings } } }));
    };
    const run = await start('rotateKey', { resume: true }, { openRun, beginWayBack: () => Promise.resolve({ toUndo: ['add-operational'] }) });
    expect(await run.result()).toMatchObject({ state: 'rolled back', outcome: 'the run that this one goes on with had begun to go back' });
    expect(run.done()).toEqual(['openRun', 'beginWayBack', 'undo add-operational', 'closeRun']);
  });

  it.each([
    ['rotateKey', {}, 'rotate', ['holders-notified', 'restart-window']],
    ['rotateKey', { emergency: true }, 'keys-stored-operational', []],
    ['rotateKey', { emergency: true }, 'copies-retired', ['keys-stored-operational', 'holders-told-at-once']],
  ])('of %s %o brings the service back after a reboot while %s is asked', async (runbook, input, question, before) => {
    const run = await start(runbook, input);
    await go(run, ...before);
    await run.asked(question);
    await run.handle.signal('resumed', { bootId: 'boot-2' });
    await run.began('ensureConditions');
    expect(run.calls.find(({ what }) => what === 'ensureConditions')?.call.requires).toEqual(['service up']);
    await run.handle.terminate();
  });

  it.each([
    [{ keys: 'all' }, 'keys'],
    [{ newDeployment: true }, 'newDeployment'],
    [{ reason: '/bin/sh' }, 'reason'],
  ])('refuses %o at once', async (input, word) => {
    const run = await start('rotateKey', input);
    await expect(run.result()).rejects.toMatchObject({ cause: { message: expect.stringContaining(word) as string } });
  });
});
