import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { workflowIdOf } from '../../src/contract/names.js';
import type { OpenQuestion } from '../../src/contract/questions.js';
import type { RunStatus } from '../../src/contract/status.js';
import { answerUntilEnd, goEverywhere, type Answerer } from '../../src/rehearsal/answers.js';
import { hostFiles, rehearsalHost, rehearsalSecrets } from '../../src/rehearsal/hostConfig.js';
import type { Rehearsal } from '../../src/rehearsal/rehearsal.js';
import { channelNames, startAlertReceivers, type AlertReceivers, type ReceivedAlert } from './alertReceivers.js';
import { createCanaries, createCanaryScan, type CanaryScan } from './canaries.js';
import { openTestHost, startRunbook, waitFor } from './host.js';
import { plantDecoys, plantedNames, searchAfterPowerCut, searchRunningHost } from './leakPlaces.js';
import { startSampling } from './processSamples.js';

interface Result {
  readonly state: string;
  readonly outcome: string;
}

const volume = '/var/lib/supersync-encrypted.img';
const patience = { timeout: 120_000, interval: 500 };

/** Each is typed, or read by the host, once or more; the numbers count the exchanges of keys. */
const secretNames = [
  ...['operational0', 'operational1', 'operational2', 'operational3', 'operational4'],
  ...['recovery0', 'recovery1', 'recovery2', 'recovery3', 'recovery4'],
  ...['backup', 'mistyped', 'mailPassword', 'webhookToken'],
] as const;

/** What is found in places of each kind, as a proof that secrets would be: names of people, what a program says, and what is planted. */
const decoyNames = ['starter', 'failedCommand', 'teller', ...plantedNames] as const;

/** One that fails once, with words that belong into the log of commands alone. */
const failsOnce = (words: string) => `#!/bin/sh
[ -e /run/resize2fs-failed ] || { touch /run/resize2fs-failed; echo '${words}' >&2; exit 1; }
exec /usr/sbin/resize2fs "$@"
`;

/**
 * A deployment that begins on a new volume, and everything that may befall its keys, with alerts to real receivers; at
 * the end every place is searched in which a passphrase could have been left.
 */
describe('an incident, from first to last', { timeout: 300_000 }, () => {
  let rehearsal: Rehearsal;
  let receivers: AlertReceivers;
  let scan: CanaryScan;
  const secrets = createCanaries(secretNames);
  const decoys = createCanaries(decoyNames);
  let keys = { operational: secrets.operational0, recovery: secrets.recovery0 };
  /** What commands have shown to people. */
  const shown: string[] = [];

  beforeAll(async () => {
    receivers = await startAlertReceivers(secrets);
    rehearsal = await openTestHost('e2e-incident', {
      config: {
        alerts: receivers.alerts,
        compromise: { immediateSeconds: 100, investigationSeconds: 1800, remediationSeconds: 3600 },
        reminders: { beforePercent: 25, firstAfterSeconds: 60 },
      },
    });
    const { guest } = rehearsal;
    await receivers.offerTo(rehearsal);
    await startSampling(guest);
    const [, databasePassword = ''] = /^POSTGRES_PASSWORD=(.+)$/m.exec(await guest.expect('cat', ['/opt/supersync/.env'])) ?? [];
    expect(databasePassword).not.toBe('');
    scan = createCanaryScan({ ...secrets, ...decoys, databasePassword });
    await guest.expect('sh', ['-c', 'cd /opt/supersync && docker compose down --volumes --timeout 60']);
    await rehearsal.startWorker();
  });
  afterAll(async () => {
    await rehearsal.close();
    await receivers.close();
  });

  const start = (runbook: string, input: Record<string, unknown> = {}) => startRunbook(rehearsal, runbook, input);

  function walk(handle: WorkflowHandle, next: Partial<typeof keys> = {}, answer: Answerer = goEverywhere, onStatus?: (status: RunStatus) => Promise<void>): Promise<Result> {
    const typed = {
      ...{ operationalPassphrase: keys.operational, recoveryPassphrase: keys.recovery, backupPassphrase: secrets.backup },
      ...{ newOperationalPassphrase: next.operational ?? '(not asked for)', newRecoveryPassphrase: next.recovery ?? '(not asked for)' },
      testAccountPassword: rehearsalSecrets['testAccountPassword'] ?? '',
    };
    return answerUntilEnd<Result>({ rehearsal, handle, secrets: typed }, answer, onStatus);
  }

  /** The command, as a person at a terminal of the host sees it: its words in one line. */
  async function show(...args: readonly string[]): Promise<string> {
    const { stdout, stderr } = await rehearsal.lockstep(...args);
    shown.push(stdout, stderr);
    return stdout.replaceAll(/\s+/g, ' ');
  }

  /** Exactly these two open the volume, as cryptsetup itself says. */
  async function expectKeys({ operational, recovery }: typeof keys, ...old: readonly string[]): Promise<void> {
    const opens = async (passphrase: string) => (await rehearsal.guest.exec('cryptsetup', ['open', '--test-passphrase', '--key-file=-', volume], { input: passphrase })).exitCode === 0;
    expect([await opens(operational), await opens(recovery)]).toEqual([true, true]);
    for (const passphrase of old) expect(await opens(passphrase)).toBe(false);
    const { keyslots } = JSON.parse(await rehearsal.guest.expect('cryptsetup', ['luksDump', '--dump-json-metadata', volume])) as { keyslots: object };
    expect(Object.keys(keyslots)).toHaveLength(2);
  }

  const webhookAlerts = () => receivers.requests().map(({ body }) => body as ReceivedAlert);
  /** What a mail program shows once for an alert, however often it comes. */
  const messageIdOf = (id: string) => `<${createHash('sha256').update(id).digest('hex').slice(0, 32)}@db.example.org>`;
  const messageIds = () => receivers.mails().map(({ headers }) => headers.get('message-id') ?? '');

  /** Until each of the three has it. */
  async function expectAlert(subject: RegExp): Promise<void> {
    await expect.poll(() => webhookAlerts().map((alert) => alert.subject), patience).toContainEqual(expect.stringMatching(subject));
    const id = webhookAlerts().find((alert) => subject.test(alert.subject))?.id ?? '';
    await expect.poll(messageIds, patience).toContain(messageIdOf(id));
    await expect.poll(async () => (await receivers.handedOver(rehearsal)).map((alert) => alert.id), patience).toContain(id);
  }

  it('finds every channel open before anything happens', async () => {
    const { exitCode, stdout } = await rehearsal.guest.exec('lockstep', ['alerts', '--test'], { env: { USER: decoys.teller } });
    expect(exitCode, stdout).toBe(0);
    for (const channel of Object.values(channelNames)) expect(stdout.replaceAll(/\s+/g, ' ')).toContain(`${channel}: taken after`);
    const [mail] = receivers.mails();
    expect(mail).toMatchObject({ from: 'lockstep@db.example.org', to: ['ops@example.org'], isEncrypted: true, user: 'lockstep' });
    expect(mail?.text).toContain('This one did.');
    const [request] = receivers.requests();
    expect(request).toMatchObject({ method: 'POST', path: '/alerts', headers: { authorization: `Bearer ${secrets.webhookToken}` } });
    expect(await receivers.handedOver(rehearsal)).toEqual([request?.body]);
  });

  it('begins a deployment on a new volume', async () => {
    expect(await walk(await start('setupVolume', { newDeployment: true }))).toMatchObject({ state: 'succeeded' });
    await expectKeys(keys);
  });

  it('replaces both keys and the volume key after a leak', async () => {
    const before = keys;
    const next = { operational: secrets.operational1, recovery: secrets.recovery1 };
    const handle = await start('rotateKey', { leak: true, reason: 'incident' });
    const result = await walk(handle, next, (question, status) => {
      // A deployment that has just begun has no backup yet.
      const isWithout = question.kind === 'parked' && question.node === 'recent-backup';
      return isWithout ? Promise.resolve({ answer: 'skip', reason: 'nothing is in it yet' }) : goEverywhere(question, status);
    });
    expect(result).toMatchObject({ state: 'succeeded' });
    keys = next;
    await expectKeys(keys, before.operational, before.recovery);
    await expectAlert(/^rehearsal\/rotateKey is parked: /);
  });

  it('grows the volume, past a program that fails', async () => {
    await rehearsal.guest.putFile({ content: failsOnce(decoys.failedCommand), to: '/usr/local/sbin/resize2fs', mode: 0o755 });
    expect(await walk(await start('growVolume', { sizeGib: 1, startedBy: decoys.starter }))).toMatchObject({ state: 'succeeded' });
    expect(await show('status', 'growVolume')).toContain(`by ${decoys.starter}`);
  });

  it('locks the volume, and opens it past a wrong passphrase and the recovery one', async () => {
    expect(await walk(await start('shutdown'))).toMatchObject({ state: 'succeeded' });
    const handle = await start('startup');
    const answered: string[] = [];
    const asked = async (): Promise<OpenQuestion> => {
      const isNew = ({ kind, id }: OpenQuestion) => kind === 'secret' && !answered.includes(id);
      const question = (await waitFor(handle, ({ questions }) => questions.some(isNew))).questions.find(isNew);
      if (question === undefined) throw new Error('no passphrase is asked for');
      answered.push(question.id);
      return question;
    };
    for (const passphrase of [secrets.mistyped, keys.recovery, keys.operational]) {
      const person = { SUDO_USER: passphrase === keys.operational ? 'ann' : 'ben', SSH_CONNECTION: '192.0.2.7 50000 192.0.2.1 22' };
      const { stdout, stderr } = await rehearsal.guest.exec('lockstep', ['unlock', (await asked()).id], { input: `${passphrase}\n`, env: person });
      shown.push(stdout, stderr);
    }
    expect(await handle.result()).toMatchObject({ state: 'succeeded' });
    await expectAlert(/^rehearsal waits for the operational passphrase$/);
    expect(receivers.mails().map(({ headers }) => headers.get('subject'))).toContain('[rehearsal] critical: rehearsal waits for the operational passphrase');
    await expectAlert(/wrong passphrase for pg-data-encrypted on rehearsal/);
    await expectAlert(/the recovery passphrase of rehearsal was typed/);
  });

  it('responds to a compromise: deadlines, reminders that get out, a rotation, a worker that is killed, a report', async () => {
    const before = keys;
    const next = { operational: secrets.operational2, recovery: secrets.recovery2 };
    await receivers.stopMail();
    const handle = await start('respondToCompromise');
    const { questions } = await waitFor(handle, (status) => status.questions.length >= 10);
    const reviewed = Object.fromEntries(questions.find(({ id }) => id === 'unlocks-reviewed')?.evidence ?? []);
    const unusual = questions.find(({ id }) => id === 'unlocks-reviewed')?.evidence.flatMap(([label, value]) => (label === 'unusual' ? [value] : []));
    expect(reviewed['audit log']).toMatch(/^\/var\/log\/luks-audit\.log, \d+ lines, each following from the one before$/);
    expect(unusual).toContainEqual(expect.stringMatching(/ VOLUME_UNLOCK_FAILED by ben from 192\.0\.2\.7: failed/));
    expect(unusual).toContainEqual(expect.stringMatching(/ RECOVERY_KEY_TYPED by ben from 192\.0\.2\.7: the recovery key/));
    expect(await rehearsal.guest.expect('cat', [reviewed['all of them'] ?? ''])).toMatch(/ UTC VOLUME_UNLOCK by ann from 192\.0\.2\.7(: at night)?\n/);
    const status = await show('status', 'respondToCompromise');
    expect(status).toMatch(/Related passwords are changed.*due \d{4}-\d\d-\d\d \d\d:\d\d UTC \(in [^)]+ s\)/);

    // One item is late; what is to be judged when all is over waits for the rotation by itself.
    const isOverdue = () => webhookAlerts().some(({ subject }) => subject.includes('rehearsal/respondToCompromise has') && subject.includes('OVERDUE'));
    const answered = walk(handle, {}, (question, at) => {
      if (question.id === 'related-passwords' && !isOverdue()) return Promise.resolve(undefined);
      if (question.id === 'rotated-in-time') return Promise.resolve({ answer: 'no', reason: 'the passwords were late' });
      return goEverywhere(question, at);
    });
    const rotation = rehearsal.client.workflow.getHandle(workflowIdOf(rehearsalHost, 'rotateKey', { emergency: true }));
    await expect.poll(() => rotation.describe().then(({ status: { name } }) => name, () => 'not there yet'), patience).toBe('RUNNING');
    const killed = { value: false };
    const rotated = walk(rotation, next, goEverywhere, async ({ nodes }) => {
      if (killed.value || (nodes.find(({ id }) => id === 'add-recovery')?.state ?? 'pending') === 'pending') return;
      await expect.poll(() => webhookAlerts().map(({ subject }) => subject), patience).toContainEqual(expect.stringMatching(/^rehearsal\/respondToCompromise has \d items? soon due$/));
      await expect.poll(() => show('status', 'respondToCompromise'), patience).toMatch(/\d alerts? ha(s|ve) not reached mail \(10\.99\.0\.1:2525\): .*, since .* UTC; see "lockstep alerts"/);
      await rehearsal.killWorker();
      killed.value = true;
      await receivers.startMail();
    });
    expect(await rotated).toMatchObject({ state: 'succeeded' });
    expect(killed.value).toBe(true);
    keys = next;
    await expectKeys(keys, before.operational, before.recovery);
    await expectAlert(/respondToCompromise has \d items? soon due/);
    await expectAlert(/respondToCompromise has \d items? OVERDUE/);
    expect(await answered).toMatchObject({ state: 'succeeded' });
    expect(await show('status', 'respondToCompromise')).not.toContain('has not reached');

    const report = (await rehearsal.guest.getFile(`${hostFiles.state}/runs/respondToCompromise-${handle.runId}/incident-report.md`)).toString('utf8');
    expect(report).toContain('**notifiable**');
    expect(report).toMatch(/\| Related passwords are changed: .* \| late by .* \| rehearsal \|/);
    expect(report).toMatch(/\| The blast radius is assessed: .* \| in time \| rehearsal \|/);
    expect(report).toMatch(/\| Emergency key rotation: operational and recovery key \|.*rehearsal\/rotateKey-emergency: /);
    expect(report).toContain('VOLUME_UNLOCK_FAILED by ben from 192.0.2.7');
  });

  it('uses the recovery key before two witnesses, and replaces both', async () => {
    const before = keys;
    const next = { operational: secrets.operational3, recovery: secrets.recovery3 };
    const handle = await start('emergencyAccess');
    const witness = (by: string) => handle.signal('decide', { question: 'witnesses', answer: 'go', by, reason: 'photo ID checked by the other', login: `${by}@db` });
    const result = await walk(handle, next, async (question, status) => {
      if (question.id !== 'witnesses') return goEverywhere(question, status);
      await witness('ann');
      await witness('ben');
      return { answer: 'go', reason: 'as well' };
    });
    expect(result).toMatchObject({ state: 'succeeded' });
    keys = next;
    await expectKeys(keys, before.operational, before.recovery);
  });

  it('told of each thing once, on each channel', async () => {
    const { entries } = JSON.parse((await rehearsal.lockstep('alerts', '--json')).stdout) as { entries: readonly { alert: ReceivedAlert; settled?: { how: string } }[] };
    const ids = entries.map(({ alert }) => alert.id).sort();
    expect(entries.filter(({ settled }) => settled?.how !== 'taken')).toEqual([]);
    expect(ids.length).toBeGreaterThanOrEqual(7);
    expect(webhookAlerts().map(({ id }) => id).sort()).toEqual(ids);
    expect((await receivers.handedOver(rehearsal)).map(({ id }) => id).sort()).toEqual(ids);
    expect(messageIds().sort()).toEqual(ids.map(messageIdOf).sort());
  });

  it('has its power cut with passphrases in memory, after every place was searched that this empties', async () => {
    await plantDecoys(rehearsal, decoys);
    await searchRunningHost(scan, rehearsal);
    for (const words of [['status'], ['alerts'], ['alerts', '--json']]) await show(...words);

    const handle = await start('rotateKey', { keys: 'both', reason: 'incident', emergency: true });
    const typed = { operationalPassphrase: keys.operational, newOperationalPassphrase: secrets.operational4, newRecoveryPassphrase: secrets.recovery4 };
    for (const [secret, value] of Object.entries(typed)) {
      const isAsked = (question: OpenQuestion) => question.secret === secret;
      const question = (await waitFor(handle, ({ questions }) => questions.some(isAsked))).questions.find(isAsked);
      if (question !== undefined) await rehearsal.unlock(question, value, handle.workflowId);
    }
    await sleep(500);
    const { processes, runbooks } = await searchAfterPowerCut(scan, rehearsal);
    for (const program of [/cryptsetup .*luksFormat/, /cryptsetup .*luksAddKey/, /cryptsetup .*reencrypt/, /main\.js unlock/]) expect(processes).toMatch(program);
    expect(runbooks).toEqual(['emergencyAccess', 'growVolume', 'respondToCompromise', 'rotateKey', 'setupVolume', 'shutdown', 'startup']);
    scan.inData('mails', receivers.mails());
    scan.inData('webhooks', webhookAlerts());
    scan.inData('what people were shown', shown);
  });

  const found = (place: string) => [...new Set(scan.findings.filter((finding) => finding.place === place).map(({ name }) => name))].sort();

  it('would have found a secret in any of them', () => {
    const expected: Readonly<Record<string, readonly (typeof decoyNames)[number][]>> = {
      histories: ['starter'],
      "server's database": ['starter'],
      'state directory': ['failedCommand', 'starter', 'teller'],
      'audit log': ['starter'],
      'system journal': ['starter'],
      'program of alerts': ['teller'],
      mails: ['teller'],
      webhooks: ['teller'],
      'what people were shown': ['starter', 'teller'],
      'arguments and variables': ['argument', 'teller', 'variable'],
      'files in memory': ['inRun', 'inShm', 'inTmp'],
      disk: ['deleted', 'deletedBase64', 'deletedHexadecimal', 'failedCommand', 'starter', 'teller'],
    };
    for (const [place, names] of Object.entries(expected)) expect(found(place), place).toEqual(expect.arrayContaining([...names]));
    // What failed commands say stays on the host, and in the one file that is for it.
    expect(scan.findings.filter(({ name, place }) => name === 'failedCommand' && place !== 'disk').map(({ file }) => file)).toEqual([expect.stringMatching(/\/runs\/growVolume-[^/]+\/commands\.log$/)]);
  });

  it('has left no passphrase, password or token in any of them', () => {
    // The deployment itself keeps this one in its .env, and gives it to its containers as a variable.
    const ofDeployment = ['arguments and variables', 'files in memory', 'disk'];
    const left = scan.findings.filter(({ name, place }) => name in secrets || (name === 'databasePassword' && !ofDeployment.includes(place)));
    expect(left).toEqual([]);
  });
});
