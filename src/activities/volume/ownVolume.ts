import { PermanentFailure } from '../../contract/errors.js';
import { volumeDevice } from '../../config/volumeDevice.js';
import type { Config } from '../../config/schema.js';
import type { Attempt } from '../activity.js';
import { keepFact, readFact } from '../run/runFacts.js';

/** The volume that this run makes or has taken up: kept before it acts, so that a killed attempt knows its own. */
export interface OwnVolume {
  /** The file, or the block device. */
  readonly path: string;
  readonly sizeBytes: number;
  /** An earlier run has prepared it, and this one takes it as it is. */
  readonly isPrepared?: true;
}

/** What this run has begun to make where lockstep.yaml has the volume; undefined where it has not. */
export async function readOwnVolume(attempt: Pick<Attempt, 'config' | 'directory'>): Promise<OwnVolume | undefined> {
  const own = await readFact<OwnVolume>(attempt, 'volume');
  return own?.path === volumeDevice(attempt.config.volume) ? own : undefined;
}

/** @throws {@link PermanentFailure} where the volume is not this run's. */
export async function needOwnVolume(attempt: Pick<Attempt, 'config' | 'directory'>): Promise<OwnVolume> {
  const own = await readOwnVolume(attempt);
  if (own !== undefined) return own;
  throw new PermanentFailure(`${volumeDevice(attempt.config.volume)} was not made by this run`, 'roll back and start again');
}

/** Keeps which volume is this run's. */
export function keepOwnVolume(attempt: Pick<Attempt, 'directory'>, own: OwnVolume): Promise<void> {
  return keepFact(attempt, 'volume', own);
}

/** What a person types to be rid of a volume on which nothing is needed. */
export function removalOf({ device, file, name, mountPoint }: Config['volume']): string {
  const close = `umount ${mountPoint}; cryptsetup close ${name}`;
  return device === undefined ? `${close}; rm ${file}` : `${close}; cryptsetup erase ${device}; wipefs --all ${device}`;
}
