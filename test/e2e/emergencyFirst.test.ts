import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signalNames, workflowIdOf } from '../../src/contract/names.js';
import type { OpenQuestion } from '../../src/contract/questions.js';
import { answerUntilEnd, goEverywhere, type Answerer } from '../../src/rehearsal/answers.js';
import { isIntact } from '../../src/rehearsal/clientVerdict.js';
import { hostFiles, rehearsalHost, rehearsalSecrets } from '../../src/rehearsal/hostConfig.js';
import type { Rehearsal } from '../../src/rehearsal/rehearsal.js';
import { openTestHost, readRecord, startMigration, startRunbook, waitFor } from './host.js';
import { addKey, expectOnlyKeys, type Keys } from './keysByHand.js';

type Run = WorkflowHandle & { readonly runId: string };
interface Result {
  readonly state: string;
  readonly outcome: string;
}
interface Entry {
  readonly kind: string;
  readonly at: string;
  readonly node?: string;
  readonly text?: string;
}

/** Where this file decides by itself; everything else is answered as it comes. */
const held: ReadonlySet<string> = new Set(['go-offline', 'verification', 'final', 'host-ahead']);
/** The real zstd; the backup is at work for as long as a test wants it to be. */
const heldZstd = `#!/bin/sh
while [ -e /run/hold-backup ]; do touch /run/backup-is-held; sleep 0.2; done
exec /usr/bin/zstd "$@"
`;
/** Added by hand beside the two keys. */
const ofSomebodyElse = 'a passphrase that nobody else was told of';
const newKeys = {
  duringBackup: { operational: 'sandbox jigsaw paprika helmet gossip blanket tulip harvest', recovery: 'discourse dubbed monthly cache luridness slept dolphin elves' },
  atOpenGate: { operational: 'gravel tiptoe banister walnut overcoat cinema puddle thimble', recovery: 'lantern hazelnut crayon mosaic turnip velvet anchor pigeon' },
  offline: { operational: 'banjo quarry lilac ferment ostrich magnet drizzle copper' },
  lost: { operational: 'cobalt sparrow trellis mitten hatchet violin pepper lagoon' },
  planned: { operational: 'cushion pretzel rooftop anthem nectar bobbin glacier stencil' },
  afterPlanned: { operational: 'thistle ember walrus cartoon meadow piston saddle orchid', recovery: 'marble tundra scarf whistle falcon ginger ladder quartz' },
} satisfies Record<string, Partial<Keys>>;

/**
 * A volume that was prepared is taken by a migration, before which four emergencies come: at a backup that is at work, at a
 * gate with users online, at one with users offline, and one that is lost on its way; then one before a rotation that is
 * parked. Each time the other run goes on afterwards, and cryptsetup by hand agrees with what is claimed.
 */
describe('an emergency comes first', { timeout: 600_000 }, () => {
  let rehearsal: Rehearsal;
  let migration: Run;
  let migrated: Promise<Result>;
  const keys: Keys = { operational: rehearsalSecrets['operationalPassphrase'] ?? '', recovery: rehearsalSecrets['recoveryPassphrase'] ?? '' };

  beforeAll(async () => {
    rehearsal = await openTestHost('e2e-emergency-first', { config: { rotation: { testedRestart: false } } });
    await rehearsal.guest.putFile({ content: heldZstd, to: '/usr/local/bin/zstd', mode: 0o755 });
    await rehearsal.startWorker();
    await rehearsal.startSending();
    const setUp = await startRunbook(rehearsal, 'setupVolume');
    expect(await answerUntilEnd<Result>({ rehearsal, handle: setUp })).toMatchObject({ state: 'succeeded' });
  });
  afterAll(() => rehearsal.close());

  const text = async (script: string) => (await rehearsal.guest.expect('sh', ['-c', script])).trim();
  const directoryOf = (runbook: string, { runId }: Run) => `${hostFiles.state}/runs/${runbook}-${runId}`;

  /** What is typed into a run at this moment: the keys as they are, and new ones. */
  function secretsFor(next: Partial<Keys> = {}): Record<string, string> {
    const typed = { ...rehearsalSecrets, newOperationalPassphrase: next.operational ?? '(not asked for)', newRecoveryPassphrase: next.recovery ?? '(not asked for)' };
    return Object.defineProperties(typed, { operationalPassphrase: { get: () => keys.operational }, recoveryPassphrase: { get: () => keys.recovery } });
  }

  /** Answers a run to its end; what is asked for again and again was typed wrongly, and would be asked for ever. */
  function walk(handle: Run, next: Partial<Keys>, answer: Answerer = goEverywhere): Promise<Result> {
    return answerUntilEnd<Result>({ rehearsal, handle, secrets: secretsFor(next) }, (question, status) =>
      /\.secret\.[4-9]$/.test(question.id) ? Promise.reject(new Error(question.title)) : answer(question, status),
    );
  }

  /** Begins an emergency rotation as somebody at the host does. */
  async function startEmergency(...options: readonly string[]): Promise<{ run: Run; told: string }> {
    const { stdout, stderr, exitCode } = await rehearsal.lockstep('start', 'rotateKey', '--emergency', '--reason', 'incident', ...options);
    expect([exitCode, stderr]).toEqual([0, '']);
    const run = rehearsal.client.workflow.getHandle(workflowIdOf(rehearsalHost, 'rotateKey', { emergency: true }));
    return { run: Object.assign(run, { runId: (await run.describe()).runId }), told: stdout };
  }

  async function startPlanned(): Promise<Run> {
    return startRunbook(rehearsal, 'rotateKey', { keys: 'operational', reason: 'annual' });
  }

  /** Waits for a question of the migration, in whichever opening. */
  async function open(question: string): Promise<OpenQuestion> {
    const isWanted = ({ id }: OpenQuestion) => id.split('.')[0] === question;
    const found = (await waitFor(migration, ({ questions }) => questions.some(isWanted))).questions.find(isWanted);
    if (found === undefined) throw new Error(`${question} is not open`);
    return found;
  }

  async function answer(question: string, choice: string): Promise<void> {
    const { id } = await open(question);
    await migration.signal(signalNames.decide, { question: id, answer: choice, by: 'e2e', reason: 'seen' });
  }

  const claim = async () => JSON.parse(await text(`cat ${hostFiles.state}/claim.json`)) as { runId: string; lentBy?: readonly { runId: string }[] };

  /** While a gate stays open nothing but a run that does not wait for it gets there. */
  async function hasHost({ runId }: Run): Promise<void> {
    while ((await claim()).runId !== runId) await sleep(200);
  }

  async function journalOf(runbook: string, run: Run): Promise<readonly Entry[]> {
    return (await text(`cat ${directoryOf(runbook, run)}/journal.jsonl`)).split('\n').map((line) => JSON.parse(line) as Entry);
  }

  /** Waits until a person at the host sees those words of a run; a worker that has just started, or is busy, does not answer at once. */
  async function see(words: string, run: string): Promise<void> {
    for (;;) {
      const { stdout, stderr } = await rehearsal.lockstep('status', run);
      if (`${stdout}${stderr}`.replaceAll(/\s+/g, ' ').includes(words)) return;
      await sleep(500);
    }
  }

  /** New passphrases take the place of those that are right now; what they replaced. */
  function replaceKeys(next: Partial<Keys>): readonly string[] {
    const before = { ...keys };
    Object.assign(keys, next);
    return Object.values(before).filter((each) => !Object.values(keys).includes(each));
  }

  const expectOnlyPresentKeys = (replaced: readonly string[]) => expectOnlyKeys(rehearsal, keys, replaced);

  it('takes the host from a backup that is at work after that step, and before the next one', async () => {
    await text('touch /run/hold-backup');
    migration = await startMigration(rehearsal);
    const isOrdinary = ({ id, kind }: OpenQuestion) => !held.has(id.split('.')[0] ?? '') && kind !== 'parked' && kind !== 'cancelled';
    migrated = answerUntilEnd<Result>({ rehearsal, handle: migration, secrets: secretsFor() }, (question, status) => (isOrdinary(question) ? goEverywhere(question, status) : Promise.resolve(undefined)));
    void migrated.catch(() => undefined);
    await waitFor(migration, ({ nodes }) => nodes.some(({ id, state }) => id === 'full-backup' && state === 'running'));
    await text('while ! [ -e /run/backup-is-held ]; do sleep 0.2; done');

    const { run, told } = await startEmergency('--keys', 'both');
    expect(told).toContain('waits until rehearsal/migrate has ended its step "Full database backup, encrypted"');
    await see('waits until rehearsal/migrate has ended its step "Full database backup, encrypted"', 'rotateKey');
    expect((await claim()).runId).toBe(migration.runId);
    await text('rm /run/hold-backup');
    await hasHost(run);

    const result = await walk(run, newKeys.duringBackup, async (question, status) => {
      if (question.id !== 'copies-retired') return goEverywhere(question, status);
      await see('waits: rehearsal/rotateKey-emergency has the host first', 'migrate');
      const again = await rehearsal.lockstep('start', 'rotateKey', '--emergency', '--keys', 'both');
      expect(again.exitCode).not.toBe(0);
      expect(again.stderr).toContain('rehearsal/rotateKey-emergency is open already; look at it with "lockstep watch rehearsal/rotateKey-emergency"');
      return goEverywhere(question, status);
    });
    expect(result).toMatchObject({ state: 'succeeded' });
    await expectOnlyPresentKeys(replaceKeys(newKeys.duringBackup));

    await waitFor(migration, ({ nodes }) => nodes.some(({ id, state }) => id === 'verify-full-backup' && state === 'done'));
    const own = await journalOf('migrate', migration);
    const first = await journalOf('rotateKey', run);
    const order = [
      own.find(({ kind, node }) => kind === 'ended' && node === 'full-backup'),
      own.find(({ kind, text: said }) => kind === 'note' && said?.startsWith('the host went first to rehearsal/rotateKey-emergency') === true),
      first.find(({ kind, node }) => kind === 'began' && node === 'read-keys'),
      first.find(({ kind }) => kind === 'closed'),
      own.find(({ kind, node }) => kind === 'began' && node === 'verify-full-backup'),
    ].map((entry) => entry?.at ?? 'missing');
    expect(order).toEqual(order.toSorted());
    expect(order).not.toContain('missing');
  });

  it('takes it at once at an open gate with users online, which stays open and is answered afterwards', async () => {
    const gate = await open('go-offline');
    const run = await startRunbook(rehearsal, 'emergencyAccess');
    await hasHost(run);
    const witness = (by: string) => run.signal(signalNames.decide, { question: 'witnesses', answer: 'go', by, reason: 'photo ID checked by the other', login: `${by}@db` });
    const result = await walk(run, newKeys.atOpenGate, async (question, status) => {
      if (question.id !== 'witnesses') return goEverywhere(question, status);
      await witness('ann');
      await witness('ben');
      return { answer: 'go', reason: 'as well' };
    });
    expect(result).toMatchObject({ state: 'succeeded' });
    await expectOnlyPresentKeys(replaceKeys(newKeys.atOpenGate));
    expect(await open('go-offline')).toEqual(gate);
    await answer('go-offline', 'go');
  });

  it('takes it at once at an open gate with users offline and the volume open, and leaves both as they are', async () => {
    const gate = await open('verification');
    const { run } = await startEmergency('--keys', 'operational');
    await hasHost(run);
    expect(await walk(run, newKeys.offline)).toMatchObject({ state: 'succeeded' });
    await expectOnlyPresentKeys(replaceKeys(newKeys.offline));
    expect(await open('verification')).toEqual(gate);
    await answer('verification', 'go');
  });

  it('where it is lost with the host, after the worker was killed as well, the other run says so; taken up again it ends, and gives the host back', async () => {
    await open('final');
    const { run } = await startEmergency('--keys', 'operational');
    await hasHost(run);
    const toConfirm = 'confirm-new-operational.secret';
    void walk(run, newKeys.lost, (question, status) => (question.id.startsWith(toConfirm) ? new Promise(() => undefined) : goEverywhere(question, status))).catch(() => undefined);
    await waitFor(run, ({ questions }) => questions.some(({ id }) => id.startsWith(toConfirm)));
    await answer('final', 'go');
    await waitFor(migration, ({ nodes }) => nodes.some(({ id, state }) => id === 'watch-day' && state === 'running'));
    await rehearsal.killWorker();
    await waitFor(run, ({ questions }) => questions.some(({ id }) => id.startsWith(toConfirm)));
    await see('rehearsal/rotateKey-emergency has the host first', 'migrate');
    expect(await claim()).toMatchObject({ runId: run.runId, lentBy: [{ runId: migration.runId }] });

    await run.terminate('by mistake');
    const { title, choices } = await open('host-ahead');
    await see('"lockstep start rotateKey --emergency --resume" goes on where it stood', run.workflowId);
    expect(title).toContain('rehearsal/rotateKey-emergency');
    expect(title).toContain('lockstep start rotateKey --emergency --resume');
    expect(choices).toContain('continue');

    const { run: resumed } = await startEmergency('--keys', 'operational', '--resume');
    expect(await walk(resumed, newKeys.lost)).toMatchObject({ state: 'succeeded' });
    await expectOnlyPresentKeys(replaceKeys(newKeys.lost));
    expect(await claim()).not.toHaveProperty('lentBy');
    expect((await claim()).runId).toBe(migration.runId);
    await answer('host-ahead', 'continue');
  });

  it('the migration ends with all that users wrote, and its record names the keys as they are', async () => {
    await answer('final', 'go');
    expect(await migrated).toMatchObject({ state: 'succeeded' });
    expect(isIntact(await rehearsal.finishSending())).toBe(true);
    const { slots, headerBackups } = await expectOnlyPresentKeys([]);
    const summary = new Map((await readRecord(rehearsal, migration.runId)).summary);
    expect(summary.get('key slots')).toBe(slots);
    expect(headerBackups).toContain(summary.get('header backup'));
    expect((await rehearsal.guest.exec('test', ['-e', `${hostFiles.state}/claim.json`])).exitCode).toBe(1);
    expect((await text('cat /var/log/luks-audit.log')).match(/HOST_TAKEN_FIRST/g)?.length).toBeGreaterThanOrEqual(4);
  });

  it('takes it from a planned rotation that is parked, which then ends without its key and without touching what is valid', async () => {
    const planned = await startPlanned();
    let retry = false;
    let isAdded = false;
    const done = walk(planned, newKeys.planned, async (question, status) => {
      if (question.kind === 'parked') return retry ? { answer: 'retry' } : undefined;
      // A worker that comes after has to ask again for what was typed: once the old keys are gone, for the old passphrase.
      if (question.id === 'remove-old') await rehearsal.killWorker();
      // What is added there is a key too many at the check behind it.
      if (!isAdded && question.id.startsWith('old-operational-fails.secret')) {
        isAdded = true;
        await addKey(rehearsal, newKeys.planned.operational, ofSomebodyElse);
      }
      return goEverywhere(question, status);
    });
    void done.catch(() => undefined);
    await waitFor(planned, ({ questions }) => questions.some(({ id }) => id.startsWith('verify-slots.failed')));
    const replacedByPlanned = replaceKeys(newKeys.planned);

    const { run } = await startEmergency('--keys', 'both');
    await hasHost(run);
    expect(await walk(run, newKeys.afterPlanned)).toMatchObject({ state: 'succeeded' });
    const { headerBackups } = await expectOnlyPresentKeys([ofSomebodyElse, ...replacedByPlanned, ...replaceKeys(newKeys.afterPlanned)]);
    retry = true;
    expect(await done).toMatchObject({ state: 'succeeded' });
    // It adds one of the keys that count to that of the run that came first, and keeps nothing else.
    const own = `${directoryOf('rotateKey', planned)}/luks-header-old-removed.img`;
    expect((await expectOnlyPresentKeys([])).headerBackups).toEqual([...headerBackups, own].sort());
    expect(await text('cat /var/log/luks-audit.log')).toMatch(/KEY_ROTATION by e2e .*overtakenBy=rehearsal\/rotateKey-emergency/);
    expect((await rehearsal.guest.exec('test', ['-e', `${hostFiles.state}/claim.json`])).exitCode).toBe(1);
  });
});
