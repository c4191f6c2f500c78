import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answerUntilEnd } from '../../src/rehearsal/answers.js';
import { isIntact } from '../../src/rehearsal/clientVerdict.js';
import type { Rehearsal } from '../../src/rehearsal/rehearsal.js';
import { openTestHost, readRecord, startMigration } from './host.js';

/**
 * The power of the whole host goes while the copy is verified, and once more when users are back; server
 * and worker come up with it. Its application has no maintenance mode, and is stopped instead.
 */
describe('a power cut with the server inside the host', () => {
  let rehearsal: Rehearsal;

  beforeAll(async () => {
    rehearsal = await openTestHost('e2e-power-cut', { server: 'inside', config: { maintenance: { mode: { kind: 'stop' } } } });
    await rehearsal.startWorker();
    await rehearsal.startSending();
  });
  afterAll(async () => {
    await rehearsal.close();
  });

  it('asks for the passphrase again each time, goes on in its step, and loses nothing', async () => {
    const handle = await startMigration(rehearsal);
    const left = new Set(['verify-copy', 'watch-first-hour']);
    const result = await answerUntilEnd<{ state: string }>({ rehearsal, handle }, undefined, async ({ nodes }) => {
      const here = nodes.find(({ id, state }) => left.has(id) && state === 'running');
      if (here === undefined) return;
      left.delete(here.id);
      await rehearsal.powerCut();
    });
    expect([...left]).toEqual([]);
    expect(result.state).toBe('succeeded');
    const verdict = await rehearsal.finishSending();
    expect(isIntact(verdict)).toBe(true);
    const record = await readRecord(rehearsal, handle.runId);
    expect(record.nodes.find(({ id }) => id === 'begin-maintenance')?.facts).toEqual([['how', 'the application is stopped']]);
    for (const node of ['verify-copy', 'watch-first-hour']) {
      const asked = record.decisions.filter(({ question, outcome }) => question.startsWith(`${node}.secret`) && outcome === 'counted');
      expect(asked).toHaveLength(1);
    }
  });
});
