import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WorkflowHandle } from '@temporalio/client';
import { signalNames } from '../../src/contract/names.js';
import type { OpenQuestion } from '../../src/contract/questions.js';
import { answerUntilEnd, goEverywhere } from '../../src/rehearsal/answers.js';
import { isIntact } from '../../src/rehearsal/clientVerdict.js';
import { hostFiles } from '../../src/rehearsal/hostConfig.js';
import type { Rehearsal } from '../../src/rehearsal/rehearsal.js';
import { openTestHost, readRecord, refusalOf, startMigration, waitFor } from './host.js';
import { addedNode } from './newerVersion/addedNode.js';
import { buildNewerVersion, newerVersion } from './newerVersion/build.js';
import { resetRun } from './reset.js';

type Run = WorkflowHandle & { runId: string };

/** Where this file decides by itself; everything else is answered as it comes. */
const held: ReadonlySet<string> = new Set(['go-offline', 'verification', 'final']);
/** The real rsync; the first copy is slow enough for its run to be ended in its middle. */
const slowRsync = `#!/bin/sh
[ "$1" = --version ] && exec /usr/bin/rsync --version
mkdir /run/copied 2>/dev/null && exec /usr/bin/rsync --bwlimit=2000 "$@"
exec /usr/bin/rsync "$@"
`;
const source = '/var/lib/docker/volumes/supersync_pg-data/_data';

/**
 * One migration whose server or run is lost in every way that this file names, in each of its phases:
 * before users are offline, with the database stopped, and after users may have written on the new
 * volume. From the first phase on a newer version of Lockstep serves it, with a node more.
 */
describe('a migration that Temporal forgets', { timeout: 600_000 }, () => {
  let rehearsal: Rehearsal;
  let run: Run;
  /** Puts the server's database of the first phase back. */
  let restoreServer: () => Promise<void>;
  let runOfThen: string;
  let newer: string;
  /** Of the stopped source: any start of it changes them. */
  let stoppedSource: string;

  beforeAll(async () => {
    newer = await buildNewerVersion();
    rehearsal = await openTestHost('e2e-lost-minds');
    await rehearsal.guest.putFile({ content: slowRsync, to: '/usr/local/bin/rsync', mode: 0o755 });
    await rehearsal.startWorker();
    await rehearsal.startSending();
    run = lead(await startMigration(rehearsal));
    await open('go-offline');
  });
  afterAll(() => rehearsal.close());

  /** Answers a run as a person would, but for what this file decides by itself. */
  function lead({ workflowId, runId }: Run): Run {
    const handle = Object.assign(rehearsal.client.workflow.getHandle(workflowId, runId), { runId });
    const isOrdinary = ({ id, kind }: OpenQuestion) => !held.has(id.split('.')[0] ?? '') && kind !== 'parked' && kind !== 'cancelled';
    void answerUntilEnd({ rehearsal, handle }, (question, status) => (isOrdinary(question) ? goEverywhere(question, status) : Promise.resolve(undefined))).catch(() => undefined);
    return handle;
  }

  /** Waits for a question, in whichever opening. */
  async function open(question: string): Promise<OpenQuestion> {
    const isWanted = ({ id }: OpenQuestion) => id.split('.')[0] === question;
    const { questions } = await waitFor(run, (status) => status.questions.some(isWanted));
    const [found] = questions.filter(isWanted);
    if (found === undefined) throw new Error(`${question} is not open`);
    return found;
  }

  async function answer(question: string, choice: string): Promise<OpenQuestion> {
    const opened = await open(question);
    await run.signal(signalNames.decide, { question: opened.id, answer: choice, by: 'e2e', reason: 'seen' });
    return opened;
  }

  async function cancelAndGoOn(): Promise<void> {
    await run.cancel();
    expect(await answer('cancelled', 'continue')).toMatchObject({ choices: ['continue', 'rollback'] });
  }

  async function reset(steps: number): Promise<OpenQuestion> {
    run = lead(await resetRun(rehearsal.client, run, steps));
    return open('host-ahead');
  }

  /** The run is gone, whoever ended it: only a person who says how takes up what it left. */
  async function resume(): Promise<void> {
    expect(await refusalOf(await startMigration(rehearsal))).toMatch(/was left by rehearsal\/migrate.*which is closed.*start migrate --resume/s);
    run = lead(await startMigration(rehearsal, { resume: true }));
  }

  async function terminateAndResume(): Promise<void> {
    await run.terminate('by mistake');
    await resume();
  }

  const shell = (command: string): Promise<string> => rehearsal.guest.expect('sh', ['-c', command]);
  const controlFile = () => shell(`sha256sum <${source}/global/pg_control`);
  // Docker tells mounts in any order.
  const databaseIsOn = () => shell(`docker inspect --format '{{range .Mounts}}{{println .Source}}{{end}}{{.State.Running}}' supersync-postgres | grep . | sort | tr '\\n' ' '`);

  it('before users are offline: cancelled, reset and terminated, it goes on where it stood', async () => {
    await cancelAndGoOn();
    const question = await reset(4);
    expect(question).toMatchObject({ choices: ['continue', 'rollback', 'stop'] });
    expect(question.title).toMatch(/held by run \S+ of this same workflow, from which this one was reset.*last begun: ".*", .*, done/);
    await answer('host-ahead', 'continue');
    await open('go-offline');
    await terminateAndResume();
    await open('go-offline');
  });

  it('a newer version with a node more serves it, and it walks its own list', async () => {
    const dropIn = '/etc/systemd/system/lockstep-worker.service.d/rehearsal.conf';
    await shell(`sed -i 's|^ExecStart=\\(.*/node\\) .*|ExecStart=\\1 ${newer} worker|' ${dropIn} && systemctl daemon-reload && systemctl restart lockstep-worker`);
    const { nodes } = await waitFor(run, ({ questions }) => questions.length > 0);
    expect(nodes.map(({ id }) => id)).not.toContain(addedNode);
    restoreServer = await rehearsal.copyServer();
    runOfThen = run.runId;
  });

  it('with the database stopped: terminated in the copy, cancelled, reset, and its server lost, it goes on where it stood', async () => {
    await answer('go-offline', 'go');
    await waitFor(run, ({ nodes }) => nodes.some(({ id, state }) => id === 'copy-data' && state === 'running'));
    await terminateAndResume();
    await open('verification');
    stoppedSource = await controlFile();
    await cancelAndGoOn();
    await reset(1);
    await answer('host-ahead', 'continue');
    await open('verification');
    await rehearsal.loseServer();
    await rehearsal.killWorker();
    await resume();
    // What was answered for the lost run, before its last step, is not asked again.
    await open('verification');
    expect(await controlFile()).toBe(stoppedSource);
    await answer('verification', 'go');
  });

  it('after users may have written on the new volume: cancelled and terminated, it goes on there', async () => {
    await open('final');
    await cancelAndGoOn();
    await terminateAndResume();
    await open('final');
    expect(await databaseIsOn()).toMatch(/^\/mnt\/pg-data-encrypted\/pgdata .*true/);
  });

  it('with the database of the server as it was before, the run asks anew, learns of its host what has happened, and goes on from there', async () => {
    await restoreServer();
    run = lead(Object.assign(run, { runId: runOfThen }));
    await answer('go-offline', 'go');
    const question = await open('host-ahead');
    expect(question.title).toMatch(/held by run \S+ of this same workflow.*users may have written on the encrypted volume since/);
    expect(await databaseIsOn()).toMatch(/^\/mnt\/pg-data-encrypted\/pgdata .*true/);
    await answer('host-ahead', 'continue');
    await open('final');
    // Now the journal is this run's own, and a worker that starts says how far it is: nobody has to answer what was asked then.
    await restoreServer();
    await rehearsal.killWorker();
    expect((await open('host-ahead')).title).toMatch(/the server's history of this run is older than this host.*users may have written on the encrypted volume since/);
    await answer('host-ahead', 'continue');
    const { nodes } = await waitFor(run, ({ questions }) => questions.some(({ id }) => id === 'final'));
    expect(nodes.find(({ id }) => id === 'copy-data')).toMatchObject({ state: 'done', note: "by the host's journal" });
    expect(await databaseIsOn()).toMatch(/^\/mnt\/pg-data-encrypted\/pgdata .*true/);
  });

  it('reset to before the switch and rolled back, it takes along what users wrote, and the old database does not start before that', async () => {
    await reset(2);
    await answer('host-ahead', 'rollback');
    const question = await open('past-the-point-of-no-return');
    expect(question.choices).toEqual(['carry-over', 'discard-writes', 'continue', 'stop']);
    expect(await controlFile()).toBe(stoppedSource);
    await answer('past-the-point-of-no-return', 'carry-over');
    await expect(run.result()).resolves.toMatchObject({ state: 'rolled back' });
    expect(isIntact(await rehearsal.finishSending())).toBe(true);
    const record = await readRecord(rehearsal, run.runId);
    expect(record.nodes.find(({ id }) => id === 'stop-database')?.figures).toEqual({ equal: true, untouched: true, carriedOver: true });
    expect(record.decisions.filter(({ question: asked, outcome }) => asked.startsWith('host-ahead') && outcome === 'counted')).toHaveLength(1);
    expect(record.nodes.map(({ id }) => id)).not.toContain(addedNode);
    expect(await databaseIsOn()).toMatch(/_data true/);
  });

  it('reset after its end, it is told that it is over, and touches nothing', async () => {
    await reset(6);
    await answer('host-ahead', 'continue');
    await waitFor(run, ({ questions }) => questions.some(({ title }) => title.includes('ended as rolled back')));
    await answer('host-ahead', 'stop');
    await expect(run.result()).resolves.toMatchObject({ state: 'stopped' });
    expect((await rehearsal.guest.exec('test', ['-e', `${hostFiles.state}/claim.json`])).exitCode).toBe(1);
  });

  it('a run that begins with the newer version walks the longer list', async () => {
    await rehearsal.guest.expect('rm', ['--force', '/var/lib/supersync-encrypted.img']);
    const migration = await startMigration(rehearsal);
    const result = await answerUntilEnd<{ state: string }>({ rehearsal, handle: migration }, (question, status) =>
      question.id === 'preflight' ? Promise.resolve({ answer: 'no-go', reason: 'seen' }) : goEverywhere(question, status),
    );
    expect(result.state).toBe('rolled back');
    const record = await readRecord(rehearsal, migration.runId);
    expect(record.lockstepVersion).toBe(newerVersion);
    expect(record.nodes.find(({ id }) => id === addedNode)).toMatchObject({ state: 'done' });
  });
});
