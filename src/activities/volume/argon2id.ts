import { PermanentFailure } from '../../contract/errors.js';
import { formatBytes } from '../../contract/facts.js';
import type { Argon2id, LuksKeySlot } from '../../host/luks/cryptsetup.js';
import type { Attempt } from '../activity.js';

/**
 * What a passphrase costs on this host: fitted down to half of what is free now, so that opening never drives the database
 * out of memory.
 *
 * @throws {@link PermanentFailure} where that is less than the minimum of lockstep.yaml.
 */
export async function fitArgon2id({ config, tools }: Pick<Attempt, 'config' | 'tools'>): Promise<Argon2id> {
  const { memoryKiB, minimumMemoryKiB, parallel, iterationMilliseconds } = config.volume.argon2id;
  const { availableBytes } = await tools.system.readMemory();
  const { cpus } = await tools.system.readProcessor();
  const fitted = Math.min(memoryKiB, Math.floor(availableBytes / 2 / 1024));
  if (fitted < minimumMemoryKiB) {
    throw new PermanentFailure(
      `argon2id could use ${fitted} KiB on this host (minimum ${minimumMemoryKiB} KiB)`,
      'free memory, or lower volume.argon2id.minimumMemoryKiB knowing what that costs',
    );
  }
  return { memoryKiB: fitted, parallel: Math.min(parallel, cpus), iterationMilliseconds };
}

/**
 * Holds what a key slot's header says against the minimum of lockstep.yaml: cryptsetup lowers the memory by itself where a
 * derivation would take longer than it was allowed.
 *
 * @throws {@link PermanentFailure} where the slot falls short.
 */
export function assertArgon2idMinimum({ slot, kdf }: LuksKeySlot, minimumMemoryKiB: number): void {
  const { type, memoryKiB = 0 } = kdf;
  if (type !== 'argon2id') throw new PermanentFailure(`slot ${slot} derives its key with ${type}, not argon2id`, 'roll back and make the volume anew');
  if (memoryKiB >= minimumMemoryKiB) return;
  throw new PermanentFailure(
    `slot ${slot} spends ${formatBytes(memoryKiB * 1024)} of memory on argon2id (minimum ${formatBytes(minimumMemoryKiB * 1024)})`,
    'raise volume.argon2id.iterationMilliseconds, by which cryptsetup lowers the memory, or lower its minimumMemoryKiB; then roll back and make the volume anew',
  );
}
