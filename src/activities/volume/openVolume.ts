import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PermanentFailure } from '../../contract/errors.js';
import type { Config, SecretName } from '../../config/schema.js';
import { volumeDevice } from '../../config/volumeDevice.js';
import { WrongPassphrase } from '../../host/luks/cryptsetup.js';
import { ensureDirectory } from '../../host/files/ensureDirectory.js';
import { ifPresent } from '../../host/failure.js';
import type { Attempt } from '../activity.js';
import { dropFact, keepFact, readFact } from '../run/runFacts.js';

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

const unlockingWithFact = 'unlock-with';

/** Says which secret opens the volume from now on in this run: the operational one may be lost, or just replaced. */
export async function keepUnlockingSecret(attempt: Pick<Attempt, 'directory'>, secret: SecretName): Promise<void> {
  await keepFact(attempt, unlockingWithFact, { secret });
}

async function unlockingSecret(attempt: Attempt): Promise<{ readonly secret: SecretName; readonly words: string }> {
  const secret = (await readFact<{ readonly secret: SecretName }>(attempt, unlockingWithFact))?.secret ?? 'operationalPassphrase';
  return { secret, words: unlockingWords[secret] ?? 'the operational passphrase' };
}

const unlockingWords: Partial<Readonly<Record<SecretName, string>>> = {
  newOperationalPassphrase: 'the NEW operational passphrase',
  recoveryPassphrase: 'the recovery passphrase',
};

/**
 * Opens, mounts and recognises the volume; asks for the operational passphrase where it is closed.
 *
 * @param mounted - False before there is a filesystem on it.
 */
export async function openAndMount(attempt: Attempt, { mounted }: { readonly mounted: boolean }): Promise<{ opened: boolean }> {
  const { config, tools } = attempt;
  const { name, mountPoint } = config.volume;
  const status = await tools.cryptsetup.status({ name });
  let opened = false;
  if (!status.active) {
    const { secret, words } = await unlockingSecret(attempt);
    const passphrase = await attempt.secret(secret, `${words}, to open ${name}`);
    // Written before it opens: a crash between the two must not leave a try that nobody can see. What then has neither
    // an unlock nor a failed one behind it in the log is a try whose end nobody saw.
    const giver = attempt.giverOf(secret);
    const { occurrence } = attempt;
    await attempt.audit('VOLUME_UNLOCK_BEGIN', { volume: name }, giver, occurrence);
    await keepFact(attempt, unlockingFact, { node: attempt.call.node, occurrence, ...(giver === undefined ? {} : { giver }) } satisfies UnlockingFact);
    await asking(attempt, secret, () => tools.cryptsetup.open({ device: volumeDevice(config.volume), name, passphrase }), () => dropFact(attempt, unlockingFact));
    opened = true;
  }
  await tellUnlocked(attempt);
  if (!mounted) return { opened };
  await prepareMountPoint(attempt);
  await tools.mounts.mount({ device: volumeLayout(config).device, path: mountPoint, options: ['noatime'] });
  await assertSentinel(attempt);
  return { opened };
}

/** Who unlocks the volume at which node, kept until the audit log has it: a worker that is killed right after it forgets that. */
interface UnlockingFact {
  readonly node: string;
  /** The attempt that unlocks: a later one tells of it by this, and of a second unlock by its own. */
  readonly occurrence: string;
  readonly giver?: ReturnType<Attempt['giverOf']>;
}

const unlockingFact = 'unlocking';

async function tellUnlocked(attempt: Attempt): Promise<void> {
  const unlocking = await readFact<UnlockingFact>(attempt, unlockingFact);
  if (unlocking?.node !== attempt.call.node) return;
  await attempt.audit('VOLUME_UNLOCK', { volume: attempt.config.volume.name }, unlocking.giver, unlocking.occurrence);
  await dropFact(attempt, unlockingFact);
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
