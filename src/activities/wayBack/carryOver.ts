import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { PermanentFailure } from '../../contract/errors.js';
import { formatBytes } from '../../contract/facts.js';
import { readTreeSize } from '../../host/files/directoryTree.js';
import { changes, reads } from '../activity.js';
import { carriedPlaces, exchangeSource, exists, takeCarriedPlaces } from './carriedSource.js';
import { copyDirectory, verifyEqual } from '../copy/copy.js';
import { volumeLayout } from '../volume/openVolume.js';
import { needSource } from '../source/source.js';
import { ensureDatabaseStoppedCleanly } from '../source/cleanStop.js';
import { keepStopped, wasSourceStarted } from '../source/stoppedSource.js';

/** What users wrote on the encrypted volume goes back with them: the migration's own copy and proof, with the ends exchanged. */
export const carryOverActivities = {
  /** Before anything stops: there is room beside the source, and it can be exchanged by a rename. */
  assertCarryOverRoom: reads(async (attempt) => {
    const { root, incoming, kept } = await carriedPlaces(attempt);
    if (await wasSourceStarted(attempt)) {
      throw new PermanentFailure(
        'the old database was started since it was stopped: users may have written there, too, and what is carried over would take its place',
        'answer discard-writes to stay with what the old one holds (what was written on the encrypted volume stays on it), or bring both together by hand',
      );
    }
    const parent = dirname(root);
    const [{ dev }, { dev: ofParent }] = await Promise.all([stat((await exists(root)) ? root : kept), stat(parent)]);
    if (dev !== ofParent) {
      throw new PermanentFailure(`${root} is a filesystem of its own, so no other directory can take its place`, 'restore the newest backup there instead, or give up what users wrote: discard-writes');
    }
    const { sizeBytes } = await readTreeSize({ directory: volumeLayout(attempt.config).dataDirectory });
    const { availableBytes } = await attempt.tools.filesystem.readSpace({ path: parent });
    // What an earlier carry-over copied is gone on with.
    const copiedBytes = (await exists(incoming)) ? (await readTreeSize({ directory: incoming })).sizeBytes : 0;
    if (availableBytes + copiedBytes < sizeBytes) {
      throw new PermanentFailure(`${parent} has ${formatBytes(availableBytes)} free, and the database on the encrypted volume takes ${formatBytes(sizeBytes)}${copiedBytes === 0 ? '' : `, of which ${formatBytes(copiedBytes)} lie in ${incoming} from before`}`, 'free space there, then retry; the service runs on meanwhile');
    }
    return { sizeBytes, availableBytes };
  }),

  /** Stops PostgreSQL on the volume, and reads from its control file that it was a clean stop. */
  stopDatabaseToCarryOver: changes('DATABASE_STOP', async (attempt) => {
    await ensureDatabaseStoppedCleanly(attempt, 'volume');
    return keepStopped(attempt, 'volume');
  }),

  /** From the volume into a third directory: the source stays as it is. */
  copyBack: changes('DATA_CARRY_OVER', async (attempt) => {
    const { incoming } = await takeCarriedPlaces(attempt);
    return copyDirectory(attempt, { source: volumeLayout(attempt.config).dataDirectory, target: incoming, cluster: 'volume' });
  }),

  /** Every file of both sides by digest. Tried again by a person, it first copies again what differs. */
  verifyCopyBack: changes('DATA_CARRY_OVER_VERIFIED', async (attempt) => {
    const { incoming: carried } = await carriedPlaces(attempt);
    const { sizeBytes } = await needSource(attempt);
    const { dataDirectory } = volumeLayout(attempt.config);
    if (attempt.call.opening > 1) await copyDirectory(attempt, { source: dataDirectory, target: carried, cluster: 'volume', byContent: true });
    return verifyEqual(attempt, {
      source: { name: 'encrypted volume', directory: dataDirectory },
      target: { name: 'carried-over copy', directory: carried },
      sizeBytes,
      nextMove: 'retry: what differs is copied again, and everything is read anew; the volume and the old directory are untouched',
    });
  }),

  exchangeSource: changes('SOURCE_EXCHANGE', exchangeSource),
};
