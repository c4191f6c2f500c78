import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenQuestion } from '../../src/contract/questions.js';
import type { RunRecord } from '../../src/contract/record.js';
import type { RunStatus } from '../../src/contract/status.js';
import { answerUntilEnd, goEverywhere } from '../../src/rehearsal/answers.js';
import { isIntact, type ClientVerdict } from '../../src/rehearsal/clientVerdict.js';
import type { Rehearsal } from '../../src/rehearsal/rehearsal.js';
import { openTestHost, readRecord, refusalOf, startMigration, startRunbook } from './host.js';

const oldVolume = '/var/lib/docker/volumes/supersync_pg-data';

/** One boot, migrations that users wrote on before somebody went back: with what they wrote, without it, and after the end. */
describe('the way back past the point of no return', () => {
  let rehearsal: Rehearsal;

  beforeAll(async () => {
    rehearsal = await openTestHost('e2e-carry-over');
    await rehearsal.startWorker();
  });
  afterAll(async () => {
    await rehearsal.close();
  });

  /** A migration that goes well, with users writing, until somebody says no at the last gate. */
  async function migrateAndGoBack(answer: 'carry-over' | 'discard-writes', disturb: (status: RunStatus) => Promise<void> = () => Promise.resolve()) {
    await rehearsal.startSending();
    const handle = await startMigration(rehearsal);
    const asked: OpenQuestion[] = [];
    const result = await answerUntilEnd<{ state: string; outcome: string }>(
      { rehearsal, handle },
      async (question, status) => {
        asked.push(question);
        if (question.id === 'final') return { answer: 'no-go', reason: 'it is too slow' };
        if (question.id === 'past-the-point-of-no-return') return { answer, reason: 'agreed with everybody' };
        return goEverywhere(question, status);
      },
      disturb,
    );
    const verdict = await rehearsal.finishSending();
    return { result, verdict, record: await readRecord(rehearsal, handle.runId), asked };
  }

  function look(): Promise<string> {
    return rehearsal.guest.expect('sh', [
      '-c',
      'docker inspect --format "{{range .Mounts}}{{.Name}}{{end}} {{.HostConfig.RestartPolicy.Name}}" supersync-postgres; grep COMPOSE_FILE /opt/supersync/.env; cryptsetup status pg-data-encrypted | head -1; cryptsetup isLuks /var/lib/supersync-encrypted.img && echo intact; ls /opt/supersync/maintenance; test -e /var/lib/lockstep/claim.json && echo claimed; true',
    ]);
  }
  const asBefore = 'supersync_pg-data always\n/dev/mapper/pg-data-encrypted is inactive.\nintact\n';

  describe('with carry-over, and a worker that is killed in the copy', () => {
    let verdict: ClientVerdict;
    let record: RunRecord;
    let result: { state: string; outcome: string };
    let asked: OpenQuestion[];
    let kills = 0;

    beforeAll(async () => {
      ({ verdict, record, result, asked } = await migrateAndGoBack('carry-over', async ({ nodes }) => {
        if (kills > 0 || !nodes.some(({ id, state }) => id === 'carry-over-copy' && state === 'running')) return;
        kills += 1;
        await rehearsal.killWorker();
      }));
    });

    it('asks what becomes of what users wrote, and ends as rolled back', () => {
      expect(asked.find(({ id }) => id === 'past-the-point-of-no-return')?.choices).toEqual(['carry-over', 'discard-writes', 'continue', 'stop']);
      expect(kills).toBe(1);
      expect(result).toMatchObject({ state: 'rolled back', outcome: expect.stringContaining('it is too slow') as unknown });
    });

    it('loses nothing that was acknowledged, on either volume', () => {
      expect(isIntact(verdict)).toBe(true);
      expect(verdict.refused).toBeGreaterThan(0);
    });

    it('starts the old place with exactly the figures that the encrypted volume had when it was stopped', () => {
      const figures = (node: string) => record.nodes.find(({ id }) => id === node)?.figures;
      expect(figures('stop-database')).toEqual({ equal: true, untouched: true, carriedOver: true });
      expect(figures('carry-over-verify')).toMatchObject({ equalDigests: expect.any(Number) as unknown });
    });

    it('brings the host back to how it was, and keeps the old data beside the new', async () => {
      expect(await look()).toBe(asBefore);
      const kept = (record.nodes.find(({ id }) => id === 'carry-over-exchange')?.figures as { kept: string }).kept;
      expect(kept.startsWith(`${oldVolume}/_data.before-`)).toBe(true);
      expect(await rehearsal.guest.expect('cat', [`${kept}/PG_VERSION`])).toBe('15\n');
    });
  });

  it('goes back from a finished migration after a power cut, with everything that users wrote meanwhile', async () => {
    await rehearsal.guest.expect('rm', ['--force', '/var/lib/supersync-encrypted.img']);
    await rehearsal.startSending();
    const migration = await startMigration(rehearsal);
    expect((await answerUntilEnd<{ state: string }>({ rehearsal, handle: migration })).state).toBe('succeeded');
    const handle = await startRunbook(rehearsal, 'rollback');
    let cuts = 0;
    const asked: string[] = [];
    const result = await answerUntilEnd<{ state: string; outcome: string }>(
      { rehearsal, handle },
      async (question, status) => {
        asked.push(question.id);
        if (question.id === 'roll-back') return { answer: 'go', reason: 'it is too slow' };
        if (question.id === 'past-the-point-of-no-return') return { answer: 'carry-over' };
        return goEverywhere(question, status);
      },
      async ({ nodes }) => {
        if (cuts > 0 || !nodes.some(({ id, state }) => id === 'carry-over-verify' && state === 'running')) return;
        cuts += 1;
        await rehearsal.powerCut();
      },
    );
    expect(cuts).toBe(1);
    expect(result).toEqual({ state: 'rolled back', outcome: 'migrate undone' });
    // The volume is locked after the power cut: whoever is there opens it once.
    expect(asked.filter((id) => id.includes('.secret.'))).toHaveLength(1);
    const verdict = await rehearsal.finishSending();
    expect(isIntact(verdict)).toBe(true);
    const record = await readRecord(rehearsal, handle.runId, 'rollback');
    expect(record.nodes.find(({ id }) => id === 'stop-database')?.figures).toEqual({ equal: true, untouched: true, carriedOver: true });
    expect(await look()).toBe(asBefore);

    // There is nothing to go back from twice, and the refused run leaves the host free.
    expect(await refusalOf(await startRunbook(rehearsal, 'rollback'))).toMatch(/has nothing left to undo/);
    expect(await look()).toBe(asBefore);
  });

  it('goes back from a migration whose run was terminated, once a person takes the host over', async () => {
    await rehearsal.guest.expect('rm', ['--force', '/var/lib/supersync-encrypted.img']);
    await rehearsal.startSending();
    const migration = await startMigration(rehearsal);
    await expect(
      answerUntilEnd({ rehearsal, handle: migration }, async (question, status) => {
        if (question.id !== 'verification') return goEverywhere(question, status);
        await migration.terminate('by mistake');
        return undefined;
      }),
    ).rejects.toThrow();
    expect(await refusalOf(await startRunbook(rehearsal, 'rollback'))).toMatch(/was left by rehearsal\/migrate.*which is closed/s);
    const handle = await startRunbook(rehearsal, 'rollback', { takeOver: true });
    const result = await answerUntilEnd<{ state: string }>({ rehearsal, handle }, (question, status) =>
      question.id === 'roll-back' ? Promise.resolve({ answer: 'go', reason: 'its run is gone' }) : goEverywhere(question, status),
    );
    expect(result.state).toBe('rolled back');
    const record = await readRecord(rehearsal, handle.runId, 'rollback');
    // Nobody had written on the new volume: the switch back leads to exactly what was stopped.
    expect(record.nodes.find(({ id }) => id === 'stop-database')?.figures).toEqual({ equal: true, untouched: true, carriedOver: false });
    expect(isIntact(await rehearsal.finishSending())).toBe(true);
    expect(await look()).toBe(asBefore);
  });

  // The last one: the client counts what this leaves behind for as long as it lives.
  it('goes back without what users wrote only by a decision that says so, to exactly what the stopped source held', async () => {
    await rehearsal.guest.expect('rm', ['--force', '/var/lib/supersync-encrypted.img']);
    const { result, verdict, record } = await migrateAndGoBack('discard-writes');
    expect(result.state).toBe('rolled back');
    expect(record.nodes.find(({ id }) => id === 'stop-database')?.figures).toEqual({ equal: true, untouched: true, carriedOver: false });
    expect(record.nodes.some(({ id }) => id === 'carry-over-copy')).toBe(false);
    // What was written between the switch and the decision stays behind, and nothing else does.
    expect(verdict.missing).toBeGreaterThan(0);
    expect(verdict.duplicated + verdict.altered).toBe(0);
    expect(await look()).toBe(asBefore);
    expect(await rehearsal.guest.expect('sh', ['-c', `grep -c '"answer":"discard-writes".*"outcome":"counted"' /var/lib/lockstep/runs/*/journal.jsonl | grep -c ':1$'`])).toBe('1\n');
  });
});
