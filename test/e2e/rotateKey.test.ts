import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { workflowIdOf, workflowTaskQueue } from '../../src/contract/names.js';
import { answerUntilEnd, goEverywhere, unlockPatiently, type Answerer } from '../../src/rehearsal/answers.js';
import { isIntact } from '../../src/rehearsal/clientVerdict.js';
import { hostFiles, rehearsalHost, rehearsalSecrets } from '../../src/rehearsal/hostConfig.js';
import type { Rehearsal } from '../../src/rehearsal/rehearsal.js';
import type { RunStatus } from '../../src/contract/status.js';
import { expectOnlyKeys, slotOf, volumeFile, type Keys } from './keysByHand.js';
import { openTestHost, readRecord, startMigration, waitFor } from './host.js';

const mapper = 'pg-data-encrypted';

interface Result {
  readonly state: string;
  readonly outcome: string;
}

/** Three rotations after one migration, on one header: cryptsetup by hand has to agree with what is claimed after each. */
describe('the rotation of keys', { timeout: 900_000 }, () => {
  let rehearsal: Rehearsal;
  const keys: Keys = { operational: rehearsalSecrets['operationalPassphrase'] ?? '', recovery: rehearsalSecrets['recoveryPassphrase'] ?? '' };

  beforeAll(async () => {
    rehearsal = await openTestHost('e2e-rotate-key');
    await rehearsal.startWorker();
    await rehearsal.startSending();
    expect((await answerUntilEnd<Result>({ rehearsal, handle: await startMigration(rehearsal) })).state).toBe('succeeded');
  });
  afterAll(async () => {
    await rehearsal.close();
  });

  async function start(input: Record<string, unknown>): Promise<WorkflowHandle & { runId: string }> {
    const handle = await rehearsal.client.workflow.start('rotateKey', {
      taskQueue: workflowTaskQueue,
      workflowId: workflowIdOf(rehearsalHost, 'rotateKey', input),
      args: [{ host: rehearsalHost, startedBy: 'e2e', ...input }],
    });
    return Object.assign(handle, { runId: handle.firstExecutionRunId });
  }

  /** What is typed in a rotation to these new passphrases. */
  function secretsFor(next: Partial<typeof keys>): Record<string, string> {
    return {
      ...rehearsalSecrets,
      operationalPassphrase: keys.operational,
      recoveryPassphrase: keys.recovery,
      newOperationalPassphrase: next.operational ?? '(not asked for)',
      newRecoveryPassphrase: next.recovery ?? '(not asked for)',
    };
  }

  function walk(handle: WorkflowHandle, next: Partial<typeof keys>, answer: Answerer = goEverywhere, onStatus?: (status: RunStatus) => Promise<void>): Promise<Result> {
    return answerUntilEnd<Result>({ rehearsal, handle, secrets: secretsFor(next) }, answer, onStatus);
  }

  async function readHeader(): Promise<{ keyslots: Record<string, unknown>; config: { requirements?: unknown } }> {
    return JSON.parse(await rehearsal.guest.expect('cryptsetup', ['luksDump', '--dump-json-metadata', volumeFile])) as never;
  }

  /** New passphrases took the place of those that were right; cryptsetup by hand agrees. */
  async function expectReplaced(next: Partial<Keys>): Promise<void> {
    const before = Object.values(keys);
    Object.assign(keys, next);
    await expectOnlyKeys(rehearsal, keys, before.filter((each) => !Object.values(keys).includes(each)));
  }

  function auditLog(): Promise<string> {
    return rehearsal.guest.expect('cat', ['/var/log/luks-audit.log']);
  }

  it('replaces the operational key with a tested restart, whatever dies on the way, with two working keys at every moment', async () => {
    const next = { operational: 'a new operational passphrase for the rotation of this year' };
    const handle = await start({ keys: 'operational', reason: 'annual' });
    const left = new Set(['add-operational', 'remove-old-keys', 'verify-slots']);
    const fewest: number[] = [];
    const mistyped = new Set<string>();
    const result = await walk(
      handle,
      next,
      async (question, status) => {
        if (question.kind === 'secret' && !mistyped.has(question.node)) {
          mistyped.add(question.node);
          await unlockPatiently({ rehearsal, handle }, question, `not ${question.secret ?? ''}`.padEnd(30, '!'));
          // It was asked, and answered wrongly: a second answer to the same question changes nothing.
          return { answer: 'provided' };
        }
        return goEverywhere(question, status);
      },
      async ({ nodes }) => {
        fewest.push(Object.keys((await readHeader()).keyslots).length);
        const here = nodes.find(({ id, state }) => left.has(id) && state === 'running');
        if (here === undefined) return;
        left.delete(here.id);
        await rehearsal.killWorker();
      },
    );
    expect([...left]).toEqual([]);
    expect(result).toMatchObject({ state: 'succeeded' });
    expect(Math.min(...fewest)).toBeGreaterThanOrEqual(2);
    await expectReplaced(next);
    const backup = `/var/lib/lockstep/runs/rotateKey-${handle.runId}/luks-header-old-removed.img`;
    expect(await rehearsal.guest.expect('sh', ['-c', 'ls /var/lib/lockstep/runs/*/luks-header*.img'])).toBe(`${backup}\n`);
    expect(await auditLog()).toMatch(/KEY_ROTATION by e2e .*reason=annual/);
    const record = await readRecord(rehearsal, handle.runId, 'rotateKey');
    expect(record.nodes.find(({ id }) => id === 'reopen-with-new-key')).toMatchObject({ state: 'done' });
  });

  it('takes the host first from a planned rotation that is parked, which then finds its own key gone, and leaves two keys', async () => {
    const planned = await start({ keys: 'operational', reason: 'personnel' });
    const done = walk(planned, { operational: 'a passphrase of the planned rotation, which nobody uses' }, async (question, status) => {
      if (question.id === 'remove-old') return undefined;
      if (question.kind === 'parked') return { answer: 'rollback', reason: 'an emergency came first' };
      return goEverywhere(question, status);
    });
    await waitFor(planned, ({ questions }) => questions.some(({ id }) => id === 'remove-old'));
    const next = { operational: 'the operational passphrase of the emergency, typed in a hurry', recovery: 'discourse dubbed monthly cache luridness slept dolphin elves' };
    const emergency = await start({ keys: 'both', reason: 'incident', emergency: true });
    expect(await walk(emergency, next)).toMatchObject({ state: 'succeeded' });
    await planned.signal('decide', { question: 'remove-old', answer: 'go', by: 'e2e' });
    expect(await done).toMatchObject({ state: 'rolled back' });
    await expectReplaced(next);
    expect(await auditLog()).toMatch(/HOST_TAKEN_FIRST/);
  });

  it('after a leak replaces the volume key as well, through a killed worker and a power cut in the middle of it', async () => {
    const next = { operational: 'the operational passphrase after the leak of a header', recovery: 'the recovery passphrase after the leak of a header' };
    const before = { ...keys };
    await rehearsal.guest.expect('cp', [volumeFile, '/var/tmp/leaked.img']);
    const leakedHeader = '/var/tmp/leaked-header.img';
    await rehearsal.guest.expect('cryptsetup', ['luksHeaderBackup', '--header-backup-file', leakedHeader, volumeFile]);
    const handle = await start({ keys: 'both', reason: 'incident', leak: true });
    const left = [() => rehearsal.killWorker(), () => rehearsal.powerCut()];
    const result = await walk(handle, next, goEverywhere, async ({ nodes }) => {
      const isRunning = nodes.some(({ id, state }) => id === 'reencrypt' && state === 'running');
      if (isRunning && left.length > 0 && (await readHeader()).config.requirements !== undefined) await left.shift()?.();
    });
    expect(left).toEqual([]);
    expect(result).toMatchObject({ state: 'succeeded' });
    await expectReplaced(next);
    // The old header still answers to the old passphrase, and what it opens is not the data any more.
    expect(await slotOf(rehearsal, before.operational, leakedHeader)).toBeDefined();
    const status = await rehearsal.guest.expect('cryptsetup', ['status', mapper]);
    expect(status).toMatch(/cipher: +aes-xts-plain64/);
    expect((await readHeader()).config.requirements).toBeUndefined();
    const opened = await rehearsal.guest.exec('sh', ['-c', `printf %s "$1" | cryptsetup open --readonly --key-file=- --header ${leakedHeader} ${volumeFile} old && blkid --probe /dev/mapper/old`, 'sh', before.operational]);
    expect(opened.stdout).not.toContain('ext4');
    await rehearsal.guest.exec('cryptsetup', ['close', 'old']);
  });

  it('opens the volume by the recovery key before two witnesses after a reboot, and replaces both keys at once', async () => {
    const next = { operational: 'gravel tiptoe banister walnut overcoat cinema puddle thimble', recovery: 'lantern hazelnut crayon mosaic turnip velvet anchor pigeon' };
    await rehearsal.powerCut();
    expect(await rehearsal.guest.exec('cryptsetup', ['status', mapper])).toMatchObject({ exitCode: 4 });
    const startup = rehearsal.client.workflow.getHandle(workflowIdOf(rehearsalHost, 'startup'));
    await waitFor(startup, ({ questions }) => questions.some(({ kind }) => kind === 'secret'));
    const handle = await rehearsal.client.workflow.start('emergencyAccess', {
      taskQueue: workflowTaskQueue,
      workflowId: workflowIdOf(rehearsalHost, 'emergencyAccess'),
      args: [{ host: rehearsalHost, startedBy: 'e2e' }],
    });
    const witness = (by: string) => handle.signal('decide', { question: 'witnesses', answer: 'go', by, reason: 'photo ID checked by the other', login: `${by}@db` });
    const result = await walk(Object.assign(handle, { runId: handle.firstExecutionRunId }), next, async (question, status) => {
      // The recovery passphrase is not asked for before both have said so.
      if (question.kind === 'secret') expect(status.nodes.find(({ id }) => id === 'witnesses')?.state).toBe('done');
      if (question.id !== 'witnesses') return goEverywhere(question, status);
      await witness('ann');
      await witness('ben');
      return { answer: 'go', reason: 'as well' };
    });
    expect(result).toMatchObject({ state: 'succeeded' });
    await expectReplaced(next);
    const report = (await rehearsal.guest.getFile(`${hostFiles.state}/runs/emergencyAccess-${handle.firstExecutionRunId}/emergency-access.md`)).toString('utf8');
    expect(report).toContain('They are distinct by their login users.');
    expect(await auditLog()).toMatch(/EMERGENCY_ACCESS by e2e/);
    // The reboot had begun a start-up, which waited for the passphrase that was lost; it has the host again, and sees that nobody needs that.
    expect(await startup.result()).toMatchObject({ state: 'succeeded' });
  });

  it('has lost none of what users wrote meanwhile', async () => {
    expect(isIntact(await rehearsal.finishSending())).toBe(true);
    expect(await rehearsal.guest.expect('ls', [hostFiles.state])).not.toContain('claim.json');
  });
});
