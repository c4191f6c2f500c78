import { mkdir, realpath, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createBlockDevices } from '../../../../src/host/disks/blockDevices.js';
import { readStorageProtection } from '../../../../src/host/disks/storageProtection.js';
import { withDirectory } from '../../needsRoot.js';

/** A sysfs of devices that stand on others, and the mount in which the file lies. */
async function read(directory: string, mount: { readonly type: string; readonly deviceNumber: string }, devices: Readonly<Record<string, { readonly number: string; readonly uuid?: string; readonly on?: readonly string[] }>> = {}) {
  const file = join(directory, 'secret');
  await writeFile(file, '');
  await mkdir(join(directory, 'dev/block'), { recursive: true });
  for (const [name, { number, uuid, on = [] }] of Object.entries(devices)) {
    const own = join(directory, 'devices', name);
    await mkdir(join(own, 'slaves'), { recursive: true });
    await writeFile(join(own, 'dev'), `${number}\n`);
    await symlink(own, join(directory, 'dev/block', number));
    if (uuid !== undefined) {
      await mkdir(join(own, 'dm'));
      await writeFile(join(own, 'dm/uuid'), `${uuid}\n`);
    }
    for (const below of on) await symlink(join(directory, 'devices', below), join(own, 'slaves', below));
  }
  return readStorageProtection({
    path: file,
    mounts: { readMountUnder: async ({ path }) => (expect(path).toBe(await realpath(file)), { mountPoint: '/', root: '/', source: 'none', options: [], ...mount }) },
    blockDevices: createBlockDevices({ sysDirectory: directory }),
  });
}

test.each(['tmpfs', 'ramfs'])('a file in a %s is on no disk', (type) =>
  withDirectory(async (directory) => {
    expect(await read(directory, { type, deviceNumber: '0:30' })).toBe('memory');
  }),
);

test.each([
  ['on a plain disk', { sda: { number: '8:0' } }, '8:0', 'none'],
  ['on LUKS', { 'dm-0': { number: '253:0', uuid: 'CRYPT-LUKS2-aa-root', on: ['sda'] }, sda: { number: '8:0' } }, '253:0', 'dm-crypt'],
  ['on LVM on LUKS', { 'dm-1': { number: '253:1', uuid: 'LVM-x', on: ['dm-0'] }, 'dm-0': { number: '253:0', uuid: 'CRYPT-LUKS2-aa-root' } }, '253:1', 'dm-crypt'],
  ['on LVM', { 'dm-1': { number: '253:1', uuid: 'LVM-x', on: ['sda'] }, sda: { number: '8:0' } }, '253:1', 'none'],
  ['on a mirror of which one half is encrypted', { md0: { number: '9:0', on: ['dm-0', 'sda'] }, 'dm-0': { number: '253:0', uuid: 'CRYPT-LUKS2-aa-root' }, sda: { number: '8:0' } }, '9:0', 'none'],
  ['on a mirror of two encrypted halves', { md0: { number: '9:0', on: ['dm-0', 'dm-1'] }, 'dm-0': { number: '253:0', uuid: 'CRYPT-LUKS2-aa' }, 'dm-1': { number: '253:1', uuid: 'CRYPT-LUKS2-bb' } }, '9:0', 'dm-crypt'],
  ['on a filesystem without a device', {}, '0:45', 'none'],
] as const)('a file %s', (_, devices, deviceNumber, protection) =>
  withDirectory(async (directory) => {
    expect(await read(directory, { type: 'ext4', deviceNumber }, devices)).toBe(protection);
  }),
);

test('a file that is not there is said not to be', () =>
  withDirectory(async (directory) => {
    const mounts = { readMountUnder: () => Promise.reject(new Error('not reached')) };
    await expect(readStorageProtection({ path: join(directory, 'none'), mounts, blockDevices: createBlockDevices() })).rejects.toThrow('ENOENT');
  }));
