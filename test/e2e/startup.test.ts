import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { workflowIdOf } from '../../src/contract/names.js';
import type { OpenQuestion } from '../../src/contract/questions.js';
import { answerUntilEnd, goEverywhere } from '../../src/rehearsal/answers.js';
import { isIntact } from '../../src/rehearsal/clientVerdict.js';
import { hostFiles, rehearsalHost, rehearsalSecrets } from '../../src/rehearsal/hostConfig.js';
import type { Rehearsal } from '../../src/rehearsal/rehearsal.js';
import { openTestHost, readRecord, refusalOf, startMigration, startRunbook, waitFor } from './host.js';

type Result = { state: string; outcome: string };
type Run = WorkflowHandle & { runId: string };

const volume = 'pg-data-encrypted';
const database = 'supersync-postgres';
const { operationalPassphrase: operational = '', recoveryPassphrase: recovery = '' } = rehearsalSecrets;
/** Longer than a worker takes from one look at its host to the next. */
const lookSeconds = 30;

/** One host that was migrated, and everything that ends its service afterwards: reboots, kills, a person, `shutdown`. */
describe('startup and shutdown', () => {
  let rehearsal: Rehearsal;
  let last = '';

  beforeAll(async () => {
    rehearsal = await openTestHost('e2e-startup');
    await rehearsal.startWorker();
    await rehearsal.startSending();
    expect((await answerUntilEnd<Result>({ rehearsal, handle: await startMigration(rehearsal) })).state).toBe('succeeded');
  });
  afterAll(async () => {
    await rehearsal.close();
  });

  const shell = (command: string): Promise<string> => rehearsal.guest.expect('sh', ['-c', command]);
  const audit = async (event: string): Promise<readonly string[]> => (await shell('cat /var/log/luks-audit.log')).split('\n').filter((line) => line.includes(`] ${event} `));
  /** What people are told, one a line, as it lies on the host until it got out. */
  const alerts = async (): Promise<readonly string[]> => (await shell(`for file in ${hostFiles.state}/alerts/*; do tr -d '\\n' < "$file"; echo; done`)).split('\n');
  const isOpen = async (): Promise<boolean> => (await rehearsal.guest.exec('cryptsetup', ['status', volume])).exitCode === 0;
  const health = (): Promise<string> => shell('curl -s -o /dev/null -w "%{http_code}" http://127.0.0.1:1900/health || true');

  /** The run of `startup` that was begun last; undefined before the first. */
  async function readLast(): Promise<Run | undefined> {
    const handle = rehearsal.client.workflow.getHandle(workflowIdOf(rehearsalHost, 'startup'));
    const runId = await handle.describe().then((described) => described.runId, () => undefined);
    return runId === undefined ? undefined : Object.assign(rehearsal.client.workflow.getHandle(handle.workflowId, runId), { runId });
  }

  /** Waits for one that this test has not seen yet. */
  async function nextStartup(): Promise<Run> {
    for (;;) {
      const run = await readLast();
      if (run !== undefined && run.runId !== last) {
        last = run.runId;
        return run;
      }
      await sleep(500);
    }
  }

  async function expectNoStartup(): Promise<void> {
    await sleep(lookSeconds * 1000);
    expect((await readLast())?.runId).toBe(last);
  }

  /** Waits for a question for the passphrase other than those that were answered. */
  async function askedAgain(run: Run, ...answered: readonly OpenQuestion[]): Promise<OpenQuestion> {
    const isNew = ({ kind, id }: OpenQuestion) => kind === 'secret' && !answered.some((each) => each.id === id);
    const question = (await waitFor(run, ({ questions }) => questions.some(isNew))).questions.find(isNew);
    if (question === undefined) throw new Error('no passphrase is asked for');
    return question;
  }

  /** As `lockstep unlock` does, from a terminal that is reached over SSH. */
  async function type(question: OpenQuestion, value: string, by = 'ann'): Promise<void> {
    const request = JSON.stringify({ question: question.id, secret: question.secret, value, by, from: '192.0.2.7' });
    for (;;) {
      const { stdout } = await rehearsal.guest.exec('socat', ['-t', '20', '-', `UNIX-CONNECT:${hostFiles.state}/secrets.sock`], { input: `${request}\n` });
      if (stdout.includes('"ok":true')) return;
      await sleep(1000);
    }
  }

  async function figuresOf(run: Run, node: string): Promise<unknown> {
    return (await readRecord(rehearsal, run.runId, 'startup')).nodes.find(({ id }) => id === node)?.figures;
  }

  it('begins by itself after a power cut, counts wrong passphrases past a killed worker, refuses the recovery one, and serves again', async () => {
    await rehearsal.powerCut();
    const run = await nextStartup();
    const first = await askedAgain(run);
    expect(await waitFor(run, ({ state }) => state === 'waiting')).toMatchObject({ startedBy: 'boot' });
    expect(first).toMatchObject({ secret: 'operationalPassphrase', node: 'unlock' });
    expect(await alerts()).toContainEqual(expect.stringContaining('rehearsal waits for the operational passphrase'));

    await type(first, 'not this one', 'ben');
    const second = await askedAgain(run, first);
    expect(second.title).toContain('1 wrong in a row; the next one is tried 1 s later');
    await type(second, 'nor that one', 'ben');
    const third = await askedAgain(run, first, second);
    expect(third.title).toContain('2 wrong in a row; the next one is tried 2 s later');
    // It is in the memory of the worker, which waits before it tries it.
    await type(third, 'nor this', 'ben');
    await rehearsal.killWorker();
    const fourth = await askedAgain(run, first, second, third);
    await type(fourth, 'nor that', 'ben');
    const fifth = await askedAgain(run, first, second, third, fourth);
    expect(fifth.title).toMatch(/[34] wrong in a row; the next one is tried [48] s later/);
    const failed = await audit('VOLUME_UNLOCK_FAILED');
    expect(failed.length).toBeGreaterThanOrEqual(3);
    for (const line of failed) expect(line).toContain('by ben from 192.0.2.7');

    await type(fifth, recovery);
    const sixth = await askedAgain(run, first, second, third, fourth, fifth);
    expect(sixth.title).toMatch(/recovery passphrase \(slot 1\).*stays closed.*"lockstep start emergencyAccess"/);
    expect(await isOpen()).toBe(false);
    expect(await audit('RECOVERY_KEY_TYPED')).toEqual([expect.stringContaining('by ann from 192.0.2.7')]);

    await type(sixth, operational);
    expect((await run.result()) as Result).toMatchObject({ state: 'succeeded' });
    expect(await health()).toBe('200');
    expect(await audit('STARTUP')).toEqual([expect.stringContaining('by ann from 192.0.2.7')]);
    expect((await alerts()).filter((line) => line.includes('rehearsal waits for'))).toHaveLength(1);
    expect(await figuresOf(run, 'check-volume')).toMatchObject({ cipher: 'aes-xts-plain64', roles: ['0 operational', '1 recovery'] });
    expect(await shell(`ls ${hostFiles.state}/wrong-passphrases.json 2>&1 || true`)).toContain('No such file');
  });

  it('starts a database that was killed, and one that Docker stopped with itself, without asking', async () => {
    await shell(`kill -9 $(docker inspect --format '{{.State.Pid}}' ${database})`);
    const killed = await nextStartup();
    expect((await killed.result()) as Result).toMatchObject({ state: 'succeeded' });
    expect(await figuresOf(killed, 'look-at-host')).toMatchObject({ volume: 'open', services: expect.arrayContaining([expect.objectContaining({ container: database, cause: 'it was killed (status 137)' })]) as unknown });
    expect(await alerts()).toContainEqual(expect.stringContaining(`${database} on rehearsal ended`));
    expect(await health()).toBe('200');

    await shell('systemctl restart docker');
    const restarted = await nextStartup();
    expect((await restarted.result()) as Result).toMatchObject({ state: 'succeeded' });
    expect(await figuresOf(restarted, 'look-at-host')).toMatchObject({ services: expect.arrayContaining([expect.objectContaining({ cause: expect.stringContaining('Docker was restarted') as unknown })]) as unknown });
    expect(await health()).toBe('200');
  });

  it('leaves alone what somebody stopped, and says so once', async () => {
    await shell(`docker stop --time 60 ${database}`);
    await expectNoStartup();
    await expectNoStartup();
    expect((await shell('journalctl --unit lockstep-worker --output cat --no-pager')).split('\n').filter((line) => line.includes(`${database} is down and left alone`))).toHaveLength(1);
    expect((await rehearsal.lockstep('start', 'startup')).exitCode).toBe(0);
    expect(((await (await nextStartup()).result()) as Result).state).toBe('succeeded');
    expect(await health()).toBe('200');
  });

  it('asks once more after a power cut in its middle, and goes on', async () => {
    await rehearsal.powerCut();
    const run = await nextStartup();
    const asked: string[] = [];
    let cuts = 0;
    const result = await answerUntilEnd<Result>(
      { rehearsal, handle: run },
      (question, status) => {
        if (!asked.includes(question.id)) asked.push(question.id);
        return goEverywhere(question, status);
      },
      async ({ nodes }) => {
        if (cuts > 0 || !nodes.some(({ id, state }) => id === 'start-database' && state === 'running')) return;
        cuts += 1;
        await rehearsal.powerCut();
      },
    );
    expect(result.state).toBe('succeeded');
    expect(cuts).toBe(1);
    expect(asked).toEqual(['unlock.secret.1', 'start-database.secret.1']);
    await expectNoStartup();
    expect(await health()).toBe('200');
  });

  it('is not begun while another run holds the host, which is told of the boot itself', async () => {
    const shutdown = await startRunbook(rehearsal, 'shutdown');
    const { questions } = await waitFor(shutdown, (status) => status.questions.some(({ id }) => id === 'shut-down'));
    expect(questions[0]?.evidence.map(([label]) => label)).toEqual(['volume', 'connections to PostgreSQL', 'last backup']);
    expect(await refusalOf(await startMigration(rehearsal))).toContain(`held by ${workflowIdOf(rehearsalHost, 'shutdown')}`);

    await rehearsal.powerCut();
    const question = await askedAgain(shutdown);
    await type(question, operational);
    await waitFor(shutdown, (status) => !status.questions.some(({ kind }) => kind === 'secret'));
    while ((await health()) !== '200') await sleep(1000);
    await expectNoStartup();

    const asked: string[] = [];
    const result = await answerUntilEnd<Result>({ rehearsal, handle: shutdown }, (open, status) => {
      asked.push(open.kind);
      return goEverywhere(open, status);
    });
    expect(result.state).toBe('succeeded');
    expect(asked).not.toContain('secret');
    const record = await readRecord(rehearsal, shutdown.runId, 'shutdown');
    expect(record.nodes.find(({ id }) => id === 'stop-database')?.figures).toMatchObject({ state: 'shut down' });
  });

  it('is not begun after a shutdown until the host is booted', async () => {
    expect(await isOpen()).toBe(false);
    expect(await shell(`findmnt /mnt/${volume} || echo none; losetup --list --noheadings | grep supersync-encrypted || echo none`)).toBe('none\nnone\n');
    await shell('systemctl restart lockstep-worker');
    await expectNoStartup();
    expect((await rehearsal.lockstep('unlock')).stderr).toContain('"lockstep start startup" opens it');

    await rehearsal.powerCut();
    const run = await nextStartup();
    expect((await answerUntilEnd<Result>({ rehearsal, handle: run })).state).toBe('succeeded');
    expect((await readRecord(rehearsal, run.runId, 'startup')).summary[0]?.[1]).toMatch(/shutdown closed it.*the host was booted since/);
    expect(isIntact(await rehearsal.finishSending())).toBe(true);
  });
});
