import { PermanentFailure } from '../../contract/errors.js';
import { readTreeSize } from '../../host/files/directoryTree.js';
import { reads } from '../activity.js';
import { takenUpBy } from '../run/runsOnHost.js';
import { carriedPlaces, exists, restoredExchangeFact, type Exchange } from './carriedSource.js';
import { readFact } from '../run/runFacts.js';
import { needSource } from '../source/source.js';
import { countRows, tablesIn, type Statistics } from '../source/statistics.js';
import { summarise } from '../wrapper/journal.js';

/** What a person has to know who goes back to the old volume. */
export const wayBackActivities = {
  /** The old data directory is there; what it held when it was stopped, and since when users may have written elsewhere. */
  readWayBack: reads(async (attempt) => {
    const { root, kept } = await carriedPlaces(attempt);
    // An exchange that was cut off between its two renames: the way back finishes it, or gives it up.
    const damaged = (await readFact<Exchange>(attempt, restoredExchangeFact))?.kept;
    const place = await firstOf([root, kept, ...(damaged === undefined ? [] : [damaged])]);
    if (place === undefined) throw new PermanentFailure(`the old data directory ${root} is gone`, 'restore a backup instead; the encrypted volume is as it was');
    const { sizeBytes } = await readTreeSize({ directory: place });
    const { container } = await needSource(attempt);
    const databaseRuns = (await attempt.tools.docker.readContainer(container))?.isRunning === true;
    const stopped = await readFact<Statistics>(attempt, 'statistics-stopped');
    const entries = await attempt.readJournal();
    const { usersMayWriteSince, carriedOver } = summarise(entries);
    return {
      root: place,
      sizeBytes,
      databaseRuns,
      stoppedAt: stopped?.at ?? null,
      rows: stopped === undefined ? null : countRows(tablesIn(stopped)),
      usersMayWriteSince: usersMayWriteSince ?? null,
      carriedOver: carriedOver === true,
      begunBefore: takenUpBy(entries)?.wayBackBegun === true,
    };
  }),
};

async function firstOf(places: readonly string[]): Promise<string | undefined> {
  for (const place of places) if (await exists(place)) return place;
  return undefined;
}
