import { dirname } from 'node:path';
import { volumeDevice } from '../../config/volumeDevice.js';
import { PermanentFailure } from '../../contract/errors.js';
import { formatBytes } from '../../contract/facts.js';
import { changes, reads, type Attempt } from '../activity.js';
import { readPresentDatabase } from '../services/presentDatabase.js';
import { volumeSizeBytes } from '../source/space.js';
import { fitArgon2id } from './argon2id.js';
import { headerAreaBytes } from './emptyDevice.js';
import { readOwnVolume, removalOf } from './ownVolume.js';
import { forgetPrepared, isThere, notePrepared, readPrepared } from './preparedVolume.js';
import { assertDeviceSize, describePlace } from './takePlace.js';
import { assertVolumePlaceFree } from './volumePlace.js';

const gibibyte = 1024 ** 3;

/** What `setupVolume` looks at before its gate, and what it leaves for later runs. */
export const setupActivities = {
  /** The cipher's speed on this processor, beside whether that has instructions for it. */
  readCipherRate: reads(async ({ tools }) => {
    const { aes } = await tools.system.readProcessor();
    return { aes, ...(await tools.cryptsetup.readCipherRate()) };
  }),

  /**
   * How large the volume becomes, where, and what it costs to open it.
   *
   * @param wanted - `sizeGib`: instead of the database plus growth; `mayBePrepared`: the volume of an earlier run will do.
   * @throws PermanentFailure where something is there already, there is no room, or the size that was asked for is too small for the database.
   */
  planVolume: reads(async (attempt, { sizeGib, mayBePrepared }: { readonly sizeGib?: number; readonly mayBePrepared: boolean }) => {
    const { config, tools } = attempt;
    const { device, file } = config.volume;
    const { isPrepared } = await assertVolumePlaceFree(attempt, { mayBePrepared });
    const database = await readPresentDatabase(attempt);
    const common = {
      place: volumeDevice(config.volume),
      isDevice: device !== undefined,
      database: database?.directory === undefined ? null : { directory: database.directory, sizeBytes: database.sizeBytes },
      isDeployed: database !== undefined,
      argon2id: { ...(await fitArgon2id(attempt)), minimumMemoryKiB: config.volume.argon2id.minimumMemoryKiB },
    };
    const prepared = isPrepared ? await readPrepared(attempt) : undefined;
    if (prepared !== undefined) {
      const { sizeBytes } = await describePlace(attempt);
      return { ...common, sizeBytes, availableBytes: 0, hasOldBytes: false, preparedAt: prepared.at };
    }
    const neededBytes = readWanted(config.volume, database?.sizeBytes ?? 0, sizeGib);
    if (device !== undefined) {
      await assertDeviceSize(attempt, device, neededBytes);
      const { sizeBytes } = await describePlace(attempt);
      return { ...common, sizeBytes, availableBytes: sizeBytes, hasOldBytes: await tools.deviceContents.hasBytes({ device, lengthBytes: headerAreaBytes }) };
    }
    const { availableBytes } = await tools.filesystem.readSpace({ path: dirname(file) });
    if (availableBytes < neededBytes) {
      throw new PermanentFailure(
        `${dirname(file)} has ${formatBytes(availableBytes)} free; the volume takes ${formatBytes(neededBytes)}`,
        'free space there, put volume.file elsewhere, or name a smaller --size-gib',
      );
    }
    return { ...common, sizeBytes: neededBytes, availableBytes, hasOldBytes: false };
  }),

  /** From here on `migrate`, or a new deployment, takes the volume as it is. */
  notePrepared: changes('VOLUME_PREPARED', notePrepared),

  forgetPrepared: changes('VOLUME_PREPARED_FORGOTTEN', async (attempt) => {
    await forgetPrepared(attempt);
  }),

  /** What stays on the disk after the way back, and how a person removes it: nothing here does. */
  readLeftVolume: reads(async (attempt) => {
    const { config } = attempt;
    const own = await readOwnVolume(attempt);
    if (own === undefined || !(await isThere(attempt))) return { place: null };
    const { file, sizeBytes } = await describePlace(attempt);
    return { place: file, sizeBytes, removal: removalOf(config.volume) };
  }),
};

/** @throws {@link PermanentFailure} where the size that was asked for does not hold the database. */
function readWanted(volume: Attempt['config']['volume'], databaseBytes: number, sizeGib: number | undefined): number {
  if (sizeGib === undefined) return volumeSizeBytes(volume, databaseBytes);
  const leastBytes = volumeSizeBytes({ ...volume, growthPercent: 0 }, databaseBytes);
  if (sizeGib * gibibyte >= leastBytes) return sizeGib * gibibyte;
  throw new PermanentFailure(
    `--size-gib ${sizeGib} is too small: the database has ${formatBytes(databaseBytes)}, and the volume needs ${formatBytes(leastBytes)} for it without any growth`,
    `start again with --size-gib ${Math.ceil(leastBytes / gibibyte)} or more`,
  );
}
