import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findPassphrasesInTheClear } from '../../../../src/activities/source/passphrasePlaces.js';
import { configSchema } from '../../../../src/config/schema.js';

type ReadProtection = Parameters<typeof findPassphrasesInTheClear>[1];
const find = (secrets: object, readProtection?: ReadProtection) => findPassphrasesInTheClear(configSchema.parse({ host: 'db1', secrets }), readProtection);

test('a passphrase beside its volume in the clear is told, with where it is', async () => {
  const secrets = { operationalPassphrase: 'file:/etc/lockstep/operational', recoveryPassphrase: 'file:/mnt/pg-data-encrypted/recovery' };
  expect(await find(secrets, () => Promise.resolve('none'))).toEqual([
    'operationalPassphrase is kept in /etc/lockstep/operational, on a disk that is not shown to be encrypted: whoever takes the disk can open the volume',
    'recoveryPassphrase is kept in /mnt/pg-data-encrypted/recovery, on the volume that it opens: closed, nobody can read it',
  ]);
  expect(await find({ operationalPassphrase: secrets.operationalPassphrase }, () => Promise.resolve('dm-crypt'))).toEqual([]);
});

test('nothing is told of one that is in memory, typed, or kept elsewhere', async () => {
  const directory = await mkdtemp('/dev/shm/lockstep-unit-');
  try {
    await writeFile(join(directory, 'operational'), 'canary\n');
    expect(await find({ operationalPassphrase: `file:${directory}/operational` })).toEqual([]);
    expect(await find({ operationalPassphrase: `file:${directory}/none`, recoveryPassphrase: 'systemd-credential:recovery' })).toEqual([]);
    expect(await find({ operationalPassphrase: { exec: ['op', 'read', 'x'] } })).toEqual([]);
    // Of backups: that one opens no volume.
    expect(await find({ backupPassphrase: 'file:/etc/passwd' })).toEqual([]);
  } finally {
    await rm(directory, { recursive: true });
  }
});
