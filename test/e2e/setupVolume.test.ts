import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signalNames } from '../../src/contract/names.js';
import type { OpenQuestion } from '../../src/contract/questions.js';
import type { RunStatus } from '../../src/contract/status.js';
import { answerUntilEnd, goEverywhere } from '../../src/rehearsal/answers.js';
import { isIntact } from '../../src/rehearsal/clientVerdict.js';
import { hostConfig, hostFiles, rehearsalSecrets } from '../../src/rehearsal/hostConfig.js';
import type { Rehearsal } from '../../src/rehearsal/rehearsal.js';
import { stringify } from 'yaml';
import { openTestHost, readRecord, startMigration, startRunbook, waitFor } from './host.js';

const volume = { name: 'pg-data-encrypted', file: '/var/lib/supersync-encrypted.img', mountPoint: '/mnt/pg-data-encrypted' } as const;
const second = { name: 'second', device: '/dev/loop7', file: '/var/lib/second-disk.img', mountPoint: '/mnt/second' } as const;
const gibibyte = 1024 ** 3;
/** Gives a test the time to hit the middle of a program: it begins five seconds late, once in each boot. */
const lateOnce = (program: string) => `#!/bin/sh
[ -e /run/late-${program} ] || { touch /run/late-${program}; sleep 5; }
exec /usr/sbin/${program} "$@"
`;

/** The loop device is there again after a reboot, as a disk would be. */
const diskUnit = `[Unit]
DefaultDependencies=no
After=local-fs.target
Before=lockstep-worker.service docker.service
[Service]
Type=oneshot
ExecStartPre=/usr/sbin/modprobe loop
ExecStart=/usr/sbin/losetup ${second.device} ${second.file}
[Install]
WantedBy=multi-user.target
`;

/**
 * One boot: a volume is made on its own, with the power cut in its middle, and a migration takes it; it grows while users
 * write, worker and power gone on the way; then a second one is made on a block device, with a database that begins on it.
 */
describe('a volume of its own', () => {
  let rehearsal: Rehearsal;
  const sh = (script: string, input = '') => rehearsal.guest.exec('sh', ['-c', script], { input, timeoutSeconds: 120 });
  const text = async (script: string) => (await rehearsal.guest.expect('sh', ['-c', script])).trim();
  const opens = async (place: string, name: string, slot: number) =>
    (await sh(`cryptsetup open --test-passphrase --key-file=- --key-slot ${slot} ${place}`, rehearsalSecrets[name] ?? '')).exitCode === 0;
  const isRunning = ({ nodes }: RunStatus, id: string) => nodes.some((node) => node.id === id && node.state === 'running');

  /** Goes everywhere, and keeps what was asked. */
  function keeping(asked: OpenQuestion[]) {
    return (question: OpenQuestion, status: RunStatus) => {
      if (!asked.some(({ id }) => id === question.id)) asked.push(question);
      return goEverywhere(question, status);
    };
  }

  beforeAll(async () => {
    rehearsal = await openTestHost('e2e-setup-volume');
    await rehearsal.startWorker();
  });
  afterAll(async () => {
    await rehearsal.close();
  });

  it('is made on a file, and goes on after a power cut in its middle', async () => {
    const handle = await startRunbook(rehearsal, 'setupVolume');
    const asked: OpenQuestion[] = [];
    let cuts = 0;
    await rehearsal.guest.putFile({ content: `#!/bin/sh\nsleep 5\nexec /usr/sbin/mkfs.ext4 "$@"\n`, to: '/usr/local/sbin/mkfs.ext4', mode: 0o755 });
    // Else the power cut leaves it empty.
    await text('sync');
    const result = await answerUntilEnd<{ state: string }>({ rehearsal, handle }, keeping(asked), async (status) => {
      if (cuts > 0 || !isRunning(status, 'make-filesystem') || (await sh('pgrep mkfs.ext4')).exitCode !== 0) return;
      cuts += 1;
      await rehearsal.powerCut();
    });
    expect([cuts, result.state]).toEqual([1, 'succeeded']);
    expect(asked.filter(({ id }) => id.startsWith('make-filesystem.secret'))).toHaveLength(1);
    const gate = Object.fromEntries(asked.find(({ id }) => id === 'set-up')?.evidence ?? []);
    expect(gate['place']).toBe(`${volume.file}, a file, fully allocated`);
    expect(gate['what is there now']).toBe('nothing');
    expect(gate['AES-256-XTS here']).toMatch(/MiB\/s encryption|^not measured: the kernel lends its ciphers to no program/);
    expect(gate['database now']).toMatch(/MiB in \/.*supersync_pg-data/);
  });

  it('is what cryptsetup and the filesystem say by hand', async () => {
    const dump = await text(`cryptsetup luksDump ${volume.file}`);
    expect(dump).toMatch(/cipher: aes-xts-plain64/);
    expect(dump.match(/PBKDF: +argon2id/g)).toHaveLength(2);
    expect(dump.match(/Memory: +(\d+)/g)).toEqual(['Memory:     32768', 'Memory:     32768']);
    expect(await opens(volume.file, 'operationalPassphrase', 0)).toBe(true);
    expect(await opens(volume.file, 'recoveryPassphrase', 1)).toBe(true);
    expect(await opens(volume.file, 'operationalPassphrase', 1)).toBe(false);
    expect(await opens(volume.file, 'backupPassphrase', 0)).toBe(false);
    const uid = await text('docker run --rm --network none --entrypoint id postgres:15 -u postgres');
    expect(await text(`stat -c '%u %a' ${volume.mountPoint}/pgdata; ls -A ${volume.mountPoint}/pgdata`)).toBe(`${uid} 700`);
    expect(await text(`e2label /dev/mapper/${volume.name}`)).toBe('pg-data-encrypte');
    expect(await text(`stat -c '%b %B %s' ${volume.file} | awk '{ print ($1 * $2 >= $3) }'`)).toBe('1');
    expect((await sh(`mkdir /run/bare && mount --bind / /run/bare && touch /run/bare${volume.mountPoint}/x`)).exitCode).not.toBe(0);
    await sh('umount /run/bare');
  });

  it('is refused a second time, and taken by a migration with the passphrases that it has', async () => {
    const again = await startRunbook(rehearsal, 'setupVolume');
    const parked = await waitFor(again, ({ questions }) => questions.some(({ kind }) => kind === 'parked'));
    expect(parked.questions[0]?.title).toContain('was prepared by setupVolume already');
    await again.signal(signalNames.decide, { question: parked.questions[0]?.id, answer: 'rollback', by: 'e2e', reason: 'seen' });
    expect(await again.result()).toMatchObject({ state: 'rolled back' });

    const uuid = await text(`cryptsetup luksUUID ${volume.file}`);
    const handle = await startMigration(rehearsal);
    const asked: OpenQuestion[] = [];
    const result = await answerUntilEnd<{ state: string }>({ rehearsal, handle }, keeping(asked));
    expect(result.state).toBe('succeeded');
    const ofVolume = asked.filter(({ secret }) => secret === 'operationalPassphrase' || secret === 'recoveryPassphrase');
    expect(ofVolume.length).toBeGreaterThan(0);
    expect(ofVolume.filter(({ isNewSecret }) => isNewSecret === true)).toEqual([]);
    expect(await text(`cryptsetup luksUUID ${volume.file}`)).toBe(uuid);
    expect((await sh(`test -e ${hostFiles.state}/prepared-volume.json`)).exitCode).toBe(1);
  });

  it('grows while users write, with the worker killed and the power cut between its layers', async () => {
    for (const program of ['losetup', 'resize2fs']) await rehearsal.guest.putFile({ content: lateOnce(program), to: `/usr/local/sbin/${program}`, mode: 0o755 });
    // Else the power cut leaves them empty.
    await text('sync');
    await rehearsal.startSending();
    const handle = await startRunbook(rehearsal, 'growVolume', { sizeGib: 1 });
    const asked: OpenQuestion[] = [];
    const broken = { power: 0, worker: 0 };
    const before = Number(await text(`df --output=size -B1 ${volume.mountPoint} | tail -1`));
    const mapped = { atCut: 0 };
    const result = await answerUntilEnd<{ state: string }>({ rehearsal, handle }, keeping(asked), async (status) => {
      if (broken.power === 0 && isRunning(status, 'grow-loop') && (await sh('pgrep -f "[l]osetup --set-capacity"')).exitCode === 0) {
        broken.power += 1;
        mapped.atCut = Number(await text(`blockdev --getsize64 /dev/mapper/${volume.name}`));
        await rehearsal.powerCut();
      }
      if (broken.worker === 0 && isRunning(status, 'grow-filesystem') && (await sh('pgrep -f "[r]esize2fs"')).exitCode === 0) {
        broken.worker += 1;
        await rehearsal.killWorker();
      }
    });
    expect([broken, result.state]).toEqual([{ power: 1, worker: 1 }, 'succeeded']);
    expect(mapped.atCut).toBeLessThan(gibibyte / 2);
    expect(asked.filter(({ kind }) => kind === 'secret').map(({ secret }) => secret)).toEqual(['operationalPassphrase']);
    const offset = Number(await text(`cryptsetup luksDump --dump-json-metadata ${volume.file} | jq -r '.segments["0"].offset' || echo 0`));
    expect(Number(await text(`stat -c %s ${volume.file}`))).toBe(gibibyte);
    expect(await text(`stat -c '%b %B %s' ${volume.file} | awk '{ print ($1 * $2 >= $3) }'`)).toBe('1');
    expect(Number(await text(`blockdev --getsize64 /dev/mapper/${volume.name}`))).toBe(gibibyte - (offset || 16 * 1024 ** 2));
    expect(Number(await text(`df --output=size -B1 ${volume.mountPoint} | tail -1`))).toBeGreaterThan(before + gibibyte / 2);
    const verdict = await rehearsal.finishSending();
    // Growing takes seconds, and the power is away for some of them.
    expect(verdict.acknowledged).toBeGreaterThan(0);
    expect(isIntact(verdict)).toBe(true);
    expect((await readRecord(rehearsal, handle.runId, 'growVolume')).nodes.find(({ id }) => id === 'prove-growth')?.state).toBe('done');
  });

  it('does not shrink, and says so before anything is changed', async () => {
    const handle = await startRunbook(rehearsal, 'growVolume', { sizeGib: 1 });
    const { questions } = await waitFor(handle, (status) => status.questions.some(({ kind }) => kind === 'parked'));
    expect(questions[0]?.title).toContain('and a volume does not shrink');
    await handle.signal(signalNames.decide, { question: questions[0]?.id, answer: 'rollback', by: 'e2e', reason: 'seen' });
    expect(await handle.result()).toMatchObject({ state: 'stopped' });
  });

  it('is made on a block device once that holds nothing, with a database that begins on it', async () => {
    const { volume: _, ...config } = hostConfig({ firstHourSeconds: 3, daySeconds: 3 }) as { volume: { argon2id: unknown } };
    const { argon2id } = _;
    await rehearsal.guest.putFile({ content: stringify({ ...config, volume: { ...second, file: '/var/lib/unused.img', argon2id } }), to: hostFiles.config, mode: 0o600 });
    await rehearsal.guest.putFile({ content: diskUnit, to: '/etc/systemd/system/second-disk.service' });
    await text(`fallocate -l 400M ${second.file} && systemctl enable second-disk && systemctl start second-disk && mkfs.ext4 -q ${second.device} && sync`);

    const asked: OpenQuestion[] = [];
    const refusals: string[] = [];
    const broken = { power: 0 };
    const handle = await startRunbook(rehearsal, 'setupVolume', { newDeployment: true });
    /** What a person would do about each refusal, one after the other. */
    const remedies = [
      `mkdir -p /mnt/other && mount ${second.device} /mnt/other`,
      `umount /mnt/other && wipefs --all --quiet ${second.device} && echo '${second.device} /mnt/other ext4 noauto 0 0' >>/etc/fstab`,
      `sed -i '\\#${second.device}#d' /etc/fstab`,
      `cd /opt/supersync && docker compose down --volumes --timeout 60 && sed -i /COMPOSE_FILE/d .env && docker volume rm --force supersync_pg-data`,
    ];
    const result = await answerUntilEnd<{ state: string }>(
      { rehearsal, handle },
      async (question, status) => {
        if (question.kind !== 'parked') return keeping(asked)(question, status);
        refusals.push(question.title);
        const remedy = remedies.shift();
        if (remedy === undefined) throw new Error(question.title);
        await text(remedy);
        return { answer: 'retry' };
      },
      async (status) => {
        if (broken.power > 0 || !isRunning(status, 'initialise-database') || (await sh(`test -e ${second.mountPoint}/pgdata/PG_VERSION`)).exitCode !== 0) return;
        broken.power += 1;
        await rehearsal.powerCut();
      },
    );
    expect(refusals).toEqual([
      expect.stringContaining('bears the mark of ext4') as unknown,
      expect.stringContaining('is mounted on /mnt/other') as unknown,
      expect.stringContaining('is named in /etc/fstab') as unknown,
      expect.stringContaining('there is a database already') as unknown,
    ]);
    expect([broken.power, result.state]).toEqual([1, 'succeeded']);
    const gate = asked.find(({ id }) => id === 'set-up');
    expect(gate?.reasonFor).toContain('go');
    expect(Object.fromEntries(gate?.evidence ?? [])['what is there now']).toContain('OLD BYTES');
    expect(asked.filter(({ id }) => id.startsWith('initialise-database.secret'))).toHaveLength(1);

    expect(await opens(second.device, 'operationalPassphrase', 0)).toBe(true);
    expect(await opens(second.device, 'recoveryPassphrase', 1)).toBe(true);
    expect(await text('curl --silent --output /dev/null --write-out "%{http_code}" http://127.0.0.1:1900/health')).toBe('200');
    expect(await text(`docker inspect --format '{{range .Mounts}}{{.Source}}|{{end}}{{.HostConfig.RestartPolicy.Name}}' supersync-postgres`)).toContain(`${second.mountPoint}/pgdata|`);
    expect(await text('docker exec supersync-postgres psql -U supersync -d supersync -Atc "select count(*) from pg_database where datname = current_database()"')).toBe('1');
    expect(await text(`findmnt --noheadings --output SOURCE ${second.mountPoint}`)).toBe(`/dev/mapper/${second.name}`);
  });
});
