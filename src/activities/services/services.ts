import { PermanentFailure } from '../../contract/errors.js';
import { isWithin } from '../../host/files/paths.js';
import { CommandFailed } from '../../host/processes/runner.js';
import { changes, type Attempt } from '../activity.js';
import { carriedPlaces, ensureSourceInPlace } from '../wayBack/carriedSource.js';
import { DatabaseEnded, ensureApplicationStopped, ensureApplicationUp, ensureDatabaseStopped, ensureDatabaseUp, markUsersMayWrite, NotInTime } from './ensureServices.js';
import { assertOpenFilesOnVolume } from '../volume/openFilesOnVolume.js';
import { keepEndOfOutage } from './outage.js';
import { assertOverlayDeselected } from './overlaySelection.js';
import { keepFact, readFact } from '../run/runFacts.js';
import { keepErrorsBefore } from '../watch/serviceLogs.js';
import { needSource } from '../source/source.js';
import { assertEqualStatistics, failedStatement, readStatistics, type Statistics } from '../source/statistics.js';
import { ensureDatabaseStoppedCleanly } from '../source/cleanStop.js';
import { keepStopped, lookAtSourceOnce } from '../source/stoppedSource.js';

/** When the database was first started on the new volume: what its logs say of that time is about the new volume. */
export interface StartedFact {
  /** ISO time. */
  readonly since: string;
}

/** Stopping and starting the database and the application, on the old volume and on the new one. */
export const serviceActivities = {
  /** Under `restart: always` a reboot in the middle of the copy would start the old database again. */
  disableRestart: changes('RESTART_DISABLED', async (attempt) => {
    const { container, applicationContainer } = await needSource(attempt);
    for (const name of [applicationContainer, container]) await attempt.tools.docker.ensureRestartPolicy({ container: name, policy: 'no' });
    await keepErrorsBefore(attempt);
    return { containers: [applicationContainer, container] };
  }),

  restoreRestart: changes('RESTART_RESTORED', async (attempt) => {
    const { restartPolicies } = await needSource(attempt);
    for (const [name, policy] of Object.entries(restartPolicies)) {
      if (await attempt.tools.docker.readContainer(name)) await attempt.tools.docker.ensureRestartPolicy({ container: name, policy });
    }
    return { restartPolicies };
  }),

  /** @param args - `onVolume`: only where the database is not the one of the old volume. */
  stopApplication: changes('APPLICATION_STOP', async (attempt, args: { readonly onVolume?: boolean }) => {
    if (args.onVolume === true && !(await servesOnVolume(attempt))) return { stopped: false };
    await ensureApplicationStopped(attempt);
    return { stopped: true };
  }),

  /** Stops PostgreSQL within the configured time, and reads from its control file that it was a clean stop. */
  stopDatabase: changes('DATABASE_STOP', async (attempt) => {
    await ensureDatabaseStoppedCleanly(attempt, 'source');
    return keepStopped(attempt);
  }),

  /**
   * The way back: the untouched source starts, and holds exactly what it held when it was stopped. One
   * that somebody started meanwhile has moved on, and is gone back to all the same: it is the service.
   */
  startDatabaseOnSource: changes('DATABASE_START', async (attempt) => {
    const { carriedOver } = await ensureSourceSelected(attempt);
    const nextMove = await nextMoveFor(attempt, carriedOver);
    const { untouched } = await lookAtSourceOnce(attempt, carriedOver ? 'volume' : 'source', nextMove);
    const lost = untouched ? '' : '; it was started since it was stopped, and no backup holds what was written then: restore-backup gives that up';
    await ensureDatabaseUp(attempt).catch((error: unknown) => {
      throw error instanceof DatabaseEnded || error instanceof NotInTime ? new PermanentFailure(`the old database does not start (${error.message})${lost}`, nextMove) : error;
    });
    const recorded = untouched ? await readFact<Statistics>(attempt, carriedOver ? 'statistics-carried' : 'statistics-stopped') : undefined;
    if (recorded) assertEqualStatistics(recorded, await readOldStatistics(attempt, nextMove), nextMove);
    return { equal: recorded !== undefined, untouched, carriedOver };
  }),

  startApplicationOnSource: changes('APPLICATION_START', async (attempt) => {
    await ensureSourceSelected(attempt);
    await ensureDatabaseUp(attempt);
    return ensureApplicationUp(attempt);
  }),

  /** Starts on the volume, and proves that every file PostgreSQL holds open lies on the dm-crypt device. */
  startDatabaseOnVolume: changes('DATABASE_START', async (attempt) => {
    await keepFact(attempt, 'started-on-volume', (await readFact<StartedFact>(attempt, 'started-on-volume')) ?? ({ since: attempt.now().toISOString() } satisfies StartedFact));
    await ensureDatabaseUp(attempt);
    return assertOpenFilesOnVolume(attempt);
  }),

  stopDatabaseOnVolume: changes('DATABASE_STOP', async (attempt) => {
    if (!(await servesOnVolume(attempt))) return { stopped: false };
    await ensureDatabaseStopped(attempt);
    return { stopped: true };
  }),

  /** From here on users may write on the new volume; that is written down before the application starts. */
  startApplicationOnVolume: changes('APPLICATION_START', async (attempt) => {
    await markUsersMayWrite(attempt);
    const up = await ensureApplicationUp(attempt);
    await keepEndOfOutage(attempt);
    return up;
  }),
};

/**
 * Whether the database is not the one of the old volume: where that serves again already, since an undo was skipped and is
 * made up for later, stopping it would be an outage that nothing ends.
 */
async function servesOnVolume(attempt: Attempt): Promise<boolean> {
  const { config, tools } = attempt;
  const { container } = await needSource(attempt);
  const mounts = (await tools.docker.readContainer(container))?.mounts;
  return mounts?.some(({ source }) => isWithin(source, config.volume.mountPoint)) ?? true;
}

/**
 * The old volume is what Compose starts the database on, and the source has its place there: an undo that a person
 * skipped may have left either undone.
 */
async function ensureSourceSelected(attempt: Attempt): Promise<{ readonly carriedOver: boolean }> {
  await assertOverlayDeselected(attempt);
  return ensureSourceInPlace(attempt);
}

async function nextMoveFor(attempt: Attempt, carriedOver: boolean): Promise<string> {
  const { container } = await needSource(attempt);
  const look = `look at docker logs ${container}, mend it and retry`;
  if (!carriedOver) return `${look}; where that does not help, restore-backup`;
  const { root, kept } = await carriedPlaces(attempt);
  return `${look}. What users wrote is on the encrypted volume, too, which is intact; the old directory of before it is ${kept}. To go back to either is a person's choice: move ${root} aside, put a copy in its place, and retry`;
}

/** What PostgreSQL cannot read today it cannot read at the next attempt. */
async function readOldStatistics(attempt: Attempt, nextMove: string): Promise<Statistics> {
  try {
    return await readStatistics(attempt);
  } catch (error) {
    if (!(error instanceof CommandFailed) || error.exitCode !== failedStatement) throw error;
    throw new PermanentFailure('the old database started, and does not give its figures: a table or a catalog of it cannot be read', nextMove);
  }
}
