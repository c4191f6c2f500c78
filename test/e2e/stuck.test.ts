import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { queryNames } from '../../src/contract/names.js';
import type { OpenQuestion } from '../../src/contract/questions.js';
import type { RunStatus } from '../../src/contract/status.js';
import { answerUntilEnd, goEverywhere } from '../../src/rehearsal/answers.js';
import { isIntact } from '../../src/rehearsal/clientVerdict.js';
import { startDirector, type Director } from '../../src/rehearsal/faultPoints/director.js';
import { hostFiles } from '../../src/rehearsal/hostConfig.js';
import type { Rehearsal } from '../../src/rehearsal/rehearsal.js';
import { openTestHost, readRecord, startMigration, startRunbook } from './host.js';

type Result = { state: string; outcome: string };

/** One boot, and three times a person who cannot, or will not, go on as the run would have it. */
describe('a run that a person cannot go on with', () => {
  let director: Director;
  let rehearsal: Rehearsal;

  beforeAll(async () => {
    director = await startDirector();
    director.decideWith(() => Promise.resolve('go'));
    rehearsal = await openTestHost('e2e-stuck', { directorPort: director.port });
    await rehearsal.startWorker();
  });
  afterAll(async () => {
    await rehearsal.close();
    await director.close();
  });

  const sh = (script: string): Promise<string> => rehearsal.guest.expect('sh', ['-c', script]);
  const serves = () => sh('docker inspect --format "{{.State.Running}}" supersync-postgres; ls /opt/supersync/maintenance');
  const claim = async () => JSON.parse(await sh('cat /var/lib/lockstep/claim.json')) as { runId: string };

  async function migrate(answer: (question: OpenQuestion, status: RunStatus) => ReturnType<typeof goEverywhere>) {
    await sh('rm --force /var/lib/supersync-encrypted.img');
    await rehearsal.startSending();
    const handle = await startMigration(rehearsal);
    return { handle, ended: answerUntilEnd<Result>({ rehearsal, handle }, answer) };
  }

  it('parks where nobody has the passphrase, keeps users out through another reboot, and goes back without being told so again', async () => {
    let isCut = false;
    director.decideWith(async ({ node, phase, moment }) => {
      if (isCut || node !== 'copy-data' || phase !== 'do' || moment !== 'during') return 'go';
      isCut = true;
      await rehearsal.powerCut();
      return 'go';
    });
    const asked: OpenQuestion[] = [];
    const { handle, ended } = await migrate(async (question, status) => {
      if (question.kind === 'secret' && asked.length > 0) throw new Error(`asked in spite of the way back: ${question.title}`);
      if (question.kind === 'secret' && isCut) return { answer: 'unavailable', reason: 'the safe is locked' };
      if (question.kind !== 'parked') return goEverywhere(question, status);
      asked.push(question);
      if (asked.length === 1) {
        const before = await serves();
        await rehearsal.powerCut();
        // What waits for an answer does nothing by itself: it is the boot that would have started them.
        await expect.poll(serves, { timeout: 60_000 }).toBe(before);
        expect(before).toMatch(/^false\n\S/);
        const open = async () => (await handle.query<RunStatus>(queryNames.status)).questions.map(({ kind }) => kind);
        await expect.poll(open, { timeout: 120_000 }).toEqual(['parked', 'secret']);
      }
      return { answer: 'rollback', reason: 'the safe is locked' };
    });
    expect((await ended).state).toBe('rolled back');
    expect(asked).toHaveLength(1);
    expect(asked[0]?.title).toMatch(/nobody has it, says rehearsal \(the safe is locked\)/);
    expect(isIntact(await rehearsal.finishSending())).toBe(true);
    const record = await readRecord(rehearsal, handle.runId);
    expect(record.decisions).toContainEqual(expect.objectContaining({ answer: 'unavailable', reason: 'the safe is locked', outcome: 'counted' }));
    expect(record.nodes.find(({ id }) => id === 'stop-database')?.figures).toEqual({ equal: true, untouched: true, carriedOver: false });
    expect(await serves()).toBe('true\n');
  });

  it('gives the host back to the lost run where a person decides against the way back', async () => {
    const { handle: lost, ended } = await migrate(async (question, status) => {
      if (question.id !== 'verification') return goEverywhere(question, status);
      await lost.terminate('by mistake');
      return undefined;
    });
    await expect(ended).rejects.toThrow();
    const asLost = await serves();

    const against = await startRunbook(rehearsal, 'rollback', { takeOver: true });
    const gates: OpenQuestion[] = [];
    const result = await answerUntilEnd<Result>({ rehearsal, handle: against }, (question, status) => {
      if (question.id !== 'roll-back') return goEverywhere(question, status);
      gates.push(question);
      return Promise.resolve({ answer: 'no-go', reason: 'the migration is to go on' });
    });
    expect(gates[0]?.evidence.map((row) => row.join(': ')).join('\n')).toMatch(/PostgreSQL.*(stopped|not run)/i);
    expect(result.outcome).toMatch(/has the host again as it left it, and users may be offline.*start migrate --resume/s);
    expect((await claim()).runId).toBe(lost.runId);
    expect(await serves()).toBe(asLost);

    const back = await startRunbook(rehearsal, 'rollback', { takeOver: true });
    const go = (question: OpenQuestion, status: RunStatus) => (question.id === 'roll-back' ? Promise.resolve({ answer: 'go', reason: 'its run is gone' }) : goEverywhere(question, status));
    expect((await answerUntilEnd<Result>({ rehearsal, handle: back }, go)).state).toBe('rolled back');
    expect(isIntact(await rehearsal.finishSending())).toBe(true);
    expect(await serves()).toBe('true\n');
  });

  it('ends as it stands where its host cannot be made as it would leave it, and a person says so', async () => {
    let isBroken = false;
    director.decideWith(async ({ node, moment }) => {
      if (isBroken || node !== 'close-run' || moment !== 'before') return 'go';
      isBroken = true;
      await sh('docker rm --force supersync-server && mv /opt/supersync/docker-compose.yaml /opt/supersync/away.yaml');
      return 'go';
    });
    const parked: OpenQuestion[] = [];
    const { handle, ended } = await migrate(async (question, status) => {
      if (question.kind !== 'parked') return goEverywhere(question, status);
      parked.push(question);
      return Promise.resolve({ answer: 'as-it-stands', reason: 'the application is rebuilt by hand' });
    });
    const result = await ended;
    expect(parked.map(({ node, choices }) => ({ node, choices }))).toEqual([{ node: 'close-run', choices: ['retry', 'rollback', 'as-it-stands'] }]);
    expect(result.state).toBe('succeeded');
    expect(result.outcome).toMatch(/stays as it stands, which may lack: .*application up.*as-it-stands, rehearsal: the application is rebuilt by hand/);
    expect((await readRecord(rehearsal, handle.runId)).outcome).toBe(result.outcome);
    await sh('mv /opt/supersync/away.yaml /opt/supersync/docker-compose.yaml && cd /opt/supersync && docker compose up --detach --no-build');
    expect(isIntact(await rehearsal.finishSending())).toBe(true);
    expect(await sh('test -e /var/lib/lockstep/claim.json || echo free')).toBe('free\n');
  });

  it('numbers the runs of a host in the order in which they began', async () => {
    const orders = await sh(`jq --raw-output 'select(.kind == "opened") | "\\(.at) \\(.order)"' ${hostFiles.state}/runs/*/journal.jsonl | sort | cut --delimiter=' ' --fields=2`);
    expect(orders.trim().split('\n')).toEqual(['1', '2', '3', '4', '5']);
  });
});
