import { stat } from 'node:fs/promises';
import { PermanentFailure } from '../../contract/errors.js';
import { ifPresent } from '../../host/failure.js';
import type { Attempt } from '../activity.js';
import { readFact } from '../run/runFacts.js';
import { needDeployment } from '../services/deployment.js';
import { volumeLayout } from './openVolume.js';

/** Whom the database's files belong to. */
export interface DatabaseOwner {
  readonly uid: number;
  readonly gid: number;
}

/**
 * The user that PostgreSQL runs as, by what is there: the data that is moved, the data on the volume, or the image. It differs
 * between images (999 in Debian's, 70 in Alpine's).
 *
 * @throws {@link PermanentFailure} where the image has no user `postgres`.
 */
export async function readDatabaseOwner(attempt: Attempt): Promise<DatabaseOwner> {
  const source = await readFact<DatabaseOwner>(attempt, 'source');
  if (source !== undefined) return { uid: source.uid, gid: source.gid };
  const onVolume = await ifPresent(stat(volumeLayout(attempt.config).dataDirectory));
  // Until it is given to the database's user it is root's.
  if (onVolume !== undefined && onVolume.uid !== 0) return { uid: onVolume.uid, gid: onVolume.gid };
  return readOwnerInImage(attempt);
}

async function readOwnerInImage(attempt: Attempt): Promise<DatabaseOwner> {
  const { image } = await needDeployment(attempt);
  const read = async (what: '-u' | '-g') => {
    const { stdout, exitCode } = await attempt.tools.throwaways.run({ image, runId: attempt.call.runId, entrypoint: 'id', args: [what, 'postgres'], answers: [0, 1] });
    const id = Number(stdout.trim());
    if (exitCode !== 0 || !/^\d+\s*$/.test(stdout)) throw new PermanentFailure(`the image ${image} has no user "postgres"`, 'use an image of PostgreSQL, such as postgres:15');
    return id;
  };
  return { uid: await read('-u'), gid: await read('-g') };
}
