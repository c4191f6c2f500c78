import { mkdir, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createBlockDevices } from '../../../../src/host/disks/blockDevices.js';
import { toDeviceNumber } from '../../../../src/host/disks/deviceNumber.js';
import { withDirectory } from '../../needsRoot.js';

/** A sysfs with a mapping on a loop device, whose file lies on a partition of a disk. */
async function sysfs(directory: string): Promise<void> {
  const backing = join(directory, 'volume.img');
  await writeFile(backing, '');
  const ofFile = toDeviceNumber((await stat(backing, { bigint: true })).dev);
  const devices: Readonly<Record<string, string>> = { 'dm-0': '253:0', loop0: '7:0', sda: '8:0', 'sda/sda2': ofFile, sdb: '8:16' };
  await mkdir(join(directory, 'dev/block'), { recursive: true });
  await mkdir(join(directory, 'block'), { recursive: true });
  for (const [path, number] of Object.entries(devices)) {
    const own = join(directory, 'devices', path);
    await mkdir(own, { recursive: true });
    await writeFile(join(own, 'dev'), `${number}\n`);
    await symlink(own, join(directory, 'dev/block', number));
    if (!path.includes('/')) await symlink(own, join(directory, 'block', path));
  }
  await mkdir(join(directory, 'devices/dm-0/slaves'));
  await symlink(join(directory, 'devices/loop0'), join(directory, 'devices/dm-0/slaves/loop0'));
  await mkdir(join(directory, 'devices/loop0/loop'));
  await writeFile(join(directory, 'devices/loop0/loop/backing_file'), `${backing}\n`);
  await writeFile(join(directory, 'devices/sda/sda2/partition'), '2\n');
}

test('a mapped volume is named with all that it stands on, down to the disk', () =>
  withDirectory(async (directory) => {
    await sysfs(directory);
    const devices = createBlockDevices({ sysDirectory: directory });
    expect(await devices.readNamesBelow({ deviceNumber: '253:0' })).toEqual(['dm-0', 'loop0', 'sda2', 'sda']);
    expect([...(await devices.readNames())].sort()).toEqual(['dm-0', 'loop0', 'sda', 'sdb']);
    // A network's filesystem has no device.
    expect(await devices.readNamesBelow({ deviceNumber: '0:45' })).toEqual([]);
  }));
