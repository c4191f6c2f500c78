import { stat } from 'node:fs/promises';
import { PermanentFailure } from '../contract/errors.js';
import { readTreeSize } from '../host/directoryTree.js';
import { ifPresent } from '../host/failure.js';
import { reads } from './activity.js';
import { readFact } from './runFacts.js';
import { needSource } from './source.js';
import { countRows, tablesIn, type Statistics } from './statistics.js';
import { summarise } from './wrapper/journal.js';

/** What a person has to know who goes back to the old volume. */
export const wayBackActivities = {
  /** The old data directory is there; what it held when it was stopped, and since when users may have written elsewhere. */
  readWayBack: reads(async (attempt) => {
    const { root } = await needSource(attempt);
    if ((await ifPresent(stat(root))) === undefined) {
      throw new PermanentFailure(`the old data directory ${root} is gone`, 'restore a backup instead; the encrypted volume is as it was');
    }
    const { sizeBytes } = await readTreeSize({ directory: root });
    const stopped = await readFact<Statistics>(attempt, 'statistics-stopped');
    const { usersMayWriteSince } = summarise(await attempt.readJournal());
    return {
      root,
      sizeBytes,
      stoppedAt: stopped?.at ?? null,
      rows: stopped === undefined ? null : countRows(tablesIn(stopped)),
      usersMayWriteSince: usersMayWriteSince ?? null,
    };
  }),
};
