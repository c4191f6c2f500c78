import { appendFile, link, lstat, mkdir, mkdtemp, readFile, rm, stat, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PermanentFailure } from '../../../../src/contract/errors.js';
import { createRsync, type CopyProgress, type TargetContent } from '../../../../src/host/files/rsync.js';
import { parseProgress, parseStatistics } from '../../../../src/host/files/rsyncOutput.js';
import { createRun } from '../../../../src/host/processes/runner.js';
import { createFakeRun } from '../../fakeRun.js';

describe('a copy', () => {
  const rsync = createRsync({ run: createRun() });
  let root = '';
  let source = '';
  let target = '';
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'rsync-'));
    [source, target] = [join(root, 'a source'), join(root, 'target')];
    await mkdir(join(source, 'base'), { recursive: true });
    await mkdir(target);
    await writeFile(join(source, 'base/1'), 'x'.repeat(3_000_000));
    await link(join(source, 'base/1'), join(source, 'base/2'));
    await symlink('base/1', join(source, 'current'));
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  it('keeps links and times, reports progress and figures', async () => {
    const seen: CopyProgress[] = [];
    const result = await rsync.copy({ source, target, onProgress: (progress) => seen.push(progress) });
    expect(result).toMatchObject({ regularFiles: 2, transferredFiles: 1, literalBytes: 3_000_000, totalBytes: 6_000_006, deletedFiles: 0, vanished: false });
    expect(seen.at(-1)?.bytes).toBe(3_000_000);
    const [first, second] = [await stat(join(target, 'base/1'), { bigint: true }), await stat(join(target, 'base/2'), { bigint: true })];
    expect(second.ino).toBe(first.ino);
    expect(first.mtimeNs).toBe((await stat(join(source, 'base/1'), { bigint: true })).mtimeNs);
    expect((await lstat(join(target, 'current'))).isSymbolicLink()).toBe(true);
  });

  it('copies nothing twice, and sees differences without mending them', async () => {
    await rsync.copy({ source, target });
    expect(await rsync.copy({ source, target })).toMatchObject({ transferredFiles: 0 });
    await appendFile(join(source, 'base/1'), '!');
    await writeFile(join(target, 'extra'), '');
    const differences = await rsync.readDifferences({ source, target });
    expect(differences.first.some((line) => line.endsWith('base/1'))).toBe(true);
    expect(differences.first.some((line) => /deleting\s+extra/.test(line))).toBe(true);
    expect((await stat(join(target, 'base/1'))).size).toBe(3_000_000);
    expect(await rsync.copy({ source, target })).toMatchObject({ transferredFiles: 1, deletedFiles: 1 });
    expect(await rsync.readDifferences({ source, target })).toEqual({ count: 0, first: [] });
  });

  it('sees a second write within the same second', async () => {
    const second = new Date('2025-03-01T12:00:00.000Z');
    await utimes(join(source, 'base/1'), second, second);
    await rsync.copy({ source, target });
    await writeFile(join(source, 'base/1'), 'y'.repeat(3_000_000));
    const later = new Date(second.getTime() + 4);
    await utimes(join(source, 'base/1'), later, later);
    await rsync.copy({ source, target });
    expect((await readFile(join(target, 'base/1'), 'utf8')).startsWith('y')).toBe(true);
  });

  it('by content mends what size and time hide', async () => {
    await rsync.copy({ source, target });
    const { atime, mtime } = await stat(join(source, 'base/1'));
    await writeFile(join(target, 'base/1'), 'z'.repeat(3_000_000));
    await utimes(join(target, 'base/1'), atime, mtime);
    await utimes(join(source, 'base/1'), atime, mtime);
    expect((await rsync.copy({ source, target })).transferredFiles).toBe(0);
    expect((await rsync.copy({ source, target, checksum: true })).transferredFiles).toBe(1);
    expect(await readFile(join(target, 'base/1'), 'utf8')).toBe('x'.repeat(3_000_000));
  });

  it('that was killed in an empty target goes on where its last file ends', async () => {
    const content = 'x'.repeat(3_000_000);
    await writeFile(join(source, 'base/3'), content);
    // As a copy in place leaves them: a whole file, one that lacks its time only, and one that is cut off.
    await rsync.copy({ source, target, holds: 'nothing' });
    await writeFile(join(target, 'base/1'), content);
    await truncate(join(target, 'base/3'), 1_000_000);
    const result = await rsync.copy({ source, target, holds: 'part of this copy' });
    expect(result).toMatchObject({ literalBytes: 3_000_000 + 2_000_000, totalBytes: 9_000_006, transferredFiles: 2 });
    expect(await readFile(join(target, 'base/3'), 'utf8')).toBe(content);
    expect(await rsync.readDifferences({ source, target })).toEqual({ count: 0, first: [] });
  });

  it('leaves what is excluded, on both sides', async () => {
    await writeFile(join(target, '.sentinel'), 'kept');
    await writeFile(join(source, 'postmaster.pid'), '1');
    await rsync.copy({ source, target, exclude: ['.sentinel', 'postmaster.pid'] });
    expect(await readFile(join(target, '.sentinel'), 'utf8')).toBe('kept');
    await expect(stat(join(target, 'postmaster.pid'))).rejects.toThrow(/ENOENT/);
  });

  it('without a source fails', async () => {
    await expect(rsync.copy({ source: join(root, 'absent'), target })).rejects.toThrow(/rsync 23/);
  });
});

describe('how a copy fails', () => {
  const version = { file: 'rsync', args: ['--version'], answer: 'Capabilities:\n  no ACLs, xattrs, no crtimes\n' };
  const statistics = [
    'Number of files: 1,007 (reg: 1,004, dir: 2, link: 1)',
    'Number of deleted files: 3',
    'Number of regular files transferred: 1,003',
    'Total file size: 80,000,005 bytes',
    'Literal data: 60,000,000 bytes',
  ];
  const copyWith = (exitCode: number, stderr = '') => {
    const run = createFakeRun([version, { file: 'rsync', args: (args) => args.includes('--stats'), answer: { exitCode, stderr, stdout: statistics.join('\n') } }]);
    return { run, rsync: createRsync({ run }) };
  };
  const request = { source: '/s', target: '/t' };

  it('asks only for what this rsync was built with, and for nothing that makes holes or writes in place', async () => {
    const { run, rsync } = copyWith(0);
    await rsync.copy(request);
    const args = run.calls[1]?.args ?? [];
    expect(args).toEqual(expect.arrayContaining(['--xattrs', '--hard-links', '--delete', '--modify-window=-1', '/s/', '/t/']));
    for (const unwanted of ['--acls', '--sparse', '--inplace', '--append', '--checksum']) expect(args).not.toContain(unwanted);
  });

  it('writes in place into nothing, and trusts a file\'s beginning only where it is its own', async () => {
    const argsWith = async (holds: TargetContent) => {
      const { run, rsync } = copyWith(0);
      await rsync.copy({ ...request, holds });
      return run.calls.flatMap(({ args }) => args.filter((arg) => ['--inplace', '--append', '--whole-file'].includes(arg)));
    };
    expect(await argsWith('anything')).toEqual(['--whole-file']);
    expect(await argsWith('nothing')).toEqual(['--whole-file', '--inplace']);
    expect(await argsWith('part of this copy')).toEqual(['--append', '--whole-file']);
  });

  it('takes vanished files as normal only from a source in use', async () => {
    expect(await copyWith(24).rsync.copy({ ...request, liveSource: true })).toMatchObject({ vanished: true, files: 1007, regularFiles: 1004, deletedFiles: 3 });
    await expect(copyWith(24).rsync.copy(request)).rejects.toThrow(/vanished from \/s/);
    await expect(copyWith(23).rsync.copy({ ...request, liveSource: true })).rejects.toThrow(/not complete/);
  });

  it('says when the target is full', async () => {
    await expect(copyWith(11, 'rsync: write failed on "/t/x": No space left on device (28)').rsync.copy(request)).rejects.toThrow(PermanentFailure);
  });

  it.each([
    [23, 'rsync: [receiver] mkstemp "/t/base/.1.x" failed: Read-only file system (30)', /^\/t is read-only.*remount,rw.*retry; or roll back$/],
    [23, 'rsync: [sender] read errors mapping "/s/base/1": Input/output error (5)', /^\/s\/base\/1 could not be copied: input\/output error; .*dmesg.*retry/],
    [23, 'rsync: [sender] readlink_stat("/s/base/1") failed: Structure needs cleaning (117)', /^\/s\/base\/1 could not be copied: structure needs cleaning/],
  ])('parks at what only a person can mend (%i, %s)', async (exitCode, stderr, message) => {
    const failure = await copyWith(exitCode, stderr).rsync.copy(request).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(PermanentFailure);
    expect(failure).toMatchObject({ message: expect.stringMatching(message) as unknown });
  });

  it('names the first file that could not be copied, and why', async () => {
    const stderr = 'rsync: [sender] send_files failed to open "/s/base/1": Permission denied (13)\nrsync error: some files (code 23)';
    await expect(copyWith(23, stderr).rsync.copy(request)).rejects.toThrow('part of /s could not be copied to /t: /s/base/1: Permission denied (rsync 23)');
  });

  it('does not take an end without figures for success', () => {
    expect(() => parseStatistics(statistics.slice(0, 3))).toThrow(/Total file size/);
  });

  it('reads progress', () => {
    expect(parseProgress('       21343488  26%   19.54MB/s    0:01:02  ')).toEqual({ bytes: 21343488, percent: 26, bytesPerSecond: 19540000, etaSeconds: 62 });
    expect(parseProgress('Total file size: 5 bytes')).toBeUndefined();
  });
});
