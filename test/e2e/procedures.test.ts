import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { workflowIdOf } from '../../src/contract/names.js';
import { answerUntilEnd } from '../../src/rehearsal/answers.js';
import { projectRoot } from '../../src/rehearsal/guest/index.js';
import { hostFiles, rehearsalHost, rehearsalSecrets } from '../../src/rehearsal/hostConfig.js';
import type { Rehearsal } from '../../src/rehearsal/rehearsal.js';
import { readPage, stepsOf } from '../pages.js';
import { openTestHost, startMigration, waitFor } from './host.js';

type Result = { state: string };

const { operationalPassphrase: old = '', newOperationalPassphrase: next = '', recoveryPassphrase: recovery = '' } = rehearsalSecrets;
const volume = '/var/lib/supersync-encrypted.img';
const people = {
  keyHolders: [
    { name: '[Name 4]', role: 'Primary Admin', operational: true, recovery: true, mfa: true },
    { name: '[Name 5]', role: 'Backup Admin', operational: true, recovery: true, mfa: true },
  ],
};
const alerts = { channels: [{ kind: 'command', command: ['/usr/bin/tee', '--append', '/var/lib/lockstep-client/alerts'] }] };

/** Without /root and /home: those are the machine's below a guest, and it holds each file open that is read there. */
const places = `PLACES=(${hostFiles.state} /etc /var/backups /var/tmp)`;

/** Both pages from beginning to end on one host, with what a person would type at their prompts. */
describe('the procedures of the pages', () => {
  let rehearsal: Rehearsal;
  let steps: ReadonlyMap<string, string>;
  const typed = new Set<string>();

  beforeAll(async () => {
    steps = new Map([...stepsOf(await readPage('key-management.md')), ...stepsOf(await readPage('operational-procedures.md'))]);
    rehearsal = await openTestHost('e2e-procedures', { config: { people, alerts } });
    await rehearsal.guest.expect('ln', ['-sfn', projectRoot(), '/opt/lockstep']);
    await rehearsal.guest.expect('cp', [`${projectRoot()}/deploy/logrotate.d/lockstep`, '/etc/logrotate.d/lockstep']);
    await rehearsal.startWorker();
    expect((await answerUntilEnd<Result>({ rehearsal, handle: await startMigration(rehearsal) })).state).toBe('succeeded');
  });
  afterAll(async () => {
    await rehearsal.close();
  });

  /** Types a step after the first one of its page, which has the names. */
  async function attempt(step: string, { operational, input = '' }: { readonly operational: string; readonly input?: string }) {
    const names = steps.get(`${step.split('-')[0] ?? ''}-1`) ?? '';
    const passphrases = { OPERATIONAL: operational, RECOVERY: recovery, OLD_OPERATIONAL: old, NEW_OPERATIONAL: next };
    const values = Object.entries(passphrases).map(([name, value]) => `${name}='${value}'`);
    const script = [names, ...values, places, steps.get(step) ?? 'exit 99'].join('\n');
    await rehearsal.guest.putFile({ content: script, to: '/run/step.sh', mode: 0o600 });
    typed.add(step);
    return rehearsal.guest.exec('bash', ['/run/step.sh'], { input, timeoutSeconds: 300 });
  }

  async function type(step: string, given: { readonly operational?: string; readonly input?: string } = {}): Promise<string> {
    const { exitCode, stdout, stderr } = await attempt(step, { operational: next, ...given });
    expect(exitCode, `step ${step}\n${stdout}\n${stderr}`).toBe(0);
    return stdout;
  }

  /** The run that a step has begun. */
  function runOf(runbook: string): WorkflowHandle {
    return rehearsal.client.workflow.getHandle(workflowIdOf(rehearsalHost, runbook));
  }

  async function finish(runbook: string, secrets: Readonly<Record<string, string>> = { ...rehearsalSecrets, operationalPassphrase: next }): Promise<void> {
    expect(await answerUntilEnd<Result>({ rehearsal, handle: runOf(runbook), secrets })).toMatchObject({ state: 'succeeded' });
  }

  it('show who holds the keys, and what cryptsetup itself says of them', async () => {
    expect(await type('key-1')).toBe('');
    expect(await type('key-2')).toContain(String.raw`| \[Name 5\] | Backup Admin |`);
    expect(await rehearsal.guest.expect('cat', ['/etc/lockstep/key-management.md'])).not.toContain('Name 3');
    expect(await type('key-3')).toContain('It would be taken');
    await type('key-4');
    expect(await type('key-5', { operational: old })).toContain('recovery opens its slot');
    expect(await type('key-6')).toMatch(/slot 0: proven .*\nslot 1: proven /);
  });

  it('give a slot its role again', async () => {
    const { tokens } = JSON.parse(await rehearsal.guest.expect('cryptsetup', ['luksDump', '--dump-json-metadata', volume])) as { tokens: Record<string, { role: string }> };
    const [id = ''] = Object.entries(tokens).find(([, { role }]) => role === 'operational') ?? [];
    await rehearsal.guest.expect('cryptsetup', ['token', 'remove', '--token-id', id, volume]);
    expect((await attempt('key-5', { operational: old })).exitCode).not.toBe(0);
    await type('key-7', { operational: old });
    expect(await type('key-5', { operational: old })).toContain('operational, set by by hand');
  });

  it('rotate the operational key, and find what still answers to the old one', async () => {
    const leftover = '/var/backups/header-of-before.img';
    await rehearsal.guest.expect('cryptsetup', ['luksHeaderBackup', '--header-backup-file', leftover, volume]);
    await type('key-8');
    await finish('rotateKey', rehearsalSecrets);
    expect(await type('key-9')).toContain('KEY_ROTATION by');
    const found = await attempt('key-10', { operational: next });
    expect(found).toMatchObject({ stdout: expect.stringContaining(`OLD: ${leftover}`) as unknown });
    expect(found.exitCode).not.toBe(0);
    await rehearsal.guest.expect('rm', [leftover]);
    await type('key-10');
  });

  it('review the audit log', async () => {
    const quarter = await type('key-11');
    expect(quarter).toContain('KEY_ROTATION by');
    expect(quarter).toContain('no emergency access');
    expect(await type('key-12')).toContain('INTACT');
  });

  it('start the server up after a reboot', async () => {
    expect(await type('ops-1')).toBe('');
    await rehearsal.powerCut();
    const run = runOf('startup');
    await waitFor(run, ({ questions }) => questions.some(({ secret }) => secret === 'operationalPassphrase'));
    expect(await type('ops-2', { input: `${next}\n` })).toContain('was taken');
    expect(await run.result()).toMatchObject({ state: 'succeeded' });
    expect(await type('ops-3')).toContain('startup on rehearsal  SUCCEEDED');
    expect(await type('ops-4')).toMatch(/\] STARTUP /);
  });

  it('lock the volume and open it by hand, without Lockstep', async () => {
    expect(await type('ops-5')).toMatch(/i.* \/mnt\/pg-data-encrypted/);
    expect((await attempt('ops-6', { operational: next, input: `${old}\n` })).exitCode).not.toBe(0);
    await type('ops-6', { input: `${next}\n` });
    await type('ops-7');
  });

  it('shut down, and start up again', async () => {
    await type('ops-8');
    await finish('shutdown');
    expect(await type('ops-9')).toContain('locked');
    await finish('startup');
    await type('ops-4');
  });

  it('look after the host: room, backups, people, alerts, the log and its rotation', async () => {
    expect(await type('ops-10')).toContain('"verifiedAt"');
    expect(await type('ops-11')).toContain('[Name 4]');
    await type('ops-12');
    expect(await rehearsal.guest.expect('cat', ['/var/lib/lockstep-client/alerts'])).toContain('"severity"');
    await type('ops-13');
    await rehearsal.guest.expect('logrotate', ['--force', '--state', '/run/logrotate.state', '/etc/logrotate.d/lockstep']);
    await type('ops-13');
  });

  it('are all of what the pages have', async () => {
    expect([...typed].sort()).toEqual([...steps.keys()].sort());
    expect(await rehearsal.guest.expect('ls', [hostFiles.state])).not.toContain('claim.json');
  });
});
