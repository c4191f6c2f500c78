import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { OpenQuestion } from '../../src/contract/questions.js';
import { answerUntilEnd, goEverywhere } from '../../src/rehearsal/answers.js';
import { isIntact } from '../../src/rehearsal/clientVerdict.js';
import { startDirector, type Director } from '../../src/rehearsal/faultPoints/director.js';
import { hostFiles } from '../../src/rehearsal/hostConfig.js';
import type { Rehearsal } from '../../src/rehearsal/rehearsal.js';
import { openTestHost, readRecord, refusalOf, startMigration, startRunbook } from './host.js';

/** What users wrote is carried over, the way back is lost right then, and somebody brings the service up by hand. */
describe('a way back that was lost once it had carried over', () => {
  let director: Director;
  let rehearsal: Rehearsal;
  let asked: OpenQuestion[];

  beforeAll(async () => {
    director = await startDirector();
    director.decideWith(() => Promise.resolve('go'));
    rehearsal = await openTestHost('e2e-lost-way-back', { directorPort: director.port });
    await rehearsal.startWorker();
    await rehearsal.startSending();
    expect((await answerUntilEnd<{ state: string }>({ rehearsal, handle: await startMigration(rehearsal) })).state).toBe('succeeded');
    const lost = await startRunbook(rehearsal, 'rollback');
    director.decideWith(async ({ node, phase, moment }) => {
      if (node !== 'start-application' || phase !== 'undo' || moment !== 'before') return 'go';
      director.decideWith(() => Promise.resolve('go'));
      await lost.terminate('by mistake');
      return 'die';
    });
    await expect(answerUntilEnd({ rehearsal, handle: lost }, carryOver([]))).rejects.toThrow();
    await bringUpByHand();
    asked = [];
  });
  afterAll(async () => {
    await rehearsal.close();
    await director.close();
  });

  function carryOver(questions: OpenQuestion[]) {
    return (question: OpenQuestion, status: Parameters<typeof goEverywhere>[1]) => {
      questions.push(question);
      if (question.id === 'roll-back') return Promise.resolve({ answer: 'go', reason: 'it is too slow' });
      if (question.id.startsWith('past-the-point-of-no-return')) return Promise.resolve({ answer: 'carry-over' });
      return goEverywhere(question, status);
    };
  }

  const countAcknowledged = async () => Number(await rehearsal.guest.expect('sh', ['-c', `grep -c '"acknowledged"' ${hostFiles.journal}`]));

  /** As at two in the morning; users go on writing, on the encrypted volume. */
  async function bringUpByHand(): Promise<void> {
    const before = await countAcknowledged();
    await rehearsal.guest.expect('sh', ['-c', 'cd /opt/supersync && docker compose up --detach --no-build && rm --force maintenance/*']);
    const written = async () => expect(await countAcknowledged()).toBeGreaterThan(before + 3);
    await vi.waitFor(written, { timeout: 120_000, interval: 1000 });
  }

  it('is not passed over by a migration that begins anew', async () => {
    expect(await refusalOf(await startRunbook(rehearsal, 'migrate', { takeOver: true }))).toMatch(/was left by rehearsal\/rollback.*with \d+ steps that can be undone.*rollback --take-over/s);
  });

  it('is taken up with what users have written since: the copy is void, and what becomes of it is asked anew', async () => {
    const handle = await startRunbook(rehearsal, 'rollback', { takeOver: true });
    const result = await answerUntilEnd<{ state: string }>({ rehearsal, handle }, carryOver(asked));
    expect(result.state).toBe('rolled back');
    expect(asked.find(({ id }) => id === 'roll-back')?.evidence).toEqual(expect.arrayContaining([['an earlier way back', expect.stringContaining('was begun and not ended')]]));
    expect(asked.find(({ id }) => id === 'past-the-point-of-no-return')?.choices).toEqual(['carry-over', 'discard-writes', 'stop']);
    const record = await readRecord(rehearsal, handle.runId, 'rollback');
    expect(record.nodes.find(({ id }) => id === 'stop-database')?.figures).toEqual({ equal: true, untouched: true, carriedOver: true });
  });

  it('loses nothing that was acknowledged, and leaves one old directory beside the new', async () => {
    expect(isIntact(await rehearsal.finishSending())).toBe(true);
    expect(await rehearsal.guest.expect('sh', ['-c', 'ls --directory /var/lib/docker/volumes/supersync_pg-data/_data* | sed "s/-[0-9a-f]*$//"'])).toBe(
      '/var/lib/docker/volumes/supersync_pg-data/_data\n/var/lib/docker/volumes/supersync_pg-data/_data.before\n',
    );
  });
});
