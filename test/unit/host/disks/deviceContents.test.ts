import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { PermanentFailure } from '../../../../src/contract/errors.js';
import { createBlockDevices } from '../../../../src/host/disks/blockDevices.js';
import { createDeviceContents } from '../../../../src/host/disks/deviceContents.js';
import { readTablesNaming } from '../../../../src/host/disks/deviceTables.js';
import { createRun } from '../../../../src/host/processes/runner.js';
import { createFakeRun } from '../../fakeRun.js';
import { withDirectory } from '../../needsRoot.js';
import { withLoopDevice } from './loopForTest.js';

const mebibyte = 1024 * 1024;
const contents = createDeviceContents({ run: createRun() });
const devices = createBlockDevices();

test('an empty device bears no mark, and a filesystem on it is seen', () =>
  withLoopDevice(32 * mebibyte, async (device) => {
    expect(await contents.readSignatures({ device })).toEqual([]);
    execFileSync('mkfs.ext4', ['-q', device]);
    expect(await contents.readSignatures({ device })).toEqual([{ type: 'ext4', offsetBytes: 0x438 }]);
  }));

test('a version of wipefs that prints nothing for none has seen none', async () => {
  const silent = createDeviceContents({ run: createFakeRun([{ file: 'wipefs', args: ['--no-act', '--json', '/dev/x'], answer: '' }]) });
  expect(await silent.readSignatures({ device: '/dev/x' })).toEqual([]);
});

test('old bytes without a mark are found as far as is asked, and cleared as far', () =>
  withLoopDevice(8 * mebibyte, async (device) => {
    expect(await contents.hasBytes({ device, lengthBytes: 16 * mebibyte })).toBe(false);
    execFileSync('dd', ['if=/dev/urandom', `of=${device}`, 'bs=512', 'count=1', 'seek=8190', 'status=none']);
    expect(await contents.hasBytes({ device, lengthBytes: 3 * mebibyte })).toBe(false);
    expect(await contents.hasBytes({ device, lengthBytes: 4 * mebibyte })).toBe(true);
    await contents.clearBeginning({ device, lengthBytes: 4 * mebibyte });
    expect(await contents.hasBytes({ device, lengthBytes: 8 * mebibyte })).toBe(false);
  }));

test('a mounted device is held, with its size and number as the kernel has them', () =>
  withLoopDevice(32 * mebibyte, async (device, directory) => {
    execFileSync('mkfs.ext4', ['-q', device]);
    expect(await contents.isHeld({ device })).toBe(false);
    execFileSync('mount', [device, '--target', directory]);
    try {
      expect(await contents.isHeld({ device })).toBe(true);
      await expect(contents.clearBeginning({ device, lengthBytes: mebibyte })).rejects.toThrow(/EBUSY/);
    } finally {
      execFileSync('umount', [directory]);
    }
    expect(await devices.readDevice({ device })).toMatchObject({ sizeBytes: 32 * mebibyte, isReadOnly: false, holders: [], partitions: [], deviceNumber: expect.stringMatching(/^7:/) as unknown });
  }));

test('what is no block device is refused, and what is not there is nothing', () =>
  withDirectory(async (directory) => {
    await writeFile(join(directory, 'file'), '');
    await expect(devices.readDevice({ device: join(directory, 'file') })).rejects.toThrow(PermanentFailure);
    expect(await devices.readDevice({ device: join(directory, 'none') })).toBeUndefined();
  }));

test('a device that is named in fstab or crypttab is known by its path, a link to it, or a tag', () =>
  withLoopDevice(mebibyte, async (device, directory) => {
    const found = await devices.readDevice({ device });
    const deviceNumber = found?.deviceNumber ?? '';
    const naming = async (fstab: string, crypttab = '') => {
      await writeFile(join(directory, 'fstab'), fstab);
      await writeFile(join(directory, 'crypttab'), crypttab);
      return readTablesNaming({ deviceNumber, etcDirectory: directory, deviceDirectory: join(directory, 'dev') });
    };
    execFileSync('mkdir', ['-p', join(directory, 'dev/disk/by-partuuid')]);
    execFileSync('ln', ['-s', device, join(directory, 'dev/disk/by-partuuid/ab-1')]);
    execFileSync('ln', ['-s', device, join(directory, 'by hand')]);
    expect(await naming(`# ${device} /x ext4\nproc /proc proc\nUUID=none /y ext4\n/dev/null /z none\n`)).toEqual([]);
    expect(await naming(`${device} /x ext4 noauto 0 0\n`)).toEqual([join(directory, 'fstab')]);
    expect(await naming('PARTUUID="ab-1" /x ext4\n')).toEqual([join(directory, 'fstab')]);
    expect(await naming(`${join(directory, 'by\\040hand')} /x ext4\n`)).toEqual([join(directory, 'fstab')]);
    expect(await naming('', `name ${device} none luks\n`)).toEqual([join(directory, 'crypttab')]);
  }));
