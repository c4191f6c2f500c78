import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import type { OpenQuestion } from '../../src/contract/questions.js';
import type { RunRecord } from '../../src/contract/record.js';
import type { RunStatus } from '../../src/contract/status.js';
import { readAuditFile } from '../../src/host/audit/auditFiles.js';
import { verifyAuditLog } from '../../src/host/audit/auditVerification.js';
import { goEverywhere } from '../../src/rehearsal/answers.js';
import { isIntact, type ClientVerdict } from '../../src/rehearsal/clientVerdict.js';
import { deployment } from '../../src/rehearsal/deployment/files.js';
import { hostFiles } from '../../src/rehearsal/hostConfig.js';
import type { Rehearsal } from '../../src/rehearsal/rehearsal.js';
import { createFaults, type Faults } from './faultInjection.js';
import { finishMigration, openTestHost, startMigration } from './host.js';

const volume = '/mnt/pg-data-encrypted';
const source = '/var/lib/docker/volumes/supersync_pg-data/_data';
const backups = '/srv/backups';
const serverPort = 7233;
/** Three times the time after which the server takes a silent attempt for dead. */
const awaySeconds = Number(process.env['LOCKSTEP_TEST_AWAY_SECONDS'] ?? 60);

/** A fault that parks the run, found at the step that it was made for. */
interface Parked {
  readonly node: string;
  readonly title: string;
  readonly choices: readonly string[];
  readonly recommended: string | undefined;
  readonly databaseRuns: boolean;
}

/** One migration through every fault that is not a crash, on one boot: each is put in, seen, mended, and the run goes on. */
describe('a migration on a host where things go wrong', () => {
  let rehearsal: Rehearsal;
  let faults: Faults;
  let handle: Awaited<ReturnType<typeof startMigration>>;
  let result: { state: string };
  let verdict: ClientVerdict;
  let record: RunRecord;
  const parked: Parked[] = [];
  const refusals: string[] = [];
  /** What `lockstep status` shows while a step is tried again. */
  const shown = { docker: '', network: '', rsync: '' };
  let bitOfSource = { before: -1, parked: -1 };
  /** Of a table, the same in the source and in the copy. */
  let victim = '';

  beforeAll(async () => {
    rehearsal = await openTestHost('e2e-faults', { config: { backup: { directory: `${backups}/supersync` } } });
    faults = createFaults(rehearsal.guest);
    await faults.mountSmallDisk(backups, 320);
    await faults.sh('install --directory --mode 700 "$1"', `${backups}/supersync`);
    await faults.installCopyRate();
    await rehearsal.startWorker();
    await rehearsal.startSending();
    handle = await startMigration(rehearsal);
    ({ result, verdict, record } = await finishMigration(rehearsal, handle, answer, disturb));
  });
  afterAll(async () => {
    await rehearsal.close();
  });

  /** At each gate a fault is put in for the step behind it. */
  const beforeGo: Readonly<Record<string, () => Promise<unknown>>> = {
    preflight: () => faults.fill(backups),
    'go-offline': async () => {
      await faults.stopDocker();
      docker = 'stopped';
    },
    'final-backup': async () => {
      await faults.holdConnection(deployment.databaseContainer, deployment.databaseUser);
      await withStopTimeout(5);
    },
    verification: () => faults.flipBit(`${source}/global/pg_control`, 5000),
  };
  let docker: 'runs' | 'stopped' = 'runs';

  /** What mends each fault, in the order in which they come, and puts in the next. */
  const mends: readonly (() => Promise<unknown>)[] = [
    () => faults.unfill(backups),
    async () => {
      await faults.sh('docker start "$1"; until docker exec "$1" pg_isready --quiet; do sleep 1; done', deployment.databaseContainer);
      await withStopTimeout(300);
      await faults.remount(volume, 'ro');
    },
    async () => {
      await faults.remount(volume, 'rw');
      await faults.fill(volume);
    },
    async () => {
      await faults.unfill(volume);
      victim = (await faults.sh('cd "$1"; find base -type f -size +16k | sort | head -1', source)).trim();
      await faults.makeUnreadable(`${source}/${victim}`);
    },
    async () => {
      await faults.makeReadable(`${source}/${victim}`);
      // Everything else was copied by the attempt that failed: there has to be something to do while it is disturbed.
      await faults.sh('rm -r "$1"', `${volume}/pgdata/base`);
      await faults.setCopyRate(Math.max(10, Math.round(12_000 / awaySeconds)));
      copy = 'slow';
    },
    async () => {
      await faults.sh('/usr/bin/rsync --archive --checksum "$1/" "$2/"', source, `${volume}/pgdata`);
      bitOfSource = { before: await faults.readByte(`${source}/${victim}`, 9000), parked: -1 };
      await faults.flipBit(`${source}/${victim}`, 9000);
    },
    async () => {
      bitOfSource = { ...bitOfSource, parked: await faults.readByte(`${source}/${victim}`, 9000) };
      await faults.flipBit(`${source}/${victim}`, 9000);
    },
    () => faults.flipBit(`${source}/global/pg_control`, 5000),
  ];
  let copy: 'undisturbed' | 'slow' = 'undisturbed';

  async function answer(question: OpenQuestion, status: RunStatus) {
    if (question.kind === 'secret' && question.secret === 'operationalPassphrase' && question.isNewSecret !== true && refusals.length < 3) {
      const refused = await rehearsal.guest.exec('lockstep', ['unlock', question.id], { input: `mistyped ${refusals.length}\n` });
      refusals.push(refused.stderr);
      return { answer: 'provided' };
    }
    if (question.kind === 'parked') {
      process.stderr.write(`e2e-faults: ${question.title}\n`);
      if (question.node === 'check-logs') return { answer: 'skip', reason: 'the lines tell of the faults of this test' };
      const { status: execution } = await handle.describe();
      expect(execution.name).toBe('RUNNING');
      parked.push({ node: question.node, title: question.title, choices: question.choices, recommended: question.recommended, databaseRuns: await databaseRuns() });
      const mend = mends[parked.length - 1];
      if (mend === undefined) throw new Error(question.title);
      await mend();
      return { answer: 'retry' };
    }
    await beforeGo[question.node]?.();
    return goEverywhere(question, status);
  }

  async function disturb(status: RunStatus): Promise<void> {
    const isRunning = (id: string) => status.nodes.some((node) => node.id === id && node.state === 'running');
    if (docker === 'stopped' && isRunning('disable-restart')) {
      shown.docker = await untilShown(/the one before: Docker/);
      await faults.startDocker();
      docker = 'runs';
    }
    if (copy === 'slow' && isRunning('copy-data') && (await faults.copies())) {
      copy = 'undisturbed';
      await faults.setCopyRate(300);
      await faults.cutServerOff(serverPort, awaySeconds);
      shown.network = await untilShown(/the one before: /);
      await faults.moveClock(3);
      await faults.sh('until [ -e "$1" ]; do sleep 0.5; done', `${volume}/pgdata/${victim}`);
      await faults.flipBit(`${volume}/pgdata/${victim}`, 9000);
      // Slow enough to be looked at.
      await faults.setCopyRate(1000);
      await faults.killCopy();
      shown.rsync = await untilShown(/the one before: rsync/);
      await faults.setCopyRate(undefined);
      clock = 'ahead';
    }
    if (clock === 'ahead' && isRunning('start-application')) {
      clock = 'right';
      await faults.moveClock(-3);
    }
  }
  let clock: 'right' | 'ahead' = 'right';

  async function untilShown(what: RegExp): Promise<string> {
    for (;;) {
      const words = (await rehearsal.lockstep('status')).stdout.replace(/\s+/g, ' ');
      if (what.test(words)) return words;
      await sleep(500);
    }
  }

  async function databaseRuns(): Promise<boolean> {
    return (await rehearsal.guest.expect('docker', ['inspect', '--format', '{{.State.Running}}', deployment.databaseContainer])).trim() === 'true';
  }

  async function withStopTimeout(seconds: number): Promise<void> {
    const settings = parse((await rehearsal.guest.getFile(hostFiles.config)).toString('utf8')) as { deployment: { database: object } };
    const changed = { ...settings, deployment: { ...settings.deployment, database: { ...settings.deployment.database, stopTimeoutSeconds: seconds } } };
    await rehearsal.guest.putFile({ content: stringify(changed), to: hostFiles.config, mode: 0o644 });
  }

  it('ends on the encrypted volume, with every acknowledged operation once', () => {
    expect(result.state).toBe('succeeded');
    expect(verdict.acknowledged).toBeGreaterThan(50);
    expect(isIntact(verdict)).toBe(true);
    const verified = record.nodes.find(({ id }) => id === 'verify-copy')?.figures as { sourceFiles: number; equalDigests: number };
    expect(verified.equalDigests).toBe(verified.sourceFiles);
  });

  it.each([
    [0, 'a full backup disk', 'full-backup', true, /the filesystem of \/srv\/backups\/supersync is full \(ENOSPC\); free room there \(df -h .*then retry$/],
    [1, 'PostgreSQL that does not stop for a session', 'stop-database', false, /not stopped cleanly: its state is "in production"; start it once.*docker start supersync-postgres.*then retry.*stopTimeoutSeconds.*or roll back$/],
    [2, 'a volume that is read-only', 'copy-data', false, /pg-data-encrypted\/pgdata is read-only.*mount -o remount,rw.*then retry; or roll back$/],
    [3, 'a full volume', 'copy-data', false, /pg-data-encrypted\/pgdata is full before all of .* is copied; .*df -h.*retry; or roll back/],
    [4, 'a file that can not be read', 'copy-data', false, /base\/.* could not be copied: input\/output error; .*dmesg.*retry.*or roll back/],
    [5, 'a bit turned in the copy', 'verify-copy', false, /the copy differs: 0 files missing, 1 different, 0 extra \(base\/\S+ differs in sha256: source last changed \S+, copy last changed \S+\); Lockstep writes over neither side.*retry.*or roll back/],
    [6, 'a bit turned in the source', 'verify-copy', false, /the copy differs: 0 files missing, 1 different, 0 extra \(base\/\S+ differs in sha256: source last changed/],
    [7, "a bit turned in the source's control file", 'select-overlay', false, /pg_control\) has other bytes than when it was stopped, and says the same.*nothing is written over it: roll back/],
  ] as const)('parks (%i) at %s, with the fact and the next move', (index, _, node, isUp, message) => {
    const park = parked[index];
    expect(park?.node).toBe(node);
    expect(park?.title).toMatch(message);
    expect(park?.choices).toEqual(expect.arrayContaining(['retry', 'rollback']));
    expect(park?.databaseRuns).toBe(isUp);
    expect(parked).toHaveLength(mends.length);
  });

  it('recommends the way back where the verification failed, and for no other fault', () => {
    expect(parked.map(({ node, recommended }) => [node, recommended]).filter(([, recommended]) => recommended !== undefined)).toEqual([
      ['verify-copy', 'rollback'],
      ['verify-copy', 'rollback'],
    ]);
  });

  it('never writes to the source, not even to mend it', () => {
    expect(bitOfSource.before).toBeGreaterThanOrEqual(0);
    expect(bitOfSource.parked).toBe(bitOfSource.before ^ 1);
  });

  it('tries again by itself where that may help, and shows why', () => {
    expect(shown.docker).toMatch(/attempt \d+;.* the one before: Docker does not answer: its daemon does not run; start it \(systemctl start docker\)/);
    expect(shown.network).toMatch(/attempt \d+;.* the one before: nothing was heard of it any more/);
    expect(shown.rsync).toMatch(/attempt \d+;.* the one before: rsync was killed by SIGKILL/);
  });

  it('asks for a mistyped passphrase again, and counts each in the audit log', async () => {
    expect(refusals).toHaveLength(3);
    for (const refusal of refusals) expect(refusal).toContain('does not open slot 0');
    expect((await auditLog()).split('\n').filter((line) => /PASSPHRASE_WRONG|VOLUME_UNLOCK_FAILED/.test(line))).toHaveLength(3);
  });

  it('keeps its proofs in order while the clock jumps by hours', async () => {
    expect(clock).toBe('right');
    expect(JSON.stringify(record)).not.toMatch(/econds":-/);
    const directory = await mkdtemp(join(tmpdir(), 'faults-'));
    const file = join(directory, 'audit.log');
    await writeFile(file, await auditLog());
    expect(verifyAuditLog([await readAuditFile(file)], { now: new Date() }).verdict).toBe('intact');
    await rm(directory, { recursive: true });
  });

  async function auditLog(): Promise<string> {
    return (await rehearsal.guest.getFile('/var/log/luks-audit.log')).toString('utf8');
  }
});
