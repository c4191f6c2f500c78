import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { stepActivities } from '../../../../src/activities/activities.js';
import { assertDeviceEmpty } from '../../../../src/activities/volume/emptyDevice.js';
import { keepOwnVolume } from '../../../../src/activities/volume/ownVolume.js';
import { createHostTools } from '../../../../src/host/tools.js';
import { createRun, type Run } from '../../../../src/host/processes/runner.js';
import { createAttempt } from '../attempt.js';
import { withLoopDevice } from '../../host/disks/loopForTest.js';

const mebibyte = 1024 * 1024;
const real = createRun();

/** Spares cryptsetup the seconds in which it measures the machine. */
const quickRun: Run = (file, args, options) => {
  const at = args.indexOf('--iter-time');
  return real(file, at < 0 ? args : [...args.slice(0, at), '--pbkdf-force-iterations', '4', ...args.slice(at + 2)], options);
};
const hostTools = createHostTools({ run: quickRun, signal: new AbortController().signal, controlGroup: undefined, onFailure: () => undefined });

/** A partition of 4 MiB at 1 MiB, as fdisk writes it into the first sector. */
function partitionTable(): Buffer {
  const sector = Buffer.alloc(512);
  sector.writeUInt8(0x83, 450);
  sector.writeUInt32LE(2048, 454);
  sector.writeUInt32LE(8192, 458);
  sector.writeUInt16BE(0x55aa, 510);
  return sector;
}

function attemptOn(device: string, directory: string, passphrase = 'eight words that nobody knows') {
  const argon2id = { memoryKiB: 32, minimumMemoryKiB: 32, parallel: 1, iterationMilliseconds: 100 };
  return {
    ...createAttempt({ directory, config: { stateDirectory: directory, volume: { name: 'unit-volume', device, argon2id } }, tools: hostTools }),
    secret: (name: string) => Promise.resolve(Buffer.from(name === 'operationalPassphrase' ? passphrase : 'another')),
  };
}

test('an empty device is taken, and each use of it is named', () =>
  withLoopDevice(32 * mebibyte, async (device, directory) => {
    const attempt = attemptOn(device, directory);
    expect(await assertDeviceEmpty(attempt, device)).toMatchObject({ sizeBytes: 32 * mebibyte });
    execFileSync('mkfs.ext4', ['-q', device]);
    await expect(assertDeviceEmpty(attempt, device)).rejects.toThrow(/bears the mark of ext4 at byte 1080; nothing is written to it/);
    execFileSync('mount', [device, '--target', directory]);
    await expect(assertDeviceEmpty(attempt, device)).rejects.toThrow(`is mounted on ${directory}; it bears the mark of ext4`);
    execFileSync('umount', [directory]);
    execFileSync('wipefs', ['--all', '--quiet', device]);
    execFileSync('blockdev', ['--setro', device]);
    await expect(assertDeviceEmpty(attempt, device)).rejects.toThrow(/is read-only/);
    execFileSync('blockdev', ['--setrw', device]);
    await writeFile(device, partitionTable());
    await expect(assertDeviceEmpty(attempt, device)).rejects.toThrow(/bears the mark of dos at byte 510/);
    await expect(assertDeviceEmpty(attempt, `${device}-none`)).rejects.toThrow(/does not exist; make it/);
  }));

test('a header that a killed format of this run left on the device is made anew; one of somebody else is not touched', () =>
  withLoopDevice(32 * mebibyte, async (device, directory) => {
    const killed = attemptOn(device, directory, 'what was typed before the worker died');
    await keepOwnVolume(killed, { path: device, sizeBytes: 32 * mebibyte });
    const first = await stepActivities.formatVolume.perform(killed, undefined);

    const attempt = attemptOn(device, directory);
    expect((await stepActivities.formatVolume.perform(killed, undefined)).uuid).toBe(first.uuid);
    const second = await stepActivities.formatVolume.perform(attempt, undefined);
    expect(second.uuid).not.toBe(first.uuid);
    expect(await hostTools.cryptsetup.testPassphrase({ device, passphrase: 'eight words that nobody knows', slot: 0 })).toMatchObject({ matches: true });

    execFileSync('cryptsetup', ['config', '--label', 'of-another', device]);
    const before = (await readFile(device)).subarray(0, mebibyte);
    await expect(stepActivities.formatVolume.perform(killed, undefined)).rejects.toThrow(/labelled "of-another", which this run did not write/);
    expect((await readFile(device)).subarray(0, mebibyte).equals(before)).toBe(true);
  }));

test('a device that somebody took while the passphrase was typed is not formatted', () =>
  withLoopDevice(32 * mebibyte, async (device, directory) => {
    const attempt = attemptOn(device, directory);
    await keepOwnVolume(attempt, { path: device, sizeBytes: 32 * mebibyte });
    execFileSync('mkswap', [device], { stdio: 'ignore' });
    await expect(stepActivities.formatVolume.perform(attempt, undefined)).rejects.toThrow(/bears the mark of swap/);
  }));

test('half a header of this run is cleared, as a power cut in its write leaves it', () =>
  withLoopDevice(32 * mebibyte, async (device, directory) => {
    const attempt = attemptOn(device, directory);
    await keepOwnVolume(attempt, { path: device, sizeBytes: 32 * mebibyte });
    await stepActivities.formatVolume.perform(attempt, undefined);
    // The second header is gone, and the first one's check sum is wrong.
    for (const at of ['--seek=4', '--seek=1']) execFileSync('dd', ['if=/dev/urandom', `of=${device}`, 'bs=4096', 'count=1', at.slice(2), 'conv=notrunc', 'status=none']);
    expect((await hostTools.cryptsetup.isLuks({ device })).isLuks).toBe(false);
    const made = await stepActivities.formatVolume.perform(attempt, undefined);
    expect(made.slots).toHaveLength(1);
  }));
