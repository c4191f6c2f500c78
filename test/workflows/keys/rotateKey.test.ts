import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signalNames } from '../../../src/contract/names.js';
import { createDriver, type DrivenRun, type Driver } from '../engine/driver.js';
import { fails, type Script } from '../engine/fakeHost.js';
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

  const asked = ['holders-notified', 'restart-window', 'rotate', 'keys-updated-operational', 'test-restart', 'remove-old', 'copies-retired', 'holders-told'];
  it.each([
    ['rotateKey', {}, [], asked],
    ['rotateKey', { emergency: true }, [], ['keys-stored-operational', 'holders-told-at-once', 'copies-retired']],
    // Whoever has lost the operational passphrase cannot be asked for it.
    ['emergencyAccess', {}, ['reason', 'witnesses', 'witnesses', 'envelope-opened'], ['copies-retired', 'keys-stored-operational', 'keys-stored-recovery', 'holders-told']],
  ])('%s %j has the service brought up after each boot while it waits for people', async (runbook, input, before, waits) => {
    const run = await start(runbook, input);
    const answer = async (id: string, by: string) => {
      const { choices } = await run.asked(id);
      await run.send({ question: id, answer: choices[0] ?? '', by, reason: 'said so' });
    };
    for (const [index, id] of before.entries()) await answer(id, index % 2 === 0 ? 'ben' : 'cleo');
    for (const [index, id] of waits.entries()) {
      await run.asked(id);
      await run.handle.signal(signalNames.resumed, { bootId: `boot-${index + 2}` });
      await run.began('ensureConditions', index + 1);
      await answer(id, 'ben');
    }
    expect(await run.result()).toMatchObject({ state: 'succeeded' });
    const ensured = new Set(run.calls.filter(({ what }) => what === 'ensureConditions').map(({ call }) => call.requires.join(', ')));
    expect([...ensured]).toEqual(runbook === 'rotateKey' && !('emergency' in input) ? ['service up', 'volume open, application up'] : ['service up']);
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
