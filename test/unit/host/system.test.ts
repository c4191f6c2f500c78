import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { compareSamples, createDiskActivity } from '../../../src/host/disks/diskActivity.js';
import { createKernelLog } from '../../../src/host/kernelLog.js';
import { CommandFailed, createRun, type Run } from '../../../src/host/processes/runner.js';
import { createSystem } from '../../../src/host/system.js';
import { createThroughput } from '../../../src/host/disks/throughput.js';
import { createFakeRun } from '../fakeRun.js';

let root = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'system-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));
const put = async (file: string, text: string) => {
  await mkdir(dirname(join(root, file)), { recursive: true });
  await writeFile(join(root, file), text);
};
const systemWith = (run: Run) => createSystem({ run, procDirectory: join(root, 'proc'), sysDirectory: join(root, 'sys') });

describe('the machine', () => {
  it('is described', async () => {
    await put('proc/cpuinfo', 'processor\t: 0\nflags\t\t: fpu aes sse\n\nprocessor\t: 1\nflags\t\t: fpu aes sse\n');
    await put('proc/loadavg', '3.60 2.28 1.49 1/96 6218\n');
    await put('proc/meminfo', 'MemTotal:       24684084 kB\nMemFree: 1 kB\nMemAvailable:    1000 kB\n');
    const system = systemWith(createFakeRun([]));
    expect(await system.readProcessor()).toEqual({ cpus: 2, aes: true, load: [3.6, 2.28, 1.49] });
    expect(await system.readMemory()).toEqual({ totalBytes: 24684084 * 1024, availableBytes: 1_024_000 });
    await put('proc/cpuinfo', 'processor\t: 0\nflags\t\t: fpu vaesni_not sse\n');
    expect(await system.readProcessor()).toMatchObject({ cpus: 1, aes: false });
  });

  it('is this one when nothing else is named', async () => {
    const system = createSystem({ run: createRun() });
    expect((await system.readBootId()).bootId).toMatch(/^[0-9a-f-]{36}$/);
    expect((await system.readProcessor()).cpus).toBeGreaterThan(0);
    expect((await system.readMemory()).availableBytes).toBeGreaterThan(0);
  });
});

describe('dm-crypt', () => {
  const noContainer = { file: 'systemd-detect-virt', args: ['--container'], answer: { stdout: 'none\n', exitCode: 1 } };
  const modprobe = (exitCode: number) => ({ file: 'modprobe', args: (args: readonly string[]) => args[0] === '--dry-run', answer: { exitCode } });
  beforeEach(() => put('proc/sys/kernel/osrelease', '6.1.0\n'));

  it('is there when its module is loaded, or could be', async () => {
    await put('sys/module/dm_mod/x', '');
    expect(await systemWith(createFakeRun([noContainer, modprobe(0)])).readDmCryptSupport()).toEqual({ deviceMapper: true, dmCrypt: true });
  });

  it('is missing from the kernel', async () => {
    const support = await systemWith(createFakeRun([noContainer, modprobe(1)])).readDmCryptSupport();
    expect(support).toMatchObject({ deviceMapper: false, dmCrypt: false });
    expect(support.cause).toContain('kernel 6.1.0 has no device-mapper and dm-crypt');
  });

  it('is told of on hosts without systemd or modules', async () => {
    await put('sys/module/dm_mod/x', '');
    const bare: Run = (program) => Promise.reject(new CommandFailed(program, undefined, 'is not installed on this host', { stdout: '', stderr: '' }));
    expect(await systemWith(bare).readDmCryptSupport()).toEqual({ deviceMapper: true, dmCrypt: false, cause: expect.stringContaining('no dm-crypt') as string });
  });

  it('is missing because the host is an OpenVZ container', async () => {
    await put('proc/vz/version', '');
    const support = await systemWith(createFakeRun([modprobe(1)])).readDmCryptSupport();
    expect(support.container).toBe('openvz');
    expect(support.cause).toContain('the host is a container (openvz)');
  });
});

describe('the kernel log', () => {
  const since = new Date('2026-11-24T07:05:00Z');
  const sinceArgs = ['--dmesg', '--quiet', '--no-pager', '--output=short-iso', `--since=@${since.getTime() / 1000}`];

  it('yields errors of disks and filesystems since a moment, from the ring buffer where the journal has none', async () => {
    const dmesg = [
      '2026-11-24T07:00:00,000000+00:00 blk_update_request: I/O error, dev sda, sector 1',
      '2026-11-24T07:05:29,906309+00:00 EXT4-fs (loop0): mounted filesystem with ordered data mode',
      '2026-11-24T07:05:30,000001+00:00 Buffer I/O error on dev dm-0, logical block 5, lost async page write',
      '2026-11-24T07:05:31,000001+00:00 EXT4-fs error (device dm-0): ext4_find_entry:1455: inode #2: comm postgres: reading directory lblock 0',
    ];
    const run = createFakeRun([
      { file: 'journalctl', args: sinceArgs },
      { file: 'dmesg', args: ['--time-format', 'iso', '--nopager'], answer: dmesg.join('\n') },
    ]);
    const { ioErrors: errors } = await createKernelLog({ run }).read({ since });
    expect(errors.map(({ at }) => at)).toEqual(['2026-11-24T07:05:30.000Z', '2026-11-24T07:05:31.000Z']);
    expect(errors[0]?.message).toContain('Buffer I/O error on dev dm-0');
  });

  it('prefers the journal, which survives a reboot', async () => {
    const answer = '2026-11-24T09:05:30+0200 db1 kernel: loop: Write error at byte offset 5, length 4096.\n';
    const run = createFakeRun([{ file: 'journalctl', args: sinceArgs, answer }]);
    expect((await createKernelLog({ run }).read({ since })).ioErrors).toEqual([
      { at: '2026-11-24T07:05:30.000Z', message: 'loop: Write error at byte offset 5, length 4096.' },
    ]);
  });

  it('does without a journal', async () => {
    const run = createFakeRun([
      { file: 'journalctl', args: sinceArgs, answer: { exitCode: 1 } },
      { file: 'dmesg', args: () => true, answer: '' },
    ]);
    expect((await createKernelLog({ run }).read({ since })).ioErrors).toEqual([]);
  });
});

describe('disk activity', () => {
  it('is read for one device by its number', async () => {
    await put('proc/stat', 'cpu  100 0 50 800 50 0 0 0 0 0\ncpu0 1 1 1 1\n');
    await put('proc/diskstats', ' 253       0 dm-0 10 0 2048 100 20 0 4096 300 0 250 400 0 0 0 0 0 0\n 254       0 vda 1 0 1 1 1 0 1 1 0 1 1 0 0 0 0 0 0\n');
    const activity = createDiskActivity({ procDirectory: join(root, 'proc') });
    expect(await activity.readSample({ deviceNumber: '253:0' })).toMatchObject({
      totalTicks: 1000,
      ioWaitTicks: 50,
      idleTicks: 800,
      disk: { readBytes: 1048576, writtenBytes: 2097152, requests: 30, requestMilliseconds: 400, busyMilliseconds: 250 },
    });
    expect((await activity.readSample({ deviceNumber: '9:9' })).disk).toBeUndefined();
    expect((await activity.measure({ seconds: 0.01 })).ioWaitPercent).toBe(0);
  });

  it('is the difference of two samples', () => {
    const disk = { readBytes: 0, writtenBytes: 0, requests: 0, requestMilliseconds: 0, busyMilliseconds: 0 };
    const before = { atMilliseconds: 0, totalTicks: 1000, ioWaitTicks: 100, idleTicks: 600, disk };
    const after = {
      atMilliseconds: 2000,
      totalTicks: 1400,
      ioWaitTicks: 120,
      idleTicks: 880,
      disk: { readBytes: 4000, writtenBytes: 2000, requests: 10, requestMilliseconds: 55, busyMilliseconds: 500 },
    };
    expect(compareSamples(before, after)).toEqual({
      seconds: 2,
      ioWaitPercent: 5,
      processorPercent: 25,
      disk: { readBytesPerSecond: 2000, writtenBytesPerSecond: 1000, busyPercent: 25, averageRequestMilliseconds: 5.5 },
    });
    expect(compareSamples(before, { ...before, atMilliseconds: 1 }).disk?.averageRequestMilliseconds).toBe(0);
  });
});

describe('throughput', () => {
  it('is measured, and its probe removed', async () => {
    await put('file', 'x'.repeat(3 * 1024 * 1024));
    const throughput = createThroughput({ run: createRun() });
    expect(await throughput.readRate({ file: join(root, 'file'), sizeBytes: 2 * 1024 * 1024 })).toMatchObject({ sizeBytes: 2 * 1024 * 1024 });
    const written = await throughput.writeRate({ directory: root, sizeBytes: 2 * 1024 * 1024 });
    expect(written.bytesPerSecond).toBeGreaterThan(0);
    await expect(rm(join(root, '.lockstep-throughput-probe'))).rejects.toThrow(/ENOENT/);
  });

  it('says when it could not pass by the page cache', async () => {
    const run = createFakeRun([
      { file: 'dd', args: (args) => args.includes('iflag=direct'), answer: { exitCode: 1, stderr: "dd: failed to open '/f': Invalid argument\n" } },
      { file: 'dd', args: () => true, answer: { stderr: '8+0 records in\n8+0 records out\n8388608 bytes (8.4 MB, 8.0 MiB) copied, 0.5 s, 17 MB/s\n' } },
    ]);
    expect(await createThroughput({ run }).readRate({ file: '/f', sizeBytes: 8388608 })).toEqual({
      bytesPerSecond: 16777216,
      sizeBytes: 8388608,
      direct: false,
    });
  });
});
