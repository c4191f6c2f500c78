import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { shortRunId } from '../../src/contract/names.js';
import { answerUntilEnd, goEverywhere } from '../../src/rehearsal/answers.js';
import { isIntact } from '../../src/rehearsal/clientVerdict.js';
import type { OpenQuestion } from '../../src/contract/questions.js';
import { deployment } from '../../src/rehearsal/deployment/files.js';
import type { Rehearsal } from '../../src/rehearsal/rehearsal.js';
import { openTestHost, readRecord, startMigration } from './host.js';

const data = `/var/lib/docker/volumes/${deployment.volume}/_data`;
const { databaseContainer, databaseUser } = deployment;

/** One boot, two old volumes that are of no use when somebody goes back: one does not start, one has lost rows. */
describe('the way back where the old volume is damaged', () => {
  let rehearsal: Rehearsal;

  beforeAll(async () => {
    rehearsal = await openTestHost('e2e-restore-backup');
    // What the application knows nothing of, and a dump of its database would lack.
    await sql(
      'postgres',
      [
        "CREATE ROLE auditor LOGIN PASSWORD 'auditors-own';",
        'CREATE ROLE readers; GRANT readers TO auditor;',
        'CREATE DATABASE ledger OWNER auditor;',
        '\\connect ledger',
        'CREATE TABLE entries AS SELECT n, md5(n::text) AS digest FROM generate_series(1, 5000) n; GRANT SELECT ON entries TO readers;',
        "CREATE SEQUENCE numbers; SELECT setval('numbers', 4711);",
        "SELECT lo_from_bytea(0, 'kept as a large object');",
      ].join('\n'),
    );
    await rehearsal.startWorker();
  });
  afterAll(async () => {
    await rehearsal.close();
  });

  async function sql(database: string, text: string): Promise<string> {
    const program = ['psql', '--no-psqlrc', '-v', 'ON_ERROR_STOP=1', '--quiet', '--no-align', '--tuples-only', '-U', databaseUser, '-d', database];
    return (await rehearsal.guest.expect('docker', ['exec', '--interactive', databaseContainer, ...program], { input: text })).trim();
  }

  /** Migrates until the copy is verified, damages the old volume, and goes back by the final backup. */
  async function goBackAfter(damage: () => Promise<unknown>) {
    const parked: OpenQuestion[] = [];
    const restarts = { count: 0 };
    await rehearsal.startSending();
    const handle = await startMigration(rehearsal);
    const result = await answerUntilEnd<{ state: string; outcome: string }>(
      { rehearsal, handle },
      async (question, status) => {
        if (question.id === 'verification') {
          await damage();
          return { answer: 'no-go', reason: 'the disk makes noises' };
        }
        if (question.kind !== 'parked') return goEverywhere(question, status);
        parked.push(question);
        if (!question.choices.includes('restore-backup')) throw new Error(question.title);
        return { answer: 'restore-backup', reason: 'the old volume is broken' };
      },
      async () => {
        if (parked.length === 0 || restarts.count > 0) return;
        const names = await rehearsal.guest.expect('docker', ['ps', '--format', '{{.Names}}']);
        if (!names.includes('lockstep-restore-')) return;
        restarts.count += 1;
        await rehearsal.killWorker();
      },
    );
    const verdict = await rehearsal.finishSending();
    const record = await readRecord(rehearsal, handle.runId);
    const undone = record.nodes.find(({ id }) => id === 'stop-database');
    return { handle, result, parked, verdict, undone, restarts: restarts.count, kept: `${data}.damaged-${shortRunId(handle.runId)}` };
  }

  /** Whatever a dump of the application's database alone would have lost. */
  async function expectEverything(): Promise<void> {
    expect(await sql('ledger', 'SELECT count(*) FROM entries; SELECT last_value FROM numbers; SELECT convert_from(lo_get(oid), \'UTF8\') FROM pg_largeobject_metadata;')).toBe('5000\n4711\nkept as a large object');
    expect(await sql('postgres', "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'ledger';")).toBe('auditor');
    const overNetwork = (password: string) =>
      rehearsal.guest.exec('docker', ['exec', '--env', `PGPASSWORD=${password}`, databaseContainer, 'sh', '-c', 'psql -h "$(hostname -i)" -U auditor -d ledger -tAc "select count(*) from entries"']);
    expect((await overNetwork('auditors-own')).stdout.trim()).toBe('5000');
    expect((await overNetwork('wrong')).exitCode).not.toBe(0);
  }

  function leftovers(runId: string): Promise<string> {
    return rehearsal.guest.expect('sh', [
      '-c',
      `docker ps --all --format '{{.Names}}' | grep lockstep-restore; ls -d ${data}.restored-* 2>/dev/null; ls /var/lib/lockstep/runs/migrate-${runId}/restore 2>/dev/null; test -e /var/lib/lockstep/claim.json && echo claimed; docker inspect --format '{{range .Mounts}}{{.Name}}{{end}} {{.HostConfig.RestartPolicy.Name}}' ${databaseContainer}; stat --format '%a %u:%g' ${data}`,
    ]);
  }

  it('restores the final backup of the whole cluster where the old volume does not start, also with a worker that is killed in the middle', async () => {
    const owner = await rehearsal.guest.expect('stat', ['--format', '%a %u:%g', data]);
    const rules = await rehearsal.guest.expect('cat', [`${data}/pg_hba.conf`]);
    const { handle, result, parked, verdict, undone, restarts, kept } = await goBackAfter(() => rehearsal.guest.expect('sh', ['-c', `rm ${data}/pg_wal/0000*`]));
    expect(parked).toEqual([expect.objectContaining({ choices: ['retry', 'skip', 'restore-backup'], title: expect.stringMatching(/the old database does not start \(supersync-postgres ended with status \d+: .*could not.*restore-backup: The final backup restored/s) as unknown })]);
    expect(parked[0]?.reasonFor).toContain('restore-backup');
    expect(restarts).toBe(1);
    expect(result.state).toBe('rolled back');
    expect(isIntact(verdict)).toBe(true);
    expect(undone).toMatchObject({ state: 'undone', note: expect.stringContaining('the old volume is broken') as unknown, figures: { equal: true, kept } });
    await expectEverything();
    expect(await leftovers(handle.runId)).toBe(`${deployment.volume} always\n${owner}`);
    expect(await rehearsal.guest.expect('cat', [`${data}/pg_hba.conf`])).toBe(rules);
    // Kept as it was found, and the backup with it.
    expect(await rehearsal.guest.expect('sh', ['-c', `cat ${kept}/PG_VERSION; ls ${kept}/pg_wal | grep ^0000 || echo damaged; ls /var/backups/supersync | grep -c final.sql.zst.gpg$`])).toBe('15\ndamaged\n1\n');
  });

  it('restores it where the old volume starts, and has lost rows', async () => {
    await rehearsal.guest.expect('rm', ['--force', '/var/lib/supersync-encrypted.img']);
    const file = await sql('ledger', "CHECKPOINT; SELECT pg_relation_filepath('entries');");
    const { result, parked, verdict, undone, kept } = await goBackAfter(() => rehearsal.guest.expect('truncate', ['--size=0', `${data}/${file}`]));
    expect(parked.map(({ title }) => title)).toEqual([expect.stringMatching(/1 figures differ.*rows of ledger\.public\.entries: 5000 before, 0 now/)]);
    expect(result.state).toBe('rolled back');
    expect(isIntact(verdict)).toBe(true);
    expect(undone?.figures).toMatchObject({ equal: true, kept });
    await expectEverything();
  });
});
