import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import type { OpenQuestion } from '../../src/contract/questions.js';
import type { RunRecord } from '../../src/contract/record.js';
import type { RunStatus } from '../../src/contract/status.js';
import { goEverywhere } from '../../src/rehearsal/answers.js';
import { isIntact, type ClientVerdict } from '../../src/rehearsal/clientVerdict.js';
import { deployment } from '../../src/rehearsal/deployment/files.js';
import { hostFiles } from '../../src/rehearsal/hostConfig.js';
import type { Rehearsal } from '../../src/rehearsal/rehearsal.js';
import { finishMigration, openTestHost, startMigration } from './host.js';

const volume = '/mnt/pg-data-encrypted';

/** The plan's rollback triggers, made real: damaged data before users may write, a database that crashes after. */
describe('what the plan names as a reason to go back', () => {
  let rehearsal: Rehearsal;

  beforeAll(async () => {
    rehearsal = await openTestHost('e2e-triggers', { config: { rollback: { automatic: true } }, times: { firstHourSeconds: 20, daySeconds: 1 } });
    await rehearsal.startWorker();
  });
  afterAll(async () => {
    await rehearsal.close();
  });

  const sh = (script: string, ...args: readonly string[]) => rehearsal.guest.expect('sh', ['-c', script, 'sh', ...args]);
  const databaseProcess = async () => (await sh('docker inspect --format "{{.State.Pid}}" "$1"', deployment.databaseContainer)).trim();

  /** Walks a migration to its end. */
  async function migrate(answer: (question: OpenQuestion) => Promise<{ answer: string; reason?: string } | undefined>, disturb: (status: RunStatus) => Promise<void> = () => Promise.resolve()) {
    const seen: OpenQuestion[] = [];
    await rehearsal.startSending();
    const handle = await startMigration(rehearsal);
    const ended: { result: { state: string }; verdict: ClientVerdict; record: RunRecord } = await finishMigration(
      rehearsal,
      handle,
      async (question, status) => {
        seen.push(question);
        return (await answer(question)) ?? goEverywhere(question, status);
      },
      disturb,
    );
    return { ...ended, seen, audit: (await rehearsal.guest.getFile('/var/log/luks-audit.log')).toString('utf8') };
  }

  it('starts the way back by itself where that is set, told as a decision of the settings', async () => {
    const file = (await sh(`docker exec "$1" psql --username "$2" --dbname "$3" --tuples-only --no-align --command "SELECT pg_relation_filepath('users')"`, deployment.databaseContainer, deployment.databaseUser, deployment.databaseName)).trim();
    const { result, verdict, record, seen, audit } = await migrate(async (question) => {
      // The copy is equal by every digest; the page is damaged after that.
      if (question.node === 'verification') await sh('dd if=/dev/urandom of="$1" bs=8192 count=1 conv=notrunc status=none', `${volume}/pgdata/${file}`);
      return undefined;
    });
    expect(result.state).toBe('rolled back');
    expect(isIntact(verdict)).toBe(true);
    expect(seen.filter(({ kind }) => kind === 'parked')).toEqual([]);
    expect(record.outcome).toMatch(/PostgreSQL cannot count what lies on the encrypted volume.*; lockstep\.yaml: rollback\.automatic/);
    expect(record.decisions.at(-1)).toMatchObject({ question: 'verify-rows.failed.1', answer: 'rollback', by: 'lockstep.yaml', outcome: 'counted' });
    expect(record.nodes.find(({ id }) => id === 'verify-rows')?.facts).toEqual([['pages with a wrong checksum', '0']]);
    expect(audit).toMatch(/ROLLBACK_TRIGGER .*node=verify-rows reason="PostgreSQL cannot count/);
    expect(audit).toMatch(/DECISION by lockstep\.yaml .*question=verify-rows\.failed\.1 answer=rollback outcome=counted/);
    expect(audit).toMatch(/DECISION by \S+ .*question=final-backup answer=go outcome=counted/);
    tellWayBack(record);
  });

  it('past the point of no return leaves it to a person, with what was measured, and goes on where that person does', async () => {
    await rehearsal.guest.expect('rm', ['--force', '/var/lib/supersync-encrypted.img']);
    await setAutomatic(false);
    let crashed: 'not yet' | 'once' = 'not yet';
    const { result, verdict, seen } = await migrate(
      (question) => {
        if (question.node === 'watch-first-hour') return Promise.resolve({ answer: 'rollback', reason: 'it crashed' });
        if (question.id === 'past-the-point-of-no-return') return Promise.resolve({ answer: 'continue' });
        return Promise.resolve(undefined);
      },
      async ({ nodes }) => {
        if (crashed === 'once' || nodes.find(({ id }) => id === 'watch-first-hour')?.state !== 'running') return;
        crashed = 'once';
        await sh('kill -9 "$1"', await databaseProcess());
      },
    );
    const [proposed, past] = seen.filter(({ kind }) => kind === 'parked');
    expect(proposed).toMatchObject({ id: 'watch-first-hour.failed.1', choices: ['retry', 'skip', 'rollback'], recommended: 'rollback' });
    expect(proposed?.evidence.map(([label]) => label)).toContain('containers that do not run any more');
    expect(past).toMatchObject({ id: 'past-the-point-of-no-return', recommended: 'carry-over', evidence: proposed?.evidence });
    expect(result.state).toBe('succeeded');
    expect(isIntact(verdict)).toBe(true);
  });

  async function setAutomatic(automatic: boolean): Promise<void> {
    const settings = parse((await rehearsal.guest.getFile(hostFiles.config)).toString('utf8')) as object;
    await rehearsal.guest.putFile({ content: stringify({ ...settings, rollback: { automatic } }), to: hostFiles.config, mode: 0o644 });
  }

  /** How long it took beside PostgreSQL's own start, for whoever reads the log. */
  function tellWayBack({ wayBack, nodes }: RunRecord): void {
    const start = nodes.find(({ id }) => id === 'stop-database')?.seconds ?? 0;
    process.stderr.write(`e2e-triggers: way back ${wayBack?.seconds.toFixed(1) ?? '?'} s; stop and start of the old database in it ${start.toFixed(1)} s\n`);
  }
});
