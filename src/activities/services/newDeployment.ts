import { readdir, rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { serviceOf } from '../../host/docker/composeConfig.js';
import { readPostmaster } from '../../host/postgres/postmaster.js';
import { PermanentFailure } from '../../contract/errors.js';
import { changes, reads, type Attempt } from '../activity.js';
import { keepFact, readFact } from '../run/runFacts.js';
import { assertOpenFilesOnVolume } from '../volume/openFilesOnVolume.js';
import { volumeLayout } from '../volume/openVolume.js';
import { forgetPrepared } from '../volume/preparedVolume.js';
import { needDeployment } from './deployment.js';
import { ensureDatabaseStopped, ensureDatabaseUp } from './ensureServices.js';
import { isOverlaySelected, overlayName } from './overlaySelection.js';
import { readPresentDatabase } from './presentDatabase.js';

/** Kept before the image is let at the empty directory: what lies there after a power cut is this run's own. */
const begunFact = 'initialising';
/** Kept once the cluster is whole and on the disk: nothing clears it any more. */
const doneFact = 'initialised';

/** A database that begins its life on the encrypted volume. */
export const newDeploymentActivities = {
  /**
   * There is no database yet, and everything is on this host that makes one.
   *
   * @throws PermanentFailure where there is one: it is moved, and not begun anew.
   */
  assertNewDeployment: reads(async (attempt) => {
    const { config, tools } = attempt;
    const { directory, database, application } = config.deployment;
    const present = await readPresentDatabase(attempt);
    if (present === undefined) throw new PermanentFailure(`${directory} has no compose file`, 'put the deployment there, or correct deployment.directory in lockstep.yaml');
    const move = 'it is not begun anew: "lockstep start migrate" moves it onto an encrypted volume';
    if (present.hasData) throw new PermanentFailure(`there is a database already, in ${present.directory ?? directory}`, move);
    if (present.isRunning) throw new PermanentFailure(`the database's container ${present.container} runs`, move);
    if (await isOverlaySelected(attempt)) throw new PermanentFailure(`${directory} selects ${overlayName} already`, 'an earlier run has set this host up: "lockstep status" shows the runs');
    const project = await tools.compose(directory).readConfig();
    for (const service of [database.service, application.service]) {
      const { image } = serviceOf(project, service);
      if (image !== undefined && (await tools.docker.readImage(image)) !== undefined) continue;
      throw new PermanentFailure(`the image ${image ?? '(none)'} of service "${service}" is not on this host`, `fetch or build it: docker compose pull, in ${directory}`);
    }
    return { container: present.container, image: serviceOf(project, database.service).image ?? '' };
  }),

  /** The image initialises PostgreSQL in the empty directory on the volume; every file that it then holds open lies there. */
  initialiseDatabase: changes('DATABASE_INITIALISE', async (attempt) => {
    await prepareDirectory(attempt);
    await ensureDatabaseUp(attempt);
    await waitUntilInitialised(attempt);
    await attempt.tools.filesystem.syncFilesystem({ path: attempt.config.volume.mountPoint });
    await keepFact(attempt, doneFact, { at: attempt.now().toISOString() });
    return assertOpenFilesOnVolume(attempt);
  }),

  stopNewDatabase: changes('DATABASE_STOP', async (attempt) => {
    await ensureDatabaseStopped(attempt);
  }),
};

/** Clears what a first initialisation left that was cut off: the image would take it for a cluster, or refuse to begin. */
async function prepareDirectory(attempt: Attempt): Promise<void> {
  if ((await readFact(attempt, doneFact)) !== undefined) return;
  const { dataDirectory } = volumeLayout(attempt.config);
  const names = await readdir(dataDirectory);
  if ((await readFact(attempt, begunFact)) === undefined) {
    if (names[0] !== undefined) throw new PermanentFailure(`${dataDirectory} holds ${names[0]} already`, 'nothing is initialised over it: find out whose it is');
    await forgetPrepared(attempt);
    await keepFact(attempt, begunFact, { at: attempt.now().toISOString() });
    return;
  }
  const { container } = await needDeployment(attempt);
  // The container outlives a worker that is killed, and goes on.
  if ((await attempt.tools.docker.readContainer(container))?.isRunning === true) return;
  for (const name of names) await rm(join(dataDirectory, name), { recursive: true, force: true });
}

/** While the image initialises, a server without a network answers as well, and is stopped again. */
async function waitUntilInitialised(attempt: Attempt): Promise<void> {
  const { container, pgdata, mountTarget } = await needDeployment(attempt);
  const directory = join(volumeLayout(attempt.config).dataDirectory, relative(mountTarget, pgdata));
  for (let seconds = 0; seconds < withinSeconds; seconds += 0.5) {
    const server = await readPostmaster({ directory });
    if (server?.isReady === true && server.listenAddress !== '') return;
    if ((await attempt.tools.docker.readContainer(container))?.isRunning !== true) throw new Error(`${container} ended while PostgreSQL was initialised`);
    attempt.report({ phase: `waiting for ${container} to initialise PostgreSQL`, done: Math.round(seconds), total: withinSeconds, unit: 'seconds' });
    await sleep(500, undefined, { signal: attempt.signal });
  }
  throw new PermanentFailure(`${container} did not initialise PostgreSQL within ${withinSeconds} s`, `look at docker logs ${container}, mend what that says, then retry`);
}

const withinSeconds = 600;
