import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { answerUntilEnd, goEverywhere } from '../../src/rehearsal/answers.js';
import { isIntact } from '../../src/rehearsal/clientVerdict.js';
import { deployment } from '../../src/rehearsal/deployment/files.js';
import { hostFiles, rehearsalSecrets } from '../../src/rehearsal/hostConfig.js';
import type { Rehearsal } from '../../src/rehearsal/rehearsal.js';
import { openTestHost, readRecord, refusalOf, startMigration, waitFor } from './host.js';

type Settings = Record<string, Record<string, unknown>>;

/** One boot: first everything that is refused before anything is changed, then a no-go at the last gate before the switch. */
describe('a host where the answer is no', () => {
  let rehearsal: Rehearsal;
  let good: string;
  let before: string;

  beforeAll(async () => {
    rehearsal = await openTestHost('e2e-no-go');
    good = (await rehearsal.guest.getFile(hostFiles.config)).toString('utf8');
    await rehearsal.startWorker();
    before = await facts();
  });
  afterAll(async () => {
    await rehearsal.close();
  });

  /** What must not change by a refusal. */
  function facts(): Promise<string> {
    return rehearsal.guest.expect('sh', [
      '-c',
      'docker inspect --format "{{.State.StartedAt}} {{.HostConfig.RestartPolicy.Name}}" supersync-postgres supersync-server; cat /opt/supersync/.env | cut -c1-20; ls /opt/supersync /var/lib/*.img /mnt 2>&1; ls /var/backups/supersync 2>&1; test -e /var/lib/lockstep/claim.json && echo claimed; true',
    ]);
  }

  async function withConfig(change: (settings: Settings) => void): Promise<void> {
    const settings = parse(good) as Settings;
    change(settings);
    await rehearsal.guest.putFile({ content: stringify(settings), to: hostFiles.config, mode: 0o644 });
  }

  /** What a run that parks at its first failure says; it is then left by the way back. */
  async function parkedMessage(): Promise<string> {
    const handle = await startMigration(rehearsal);
    const status = await waitFor(handle, ({ questions }) => questions.some(({ kind }) => kind === 'parked'));
    const question = status.questions.find(({ kind }) => kind === 'parked');
    await handle.signal('decide', { question: question?.id, answer: 'rollback', by: 'e2e', reason: 'seen' });
    await expect(handle.result()).resolves.toMatchObject({ state: 'rolled back' });
    return question?.title ?? '';
  }

  it.each([
    ['no database of that name in the compose file', (settings: Settings) => (settings['deployment'] = { ...settings['deployment'], database: { service: 'nowhere' } }), /has no service "nowhere".*postgres/],
    ['too little space', (settings: Settings) => (settings['preflight'] = { spaceFactor: 5000 }), /\/var\/lib has .* free; .* are needed/],
    ['no deployment there', (settings: Settings) => (settings['deployment'] = { ...settings['deployment'], directory: '/opt/elsewhere' }), /elsewhere/],
  ])('refuses %s before anything is changed, with the fact and the next move', async (_, change, message) => {
    await withConfig(change);
    expect(await parkedMessage()).toMatch(message);
    expect(await facts()).toBe(before);
  });

  it('refuses an unknown key, and a configuration that others may write, at the start', async () => {
    await withConfig((settings) => (settings['volume'] = { ...settings['volume'], mountpoint: '/mnt/x' }));
    expect(await refusalOf(await startMigration(rehearsal))).toMatch(/volume\.mountpoint.*volume\.mountPoint/s);
    await rehearsal.guest.putFile({ content: good, to: hostFiles.config, mode: 0o666 });
    await rehearsal.guest.expect('chmod', ['666', hostFiles.config]);
    expect(await refusalOf(await startMigration(rehearsal))).toMatch(/chmod/);
    await rehearsal.guest.expect('chmod', ['644', hostFiles.config]);
    expect(await facts()).toBe(before);
  });

  it('refuses a malformed input, and one with a command in it, at once', async () => {
    expect(await refusalOf(await startMigration(rehearsal, { startedBy: 'x; rm -rf /' }))).toMatch(/startedBy/);
    expect(await refusalOf(await startMigration(rehearsal, { path: '/etc/passwd' }))).toMatch(/path/);
  });

  it('refuses a volume file that is there and not ours', async () => {
    await rehearsal.guest.putFile({ content: good, to: hostFiles.config, mode: 0o644 });
    await rehearsal.guest.putFile({ content: 'somebody else', to: '/var/lib/supersync-encrypted.img' });
    expect(await parkedMessage()).toMatch(/already exists and is not this run's.*mv /);
    expect((await rehearsal.guest.getFile('/var/lib/supersync-encrypted.img')).toString()).toBe('somebody else');
    await rehearsal.guest.expect('rm', ['/var/lib/supersync-encrypted.img']);
  });

  it('refuses a link that leaves the data directory, as a tablespace does', async () => {
    const data = '/var/lib/docker/volumes/supersync_pg-data/_data';
    await rehearsal.guest.expect('ln', ['-s', '/srv/elsewhere', `${data}/pg_tblspc/16999`]);
    expect(await parkedMessage()).toMatch(/pg_tblspc\/16999 leads to \/srv\/elsewhere/);
    await rehearsal.guest.expect('rm', [`${data}/pg_tblspc/16999`]);
    expect(await facts()).toBe(before);
  });

  it('refuses a data directory of another version than the server', async () => {
    const file = '/var/lib/docker/volumes/supersync_pg-data/_data/PG_VERSION';
    await rehearsal.guest.expect('sh', ['-c', `echo 14 >${file}`]);
    expect(await parkedMessage()).toMatch(/of PostgreSQL 14, and postgres:15 runs 15\./);
    await rehearsal.guest.expect('sh', ['-c', `echo 15 >${file}`]);
    expect(await facts()).toBe(before);
  });

  it('undoes everything after a no-go, and is back on the old volume, proven equal', async () => {
    const maintenanceFile = `${deployment.directory}/${deployment.maintenanceFile}`;
    await withConfig((settings) => {
      settings['maintenance'] = { ...settings['maintenance'], mode: { kind: 'hook', on: ['touch', maintenanceFile], off: ['rm', '--force', maintenanceFile] } };
      settings['backup'] = { ...settings['backup'], filesystemCopy: 'pg_basebackup' };
    });
    await rehearsal.startSending();
    const handle = await startMigration(rehearsal);
    let second: string | undefined;
    const result = await answerUntilEnd<{ state: string; outcome: string }>({ rehearsal, handle }, async (question, status) => {
      if (question.id === 'preflight' && second === undefined) {
        // While this run holds the host, another one is refused.
        const other = await rehearsal.client.workflow.start('migrate', { taskQueue: 'lockstep', workflowId: 'rehearsal/another', args: [{ host: 'rehearsal', startedBy: 'other' }] });
        second = await refusalOf(other);
      }
      return question.id === 'verification' ? { answer: 'no-go', reason: 'not today' } : goEverywhere(question, status);
    });
    expect(second).toMatch(/held by rehearsal\/migrate/);
    expect(result).toMatchObject({ state: 'rolled back', outcome: expect.stringContaining('not today') as unknown });

    const verdict = await rehearsal.finishSending();
    expect(isIntact(verdict)).toBe(true);
    expect(verdict.refused).toBeGreaterThan(0);
    const record = await readRecord(rehearsal, handle.runId);
    const recorded = (node: string) => record.nodes.find(({ id }) => id === node);
    expect(recorded('stop-database')?.state).toBe('undone');
    expect(recorded('stop-database')?.figures).toMatchObject({ equal: true });
    expect(recorded('begin-maintenance')?.facts).toEqual([['how', 'writes are refused (503), proven by a write']]);
    // The whole cluster, in one encrypted stream that ends where it should.
    const { file } = recorded('filesystem-backup')?.figures as { file: string };
    const decrypt = `set -o pipefail; gpg --batch --homedir "$(mktemp -d)" --pinentry-mode loopback --passphrase-fd 0 --decrypt '${file}' | zstd -d | tar --list`;
    const files = await rehearsal.guest.expect('bash', ['-c', decrypt], { input: `${rehearsalSecrets['backupPassphrase'] ?? ''}\n`, env: { HOME: '/root' } });
    expect(files.split('\n')).toEqual(expect.arrayContaining(['global/pg_control', 'backup_label', 'PG_VERSION']));

    const after = await rehearsal.guest.expect('sh', [
      '-c',
      'docker inspect --format "{{range .Mounts}}{{.Name}}{{end}} {{.HostConfig.RestartPolicy.Name}}" supersync-postgres; grep COMPOSE_FILE /opt/supersync/.env; cryptsetup status pg-data-encrypted | head -1; cryptsetup isLuks /var/lib/supersync-encrypted.img && echo intact; ls /opt/supersync/maintenance; test -e /var/lib/lockstep/claim.json && echo claimed; true',
    ]);
    expect(after).toBe('supersync_pg-data always\n/dev/mapper/pg-data-encrypted is inactive.\nintact\n');
    const text = await rehearsal.guest.expect('sh', ['-c', `cat /var/lib/lockstep/runs/migrate-${handle.runId}/announcements/extended-maintenance.txt`]);
    expect(text).toContain('SuperSync is available again');
  });

  /** The volume of the run before is intact, and in the way of the next one. */
  async function moveVolumeAway(): Promise<void> {
    await rehearsal.guest.expect('rm', ['/var/lib/supersync-encrypted.img']);
  }

  it('starts the application again after a no-go, where keeping users out meant stopping it', async () => {
    await moveVolumeAway();
    await withConfig((settings) => (settings['maintenance'] = { ...settings['maintenance'], mode: { kind: 'stop' } }));
    await rehearsal.startSending();
    const handle = await startMigration(rehearsal);
    const result = await answerUntilEnd<{ state: string }>({ rehearsal, handle }, async (question, status) => {
      if (question.id !== 'final-backup') return goEverywhere(question, status);
      expect(await isAnswering()).toBe(false);
      return { answer: 'no-go', reason: 'the backup took too long' };
    });
    expect(result.state).toBe('rolled back');
    expect(await isAnswering()).toBe(true);
    expect(await restartPolicies()).toBe('always\nalways\n');
    expect(isIntact(await rehearsal.finishSending())).toBe(true);
  });

  it('takes no copy of a source that was started meanwhile, and goes back with what users wrote on it', async () => {
    await moveVolumeAway();
    await withConfig((settings) => (settings['maintenance'] = { ...settings['maintenance'], mode: { kind: 'stop' } }));
    await rehearsal.startSending();
    const handle = await startMigration(rehearsal);
    const parked: string[] = [];
    const result = await answerUntilEnd<{ state: string }>({ rehearsal, handle }, async (question, status) => {
      if (question.kind === 'parked') {
        parked.push(question.title);
        return { answer: 'rollback', reason: 'somebody started it' };
      }
      // Somebody who knows nothing of the migration brings the service back while the gate is open.
      if (question.id === 'verification') await rehearsal.guest.expect('sh', ['-c', 'cd /opt/supersync && docker compose up --detach --wait'], { timeoutSeconds: 300 });
      return goEverywhere(question, status);
    });
    expect(parked).toEqual([expect.stringMatching(/^Compose overlay selected.*was started since it was stopped.*the copy is void/)]);
    expect(result.state).toBe('rolled back');
    const record = await readRecord(rehearsal, handle.runId);
    expect(record.nodes.find(({ id }) => id === 'stop-database')?.figures).toEqual({ equal: false, untouched: false, carriedOver: false });
    expect(await isAnswering()).toBe(true);
    expect(isIntact(await rehearsal.finishSending())).toBe(true);
  });

  async function isAnswering(): Promise<boolean> {
    return (await rehearsal.guest.exec('curl', ['--silent', '--fail', '--max-time', '10', 'http://127.0.0.1:1900/health'])).exitCode === 0;
  }

  function restartPolicies(): Promise<string> {
    return rehearsal.guest.expect('docker', ['inspect', '--format', '{{.HostConfig.RestartPolicy.Name}}', 'supersync-postgres', 'supersync-server']);
  }
});
