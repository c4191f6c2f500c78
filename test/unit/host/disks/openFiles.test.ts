import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toDeviceNumber } from '../../../../src/host/disks/deviceNumber.js';
import { createOpenFiles, findFilesElsewhere } from '../../../../src/host/disks/openFiles.js';

const holder = `
  const fs = require('node:fs');
  const { spawn } = require('node:child_process');
  const [directory] = process.argv.slice(1);
  process.chdir(directory);
  fs.openSync('written', 'w');
  fs.openSync('written', 'r');
  fs.openSync('removed', 'w');
  fs.unlinkSync('removed');
  fs.openSync('/dev/shm/lockstep-test-' + process.pid, 'w');
  fs.unlinkSync('/dev/shm/lockstep-test-' + process.pid);
  spawn('sleep', ['60'], { stdio: 'inherit' });
  console.log('ready');
  setInterval(() => {}, 1000);
`;

describe('open files of processes', () => {
  const openFiles = createOpenFiles();
  let directory = '';
  let child: ChildProcess;
  let pid = 0;
  let descendants: readonly number[] = [];

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'open-'));
    child = spawn(process.execPath, ['-e', holder, directory], { stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise((resolve) => child.stdout?.once('data', resolve));
    pid = child.pid ?? 0;
    descendants = await openFiles.readProcessTree({ pid });
  });
  afterAll(async () => {
    for (const each of [...descendants].reverse()) process.kill(each, 'SIGKILL');
    await rm(directory, { recursive: true, force: true });
  });

  it('are those of the process and of what it started', () => {
    expect(descendants).toHaveLength(2);
    expect(descendants[0]).toBe(pid);
  });

  it('are told apart by kind, device and access', async () => {
    const files = await openFiles.readOpenFiles({ pids: [pid] });
    const deviceNumber = toDeviceNumber((await stat(directory, { bigint: true })).dev);
    const find = (name: string) => files.filter((file) => file.path === join(directory, name) && file.via === 'descriptor');
    expect(find('written')).toEqual([
      expect.objectContaining({ kind: 'file', deleted: false, deviceNumber, writable: true }),
      expect.objectContaining({ kind: 'file', writable: false }),
    ]);
    expect(find('removed')).toEqual([expect.objectContaining({ kind: 'file', deleted: true, deviceNumber })]);
    expect(files).toContainEqual(expect.objectContaining({ via: 'workingDirectory', kind: 'directory', path: directory }));
    expect(files).toContainEqual(expect.objectContaining({ kind: 'sharedMemory', deleted: true }));
    expect(files).toContainEqual(expect.objectContaining({ via: 'mapping', kind: 'file', path: process.execPath, writable: false }));
    expect(files.filter((file) => file.kind === 'file' && file.path.startsWith('/dev/shm'))).toEqual([]);
  });

  it('that lie elsewhere are named, programs and libraries left out', async () => {
    const files = await openFiles.readOpenFiles({ pids: [pid] });
    const deviceNumber = toDeviceNumber((await stat(directory, { bigint: true })).dev);
    expect(findFilesElsewhere({ files, deviceNumber })).toEqual([]);
    const elsewhere = findFilesElsewhere({ files, deviceNumber: '999:0' });
    expect(new Set(elsewhere.map((file) => file.path))).toEqual(new Set([directory, join(directory, 'written'), join(directory, 'removed')]));
  });

  it('of a process that has ended are none', async () => {
    const ended = spawn('true');
    await new Promise((resolve) => ended.once('exit', resolve));
    expect(await openFiles.readOpenFiles({ pids: [ended.pid ?? 0] })).toEqual([]);
    expect(await openFiles.readProcessTree({ pid: ended.pid ?? 0 })).toEqual([]);
  });
});

describe('a device number', () => {
  it('is decoded beyond 255', () => {
    expect(toDeviceNumber(0xfe00n)).toBe('254:0');
    expect(toDeviceNumber(0x10_3103n + 0n)).toBe('49:259');
    expect(toDeviceNumber(64768n)).toBe('253:0');
  });
});
