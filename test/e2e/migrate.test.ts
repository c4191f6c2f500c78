import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WorkflowHandle } from '@temporalio/client';
import { signalNames } from '../../src/contract/names.js';
import type { RunRecord } from '../../src/contract/record.js';
import type { RunStatus } from '../../src/contract/status.js';
import { goEverywhere } from '../../src/rehearsal/answers.js';
import { isIntact, type ClientVerdict } from '../../src/rehearsal/clientVerdict.js';
import { rehearsalSecrets } from '../../src/rehearsal/hostConfig.js';
import type { Rehearsal } from '../../src/rehearsal/rehearsal.js';
import { finishMigration, openTestHost, startMigration } from './host.js';

/** The real rsync; the two copies that a kill will hit are slow enough to be hit in their middle. */
const slowRsync = `#!/bin/sh
[ "$1" = --version ] && exec /usr/bin/rsync --version
echo >>/run/copies
[ "$(wc -l </run/copies)" -gt 2 ] && exec /usr/bin/rsync "$@"
exec /usr/bin/rsync --bwlimit=2000 "$@"
`;

/** How often the copy step began, and how many bytes have their final names: rsync's own in progress begin with a dot. */
const lookAtCopy = `
grep -c '"began".*"node":"copy-data"' /var/lib/lockstep/runs/*/journal.jsonl
find /mnt/pg-data-encrypted/pgdata -type f ! -name '.*' -printf '%s\\n' | awk '{ bytes += $1 } END { printf "%d\\n", bytes }'`;

/**
 * One migration, disturbed in every way that this file names, on one boot: the worker is killed twice
 * in the middle of the copy, the Temporal server is killed and started again, decisions come early,
 * late, twice and malformed, and a passphrase is mistyped.
 */
describe('a migration that is disturbed', () => {
  let rehearsal: Rehearsal;
  let handle: WorkflowHandle & { runId: string };
  let result: { state: string };
  let verdict: ClientVerdict;
  let record: RunRecord;
  let last: RunStatus;
  let refusal: { exitCode: number; stderr: string };
  const argumentsSeen = new Set<string>();
  const kills = { copy: 0, server: 0 };
  /** What had its final name when the worker was killed for the last time. */
  let wholeBytes = 0;

  beforeAll(async () => {
    rehearsal = await openTestHost('e2e-migrate');
    await rehearsal.guest.putFile({ content: slowRsync, to: '/usr/local/bin/rsync', mode: 0o755 });
    await rehearsal.startWorker();
    await rehearsal.startSending();
    handle = await startMigration(rehearsal);
    ({ result, verdict, record } = await finishMigration(rehearsal, handle, answer, disturb));
  });
  afterAll(async () => {
    await rehearsal.close();
  });

  const sentAhead = { early: false, malformed: false, mistyped: false };

  async function answer(...[question, status]: Parameters<typeof goEverywhere>) {
    if (!sentAhead.malformed) {
      sentAhead.malformed = true;
      for (const sent of ['go', 7, null, { question: 'preflight' }, { question: 'preflight', answer: 'go', by: ' ' }, { question: 'preflight', answer: 'go', by: 'x', more: 1 }]) {
        await handle.signal(signalNames.decide, sent);
      }
      await handle.signal(signalNames.decide, { question: 'final-backup', answer: 'go', by: 'early bird' });
      await handle.signal(signalNames.decide, { question: 'no-such-question', answer: 'go', by: 'somebody' });
    }
    if (question.kind === 'secret' && question.secret === 'operationalPassphrase' && question.isNewSecret !== true && !sentAhead.mistyped) {
      sentAhead.mistyped = true;
      refusal = await rehearsal.guest.exec('lockstep', ['unlock', question.id], { input: 'not the passphrase that was set\n' });
      // A secret's question is answered by the socket alone: the decision below would only be recorded.
      return { answer: 'provided' };
    }
    const given = await goEverywhere(question, status);
    // Everything is answered twice, as by a doubled click.
    if (given !== undefined) await handle.signal(signalNames.decide, { question: question.id, by: 'twice', ...given });
    return given;
  }

  async function disturb(status: RunStatus): Promise<void> {
    last = status;
    const isRunning = (id: string) => status.nodes.some((node) => node.id === id && node.state === 'running');
    if (isRunning('copy-data') && kills.copy < 2) {
      // Each kill hits an attempt of its own, when that has brought something to its end: the step goes on three times.
      const [attempts = 0, bytes = 0] = (await rehearsal.guest.exec('sh', ['-c', lookAtCopy])).stdout.split('\n').map(Number);
      if (attempts === kills.copy + 1 && bytes > wholeBytes + 4e6) {
        kills.copy += 1;
        wholeBytes = bytes;
        await rehearsal.killWorker();
      }
    }
    if (isRunning('verify-copy') && kills.server === 0) {
      kills.server += 1;
      await rehearsal.killServer();
      await rehearsal.startServer();
    }
    const { stdout } = await rehearsal.guest.exec('sh', ['-c', 'cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr "\\0" "\\n"']);
    for (const line of stdout.split('\n')) argumentsSeen.add(line);
  }

  it('ends on the encrypted volume', () => {
    expect(result.state).toBe('succeeded');
    expect(last.questions).toEqual([]);
  });

  it('goes on in the copy step after each kill, and copies only what is missing', () => {
    expect(kills.copy).toBe(2);
    const copy = record.nodes.find(({ id }) => id === 'copy-data');
    expect(copy?.attempts).toBe(3);
    const { sizeBytes, transferredBytes } = copy?.figures as { sizeBytes: number; transferredBytes: number };
    expect(wholeBytes).toBeGreaterThan(8e6);
    expect(transferredBytes).toBeGreaterThan(0);
    // A file that was cut in its middle is copied again; none that had its name is.
    expect(transferredBytes).toBeLessThanOrEqual(sizeBytes - wholeBytes);
  });

  it('loses nothing when the server is killed', () => {
    expect(kills.server).toBe(1);
    const verified = record.nodes.find(({ id }) => id === 'verify-copy')?.figures as { sourceFiles: number; equalDigests: number };
    expect(verified.equalDigests).toBe(verified.sourceFiles);
  });

  it('keeps every acknowledged operation, once', () => {
    expect(verdict.acknowledged).toBeGreaterThan(50);
    expect(isIntact(verdict)).toBe(true);
  });

  it('records early, unknown, malformed and doubled decisions, and counts none of them', () => {
    const answers = record.decisions.filter(({ question }) => !question.includes('.secret.'));
    const outcomesOf = (by: string) => answers.filter((decision) => decision.by === by).map(({ outcome }) => outcome);
    expect(outcomesOf('early bird')).toEqual(['not open yet']);
    expect(outcomesOf('somebody')).toEqual(['unknown question']);
    expect(record.decisions.filter(({ outcome }) => outcome === 'malformed')).toHaveLength(6);
    expect(outcomesOf('rehearsal')).not.toContain('counted');
    expect(outcomesOf('twice')).not.toContain('malformed');
  });

  it('asks again after a mistyped passphrase, and writes that into the audit log', async () => {
    const log = (await rehearsal.guest.getFile('/var/log/luks-audit.log')).toString('utf8');
    expect(refusal).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('does not open slot 0') as unknown });
    expect(log).toMatch(/VOLUME_UNLOCK_FAILED|PASSPHRASE_WRONG/);
    const ids = log.split('\n').flatMap((line) => /\bid=(\S+)/.exec(line)?.[1] ?? []);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('lets no secret into history, arguments, environment, journal, record or logs', async () => {
    const history = JSON.stringify(await handle.fetchHistory());
    const found = await rehearsal.guest.exec('sh', ['-c', 'cat /var/lib/lockstep/runs/*/*.json* /var/lib/lockstep/runs/*/*.md /var/lib/lockstep/runs/*/*.log /var/log/luks-audit.log; journalctl --no-pager']);
    const places = { history, 'files and logs': found.stdout, 'arguments and environment': [...argumentsSeen].join('\n') };
    expect(places['arguments and environment']).toContain('rsync');
    for (const name of ['operationalPassphrase', 'recoveryPassphrase', 'backupPassphrase', 'testAccountPassword']) {
      const secret = rehearsalSecrets[name] ?? '';
      for (const [place, text] of Object.entries(places)) {
        expect(text.includes(secret) || text.includes(Buffer.from(secret).toString('base64').slice(0, -4)), `${name} in ${place}`).toBe(false);
      }
    }
    // The deployment itself keeps this one in an environment; Lockstep must not carry it further.
    const [, databasePassword = ''] = /^POSTGRES_PASSWORD=(.+)$/m.exec(await rehearsal.guest.expect('cat', ['/opt/supersync/.env'])) ?? [];
    expect(databasePassword).not.toBe('');
    expect(places.history).not.toContain(databasePassword);
    expect(places['files and logs']).not.toContain(databasePassword);
  });

  it('takes fewer than 500 events of history', async () => {
    const { events } = await handle.fetchHistory();
    expect(events?.length).toBeLessThan(500);
  });

  it('leaves a host on which compose, mounts and restart policies are as the plan wants them', async () => {
    const format = '{{range .Mounts}}{{.Type}} {{.Source}}|{{end}}{{.HostConfig.RestartPolicy.Name}}';
    const inspect = await rehearsal.guest.expect('docker', ['inspect', '--format', format, 'supersync-postgres']);
    expect(inspect.trim().split('|').sort()).toEqual(['bind /mnt/pg-data-encrypted/pgdata', 'bind /mnt/pg-data-encrypted/secrets/postgres_password', 'no']);
    const environment = await rehearsal.guest.expect('cat', ['/opt/supersync/.env']);
    expect(environment).toContain('COMPOSE_FILE=docker-compose.yaml:docker-compose.encrypted.yaml');
    const original = await rehearsal.guest.expect('sh', ['-c', 'cd /opt/supersync && docker compose -f docker-compose.yaml config | grep -A3 "type: volume"']);
    expect(original).toContain('source: pg-data');
    expect((await rehearsal.guest.exec('test', ['-e', '/var/lib/lockstep/claim.json'])).exitCode).toBe(1);
  });

  it("satisfies the plan's verification steps, typed as docs/verification-steps.md has them", async () => {
    const page = await readFile(new URL('../../docs/verification-steps.md', import.meta.url), 'utf8');
    const blocks = [...page.matchAll(/```sh\n(# step (\S+)\n[\s\S]*?)```/g)];
    expect(blocks.length).toBeGreaterThan(25);
    const passphrases = { OPERATIONAL: 'operationalPassphrase', RECOVERY: 'recoveryPassphrase', BACKUP: 'backupPassphrase' };
    const script = [
      ...Object.entries(passphrases).map(([variable, name]) => `${variable}='${rehearsalSecrets[name] ?? ''}'`),
      ...blocks.map(([, block, step]) => `${block ?? ''}\nprintf '\\nstep ${step ?? ''} ended with %d\\n' $?`),
    ].join('\n');
    await rehearsal.guest.putFile({ content: script, to: '/run/verification.sh', mode: 0o600 });
    const { stdout, stderr } = await rehearsal.guest.exec('bash', ['/run/verification.sh'], { timeoutSeconds: 600 });
    const ended = [...stdout.matchAll(/^step (\S+) ended with (\d+)$/gm)].map(([, step, status]) => `${step ?? ''}: ${status ?? ''}`);
    expect(ended, `${stdout}\n${stderr}`).toEqual(blocks.map(([, , step]) => `${step ?? ''}: 0`));
  });
});
