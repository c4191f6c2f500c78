import { parseSecretReference } from '../../config/secretReference.js';
import type { Config } from '../../config/schema.js';
import { createBlockDevices } from '../../host/disks/blockDevices.js';
import { createMounts } from '../../host/disks/mounts.js';
import { readStorageProtection, type StorageProtection } from '../../host/disks/storageProtection.js';
import { ifPresent } from '../../host/failure.js';
import { isWithin } from '../../host/files/paths.js';
import { createRun } from '../../host/processes/runner.js';

/**
 * Passphrases of the volume that lie beside it in the clear: whoever takes the disk has both, and the
 * encryption protects nothing against theft. Allowed, since a host may need to start by itself; told, since
 * nobody may take it for protection.
 *
 * @param readProtection - What protects a file at rest; default: what this host's kernel knows.
 * @returns One sentence for each, with the path and nothing of the secret; empty where there is none.
 */
export async function findPassphrasesInTheClear(
  { secrets, volume }: Pick<Config, 'secrets' | 'volume'>,
  readProtection: (path: string) => Promise<StorageProtection> = readProtectionHere,
): Promise<readonly string[]> {
  const found = (['operationalPassphrase', 'recoveryPassphrase'] as const).map(async (name) => {
    const reference = parseSecretReference(name, secrets[name]);
    if (reference.kind !== 'file') return [];
    const { path } = reference;
    if (isWithin(path, volume.mountPoint)) return [`${name} is kept in ${path}, on the volume that it opens: closed, nobody can read it`];
    const protection = await ifPresent(readProtection(path), ['ENOENT', 'ENOTDIR', 'ELOOP']);
    if (protection !== 'none') return [];
    return [`${name} is kept in ${path}, on a disk that is not shown to be encrypted: whoever takes the disk can open the volume`];
  });
  return (await Promise.all(found)).flat();
}

function readProtectionHere(path: string): Promise<StorageProtection> {
  return readStorageProtection({ path, mounts: createMounts({ run: createRun() }), blockDevices: createBlockDevices() });
}
