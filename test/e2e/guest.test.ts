import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readEnvironment } from '../../src/config/environment.js';
import { createRun } from '../../src/host/processes/runner.js';
import { bundleApplication } from '../../src/rehearsal/deployment/application/bundle.js';
import { bootGuest, copySparse, type Guest, machineAddress, prepareImage, projectRoot } from '../../src/rehearsal/guest/index.js';

const run = createRun();
let directory: string;
let guest: Guest;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lockstep-guest-'));
  const applicationBundle = join(directory, 'application.cjs');
  await bundleApplication(applicationBundle);
  const { cacheDirectory } = readEnvironment();
  const image = await prepareImage({ run, cacheDirectory, applicationBundle });
  guest = await bootGuest({ run, image, directory: join(directory, 'guest'), name: 'e2e-guest' });
});

afterAll(async () => {
  await guest.destroy();
  await rm(directory, { recursive: true });
});

describe('a disposable host', () => {
  it('is a host of its own, with the right time, and shares the machine\'s files but /tmp', async () => {
    expect(await guest.expect('hostname')).toBe('e2e-guest\n');
    const seconds = Number(await guest.expect('date', ['+%s']));
    expect(Math.abs(seconds - Date.now() / 1000)).toBeLessThan(3);
    expect((await guest.exec('test', ['-e', join(projectRoot(), 'package.json')])).exitCode).toBe(0);
    expect((await guest.exec('test', ['-e', directory])).exitCode).toBe(1);
    expect((await guest.exec('test', ['-e', '/sys/fs/cgroup/system.slice/cgroup.kill'])).exitCode).toBe(0);
  });

  it('hands arguments, input, files and exit codes over as they are', async () => {
    const awkward = `two words, $HOME, 'quotes', "more", back\\slash\nand a line`;
    expect(await guest.expect('printf', ['%s', awkward])).toBe(awkward);
    expect(await guest.expect('cat', [], { input: awkward })).toBe(awkward);
    expect(await guest.expect('sh', ['-c', 'echo $WORDS'], { env: { WORDS: 'a  b' } })).toBe('a b\n');
    expect(await guest.exec('sh', ['-c', 'echo no >&2; exit 7'])).toEqual({ exitCode: 7, stdout: '', stderr: 'no\n' });
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
    await guest.putFile({ content: bytes, to: '/srv/new folder/bytes', mode: 0o640 });
    expect(await guest.getFile('/srv/new folder/bytes')).toEqual(bytes);
    expect(await guest.expect('stat', ['-c', '%a', '/srv/new folder/bytes'])).toBe('640\n');
  });

  it('runs a program that goes on, and ends it with its children', async () => {
    const lines: string[] = [];
    const program = guest.spawn('sh', ['-c', 'echo begun; sleep 600 & wait'], { onLine: (line) => lines.push(line) });
    await expect.poll(() => lines, { timeout: 10_000 }).toEqual(['begun']);
    await program.signal('TERM');
    await program.ended;
    expect((await guest.exec('pgrep', ['-f', 'sleep 600'])).exitCode).toBe(1);
  });

  it('encrypts a volume for real', async () => {
    const volume = '/var/lib/volume.img';
    const key = { input: 'a passphrase' };
    await guest.expect('fallocate', ['-l', '64M', volume]);
    const fast = ['--pbkdf', 'pbkdf2', '--pbkdf-force-iterations', '1000'];
    await guest.expect('cryptsetup', ['luksFormat', '--batch-mode', '--key-size', '512', ...fast, '--key-file', '-', volume], key);
    await guest.expect('cryptsetup', ['open', '--key-file', '-', volume, 'volume'], key);
    await guest.expect('mkfs.ext4', ['-q', '/dev/mapper/volume']);
    await guest.expect('mkdir', ['-p', '/mnt/volume']);
    await guest.expect('mount', ['/dev/mapper/volume', '/mnt/volume']);
    await guest.putFile({ content: 'a plain secret', to: '/mnt/volume/file' });
    await guest.expect('umount', ['/mnt/volume']);
    await guest.expect('cryptsetup', ['close', 'volume']);
    expect((await guest.exec('grep', ['-c', 'a plain secret', volume])).exitCode).toBe(1);
  });

  it('reaches what the machine offers, and the machine what it offers', async () => {
    const server = await listen((text) => `machine heard ${text}`);
    await guest.offerToGuest(portOf(server), 4711);
    const dialogue = ['-', `TCP4:${machineAddress}:4711`];
    expect(await guest.expect('socat', dialogue, { input: 'hello' })).toBe('machine heard hello');
    server.close();

    guest.spawn('socat', ['TCP4-LISTEN:4712,bind=127.0.0.1,fork,reuseaddr', 'EXEC:echo guest answers']);
    const port = await guest.forwardFromMachine(4712);
    await expect.poll(() => ask(port), { timeout: 10_000 }).toBe('guest answers\n');
  });

  it('runs PostgreSQL and the application under Docker Compose, which find each other', async () => {
    await guest.putFile({ content: composeFile, to: '/opt/trial/docker-compose.yaml' });
    const compose = ['compose', '--project-directory', '/opt/trial'];
    await guest.expect('docker', [...compose, 'up', '--wait'], { timeoutSeconds: 600 });
    const answer = await guest.expect('docker', ['exec', 'trial-database', 'psql', '-U', 'trial', '-tAc', 'select 6 * 7']);
    expect(answer).toBe('42\n');
    const clash = ['run', '--rm', '-e', 'POSTGRES_PASSWORD=a', '-e', 'POSTGRES_PASSWORD_FILE=/run/b', '-v', 'trial_data:/var/lib/postgresql/data'];
    const refused = await guest.exec('docker', [...clash, 'postgres:15']);
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toContain('both POSTGRES_PASSWORD and POSTGRES_PASSWORD_FILE are set (but are exclusive)');
  });

  it('keeps through a power cut what was synced, loses what was not, and starts its containers again', async () => {
    await guest.expect('sh', ['-c', 'echo kept >/srv/kept && sync && echo lost >/srv/lost']);
    await guest.powerCut();
    expect(await guest.isOn()).toBe(false);
    await expect(guest.exec('true')).rejects.toThrow('the guest was lost');
    await guest.boot();
    expect(await guest.expect('cat', ['/srv/kept'])).toBe('kept\n');
    expect((await guest.exec('cat', ['/srv/lost'])).stdout).toBe('');
    const query = ['exec', 'trial-database', 'psql', '-U', 'trial', '-tAc', 'select 1'];
    await expect.poll(async () => (await guest.exec('docker', query)).stdout, { timeout: 120_000, interval: 2000 }).toBe('1\n');
  });

  it('stands still while its disk is copied, and another host boots from that as after a power cut', async () => {
    await guest.expect('sh', ['-c', 'echo synced >/root/before; sync; (while sleep 0.05; do date +%s%N >/root/ticks; done) >/dev/null 2>&1 & echo $! >/run/ticker']);
    const copy = join(directory, 'copy.cow');
    await guest.holdStill((differences) => copySparse(run, differences, copy));
    await guest.expect('sh', ['-c', 'echo later >/root/after; sync']);
    const ticks = await guest.expect('cat', ['/root/ticks']);
    await expect.poll(() => guest.expect('cat', ['/root/ticks'])).not.toBe(ticks);
    await guest.expect('sh', ['-c', 'kill "$(cat /run/ticker)"']);
    const other = await bootGuest({ run, image: guest.image, directory: join(directory, 'other'), name: 'e2e-guest-copy', differences: copy });
    try {
      expect(await other.expect('cat', ['/root/before'])).toBe('synced\n');
      expect((await other.exec('test', ['-e', '/root/after'])).exitCode).toBe(1);
    } finally {
      await other.destroy();
    }
  });

  it('shuts down cleanly: PostgreSQL has nothing to recover', async () => {
    const starts = async () => (await guest.exec('docker', ['logs', 'trial-database'])).stderr.split('starting PostgreSQL').slice(1);
    const before = (await starts()).length;
    await guest.shutDown();
    await guest.boot();
    // Docker answers before it has started its containers again: until then the log ends with the start before.
    const startAgain = async () => (await starts())[before] ?? '';
    await expect.poll(startAgain, { timeout: 120_000, interval: 2000 }).toContain('ready to accept connections');
    const lastStart = await startAgain();
    expect(lastStart).toContain('database system was shut down at');
    expect(lastStart).not.toContain('was not properly shut down');
  });

  it('comes up again by itself when it is rebooted from within, and is reached as before', async () => {
    const port = await guest.forwardFromMachine(22);
    const bootId = () => guest.expect('cat', ['/proc/sys/kernel/random/boot_id']).catch(() => undefined);
    const before = await bootId();
    await guest.exec('systemctl', ['--no-block', 'reboot']);
    const hasRebooted = async () => ![before, undefined].includes(await bootId());
    await expect.poll(hasRebooted, { timeout: 120_000, interval: 1000 }).toBe(true);
    expect(await guest.forwardFromMachine(22)).toBe(port);
    expect(await guest.isOn()).toBe(true);
  });

  it('can not be booted twice under one name', async () => {
    const twin = bootGuest({ run, image: guest.image, directory: join(directory, 'twin'), name: guest.name });
    await expect(twin).rejects.toThrow(`the guest e2e-guest is in use by process ${process.pid}`);
    expect(await guest.expect('echo', ['untouched'])).toBe('untouched\n');
  });
});

const composeFile = `
name: trial
services:
  database:
    image: postgres:15
    container_name: trial-database
    restart: always
    environment: { POSTGRES_USER: trial, POSTGRES_PASSWORD: trial }
    volumes: ['data:/var/lib/postgresql/data']
    healthcheck: { test: [CMD-SHELL, pg_isready -U trial], interval: 3s, timeout: 20s, retries: 40 }
  application:
    image: supersync-server:rehearsal
    restart: always
    depends_on: { database: { condition: service_healthy } }
    environment: { DATABASE_URL: 'postgres://trial:trial@database:5432/trial', TOKEN_SECRET: trial }
    ports: ['127.0.0.1:1900:1900']
    healthcheck:
      test: [CMD, node, -e, "require('dns').lookup('database', (error) => process.exit(error ? 1 : 0))"]
      interval: 5s
      timeout: 20s
      retries: 40
volumes: { data: {} }
`;

async function listen(answer: (text: string) => string): Promise<Server> {
  const server = createServer((socket) => socket.once('data', (data) => socket.end(answer(data.toString()))));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server listens on no port');
  return address.port;
}

async function ask(port: number): Promise<string> {
  const answer = await run('socat', ['-', `TCP4:127.0.0.1:${port}`], { input: '', answers: [0, 1] });
  return answer.stdout;
}
