import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answerUntilEnd } from '../../src/rehearsal/answers.js';
import { isIntact } from '../../src/rehearsal/clientVerdict.js';
import type { Rehearsal } from '../../src/rehearsal/rehearsal.js';
import { openTestHost, readRecord, startMigration } from './host.js';

/**
 * The power of the whole host goes while the copy is verified; server and worker come up with it. Its
 * application has no maintenance mode, and is stopped instead.
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

  it('asks for the passphrase again, goes on in its step, and loses nothing', async () => {
    const handle = await startMigration(rehearsal);
    let cut = false;
    const result = await answerUntilEnd<{ state: string }>({ rehearsal, handle }, undefined, async ({ nodes }) => {
      if (cut || !nodes.some(({ id, state }) => id === 'verify-copy' && state === 'running')) return;
      cut = true;
      await rehearsal.powerCut();
    });
    expect(cut).toBe(true);
    expect(result.state).toBe('succeeded');
    const verdict = await rehearsal.finishSending();
    expect(isIntact(verdict)).toBe(true);
    const record = await readRecord(rehearsal, handle.runId);
    expect(record.nodes.find(({ id }) => id === 'begin-maintenance')?.facts).toEqual([['how', 'the application is stopped']]);
    const asked = record.decisions.filter(({ question, outcome }) => question.startsWith('verify-copy.secret') && outcome === 'counted');
    expect(asked).toHaveLength(1);
  });
});
