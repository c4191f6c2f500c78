import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import type { OpenQuestion } from '../../src/contract/questions.js';
import { answerUntilEnd, goEverywhere } from '../../src/rehearsal/answers.js';
import { isIntact } from '../../src/rehearsal/clientVerdict.js';
import { hostFiles } from '../../src/rehearsal/hostConfig.js';
import type { Rehearsal } from '../../src/rehearsal/rehearsal.js';
import { openTestHost, readRecord, refusalOf, startMigration, startRunbook } from './host.js';

const runbook = 'decommissionPlaintext';
const oldData = '/var/lib/docker/volumes/supersync_pg-data/_data';
const copies = '/var/backups/copies';
const filler = 20_000;

type Result = { state: string; outcome: string };

/** One boot, one migration, and what is left of it in the clear: first every refusal, then the removal with a worker that is killed in it. */
describe('the removal of what a migration left in the clear', () => {
  let rehearsal: Rehearsal;

  beforeAll(async () => {
    rehearsal = await openTestHost('e2e-decommission', { config: { decommission: { places: [copies] } } });
    await rehearsal.startWorker();
    await rehearsal.startSending();
    expect((await answerUntilEnd<Result>({ rehearsal, handle: await startMigration(rehearsal) })).state).toBe('succeeded');
    await shell(
      [
        `mkdir -p ${copies}`,
        `cp -a ${oldData} ${copies}/cluster`,
        `cp -a ${oldData} ${copies}/other && printf 12345678 | dd of=${copies}/other/global/pg_control conv=notrunc status=none`,
        `mkdir ${copies}/cluster/base/filler && cd ${copies}/cluster/base/filler && seq 1 ${filler} | xargs touch`,
        `docker exec supersync-postgres pg_dump -U supersync supersync > /var/backups/supersync/old.sql`,
        `gzip -c /var/backups/supersync/old.sql > /var/backups/supersync/old.sql.gz`,
        `echo 'call the printer company' > ${copies}/notes.txt`,
        `ln -s /etc ${copies}/link`,
      ].join(' && '),
    );
  });
  afterAll(async () => {
    await rehearsal.close();
  });

  function shell(command: string): Promise<string> {
    return rehearsal.guest.expect('sh', ['-c', command]);
  }

  function look(): Promise<string> {
    return shell(`for path in ${oldData} ${copies}/cluster ${copies}/other /var/backups/supersync/old.sql*; do find $path -type f | sort | xargs -d '\\n' ls -s --block-size=1 | md5sum; done`);
  }

  async function configure(change: Record<string, unknown>): Promise<void> {
    const settings = parse((await rehearsal.guest.getFile(hostFiles.config)).toString('utf8')) as { decommission: object };
    settings.decommission = { ...settings.decommission, ...change };
    await rehearsal.guest.putFile({ content: stringify(settings), to: hostFiles.config, mode: 0o644 });
  }

  /** Answers a run; `onParked` mends what stands against it and says what to answer. */
  async function walk(handle: WorkflowHandle, onGate: 'go' | 'no-go', onParked: (title: string) => Promise<string>, onStatus?: Parameters<typeof answerUntilEnd>[2]) {
    const asked: OpenQuestion[] = [];
    const result = await answerUntilEnd<Result>(
      { rehearsal, handle },
      async (question, status) => {
        asked.push(question);
        if (question.kind === 'parked') return { answer: await onParked(question.title), reason: 'seen' };
        if (question.id === 'remove-plaintext-gate') return { answer: onGate, reason: 'the retention period is over' };
        return goEverywhere(question, status);
      },
      onStatus,
    );
    return { result, asked };
  }

  it('refuses while the retention period runs or somebody has an old file open, and a no-go removes nothing', async () => {
    const before = await look();
    const tail = (await shell(`tail -f ${oldData}/postgresql.conf >/dev/null 2>&1 </dev/null & echo $!`)).trim();
    const refusals: string[] = [];
    const { result, asked } = await walk(await startRunbook(rehearsal, runbook), 'no-go', async (title) => {
      refusals.push(title);
      if (title.includes('retentionDays')) await configure({ retentionDays: 0.0001 });
      else await shell(`kill ${tail}`);
      await sleep(1000);
      return 'retry';
    });
    expect(refusals).toEqual([
      expect.stringMatching(/has been in use for 0\.\d+ days .*retentionDays is 30/) as unknown,
      expect.stringContaining(`process ${tail} has ${oldData}/postgresql.conf open`) as unknown,
    ]);
    expect(result).toEqual({ state: 'stopped', outcome: expect.stringMatching(/no-go.*The host stays as it is/) as unknown });
    const evidence = asked.find(({ id }) => id === 'remove-plaintext-gate')?.evidence ?? [];
    const under = (label: string) => evidence.filter(([each]) => each === label).map(([, words]) => words.split(': ')[0]);
    expect(under('REMOVED')).toEqual([oldData, '/var/backups/supersync/old.sql', '/var/backups/supersync/old.sql.gz', `${copies}/cluster`]);
    expect(under('stays')).toEqual(expect.arrayContaining([`${copies}/link`, `${copies}/notes.txt`, `${copies}/other`, expect.stringMatching(/-json\.log$/) as unknown]));
    expect(await look()).toBe(before);
  });

  it('refuses while the database does not run on the encrypted volume, and keeps an old volume that was started since', async () => {
    await shell('docker stop supersync-server && cd /opt/supersync && COMPOSE_FILE=docker-compose.yaml docker compose up -d --no-deps postgres && until docker exec supersync-postgres pg_isready -U supersync; do sleep 1; done');
    const refusals: string[] = [];
    const { result } = await walk(await startRunbook(rehearsal, runbook), 'go', (title) => {
      refusals.push(title);
      return Promise.resolve('rollback');
    });
    expect(refusals).toEqual([expect.stringMatching(/PostgreSQL holds .* which is not on the encrypted volume; nothing is removed/) as unknown]);
    expect(result.state).toBe('stopped');
    await shell('cd /opt/supersync && docker compose up -d');
    const { asked } = await walk(await startRunbook(rehearsal, runbook), 'no-go', (title) => Promise.reject(new Error(title)));
    const evidence = asked.find(({ id }) => id === 'remove-plaintext-gate')?.evidence ?? [];
    expect(evidence).toContainEqual(['stays', expect.stringMatching(new RegExp(`^${oldData}: .*it was started since Lockstep stopped it`)) as unknown]);
    expect(evidence.filter(([label, words]) => label === 'REMOVED' && words.startsWith(`${oldData}:`))).toEqual([]);
    await shell(`rsync -a --checksum --delete --exclude=/base/filler ${copies}/cluster/ ${oldData}/`);
  });

  it('removes what was listed with two people agreeing, past a killed worker, and nothing else; then nobody goes back', async () => {
    await configure({ people: 2 });
    const handle = await startRunbook(rehearsal, runbook);
    let kills = 0;
    const { result } = await walk(handle, 'go', (title) => Promise.reject(new Error(title)), async ({ nodes, questions }) => {
      const gate = questions.find(({ agreed }) => agreed?.length === 1);
      if (gate !== undefined) await handle.signal('decide', { question: gate.id, answer: 'go', by: 'a second person', reason: 'I agree' });
      if (kills > 0 || !nodes.some(({ id, state }) => id === 'remove-plaintext' && state === 'running')) return;
      if ((await shell(`ls ${copies}/cluster/base/filler 2>/dev/null | wc -l`)).trim() === String(filler)) return;
      kills += 1;
      await rehearsal.killWorker();
    });
    expect(result.state).toBe('succeeded');
    expect(kills).toBe(1);
    const record = await readRecord(rehearsal, handle.runId, runbook);
    const removal = record.nodes.find(({ id }) => id === 'remove-plaintext');
    expect(removal).toMatchObject({ state: 'done', attempts: 2, figures: { places: 4 } });
    expect(await shell(`ls ${oldData}; lsattr -d ${oldData} | cut -c5; ls ${copies} /var/backups/supersync | grep -v gpg; ls /etc/passwd`)).toBe(
      `REMOVED-BY-LOCKSTEP.txt\ni\n${copies}:\nlink\nnotes.txt\nother\n\n/var/backups/supersync:\n/etc/passwd\n`,
    );
    expect(record.summary.map(([label]) => label)).toEqual(expect.arrayContaining(['removed', 'stays', 'on SSDs', 'in snapshots']));
    expect(await shell('docker inspect --format "{{range .Mounts}}{{.Source}} {{end}}" supersync-postgres')).toContain('/mnt/pg-data-encrypted');

    expect(await refusalOf(await startRunbook(rehearsal, 'rollback'))).toMatch(new RegExp(`removed by decommissionPlaintext \\(run ${handle.runId}.*no old volume to go back to`));
    expect(isIntact(await rehearsal.finishSending())).toBe(true);
  });
});
