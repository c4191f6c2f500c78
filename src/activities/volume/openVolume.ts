import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PermanentFailure } from '../../contract/errors.js';
import type { Config, SecretName } from '../../config/schema.js';
import { volumeDevice } from '../../config/volumeDevice.js';
import { WrongPassphrase } from '../../host/luks/cryptsetup.js';
import { ensureDirectory } from '../../host/files/ensureDirectory.js';
import { ifPresent } from '../../host/failure.js';
import type { Attempt } from '../activity.js';
import { ensureUnlocked } from './unlock.js';

/** Where things lie on the encrypted volume. */
export function volumeLayout(config: Config) {
  const { mountPoint, name } = config.volume;
  return {
    device: `/dev/mapper/${name}`,
    // A subdirectory: the root of an ext4 has lost+found, in which PostgreSQL's own tools trip.
    dataDirectory: join(mountPoint, 'pgdata'),
    sentinel: join(mountPoint, '.lockstep-volume'),
    passwordFile: join(mountPoint, 'secrets', 'postgres_password'),
  };
}

/**
 * Opens, mounts and recognises the volume; asks for the operational passphrase where it is closed.
 *
 * @param mounted - False before there is a filesystem on it.
 */
export async function openAndMount(attempt: Attempt, { mounted }: { readonly mounted: boolean }): Promise<{ opened: boolean }> {
  const { config, tools } = attempt;
  const { mountPoint } = config.volume;
  const { opened } = await ensureUnlocked(attempt);
  if (!mounted) return { opened };
  await prepareMountPoint(attempt);
  await tools.mounts.mount({ device: volumeLayout(config).device, path: mountPoint, options: ['noatime'] });
  await assertSentinel(attempt);
  return { opened };
}

/**
 * A wrong passphrase is asked for again, and counted in the audit log: each try by itself, also where a
 * retry of the same opening was given another one, or read the same wrong one from its file.
 *
 * @param onWrong - Done when the failed try is in the log.
 */
export async function asking<R>(attempt: Attempt, name: SecretName, use: () => Promise<R>, onWrong: () => Promise<void> = () => Promise.resolve()): Promise<R> {
  try {
    return await use();
  } catch (error) {
    if (!(error instanceof WrongPassphrase)) throw error;
    await attempt.audit('VOLUME_UNLOCK_FAILED', { device: error.device }, attempt.giverOf(name), attempt.occurrence);
    await onWrong();
    return attempt.refuseSecret(name, `${error.message}: once more, please`);
  }
}

/** Whether something is mounted where the volume belongs. */
export async function isMounted({ config, tools }: Attempt): Promise<boolean> {
  return (await tools.mounts.readMount({ path: config.volume.mountPoint })) !== undefined;
}

/** An unmounted path is a directory in which PostgreSQL would start a new, empty, unencrypted cluster: make that impossible. */
export async function prepareMountPoint(attempt: Attempt): Promise<void> {
  const { config, tools } = attempt;
  const { mountPoint } = config.volume;
  if (await isMounted(attempt)) return;
  await ensureDirectory(mountPoint, 0o755);
  await tools.filesystem.setImmutable({ path: mountPoint, immutable: true });
}

async function assertSentinel({ config, tools }: Attempt): Promise<void> {
  const { sentinel } = volumeLayout(config);
  const text = await ifPresent(readFile(sentinel, 'utf8'));
  const device = volumeDevice(config.volume);
  const expected = (await tools.cryptsetup.readHeader({ device })).uuid;
  const found = text === undefined ? undefined : (JSON.parse(text) as { volume?: string }).volume;
  if (found === expected) return;
  throw new PermanentFailure(
    `${sentinel} names volume ${found ?? '(none)'}, and ${device} is volume ${expected}`,
    `look at what is mounted there: findmnt ${config.volume.mountPoint}`,
  );
}
