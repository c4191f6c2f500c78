import { join, relative } from 'node:path';
import { PermanentFailure } from '../../contract/errors.js';
import { readDigest } from '../../host/files/fileDigest.js';
import { errorCode, ifPresent } from '../../host/failure.js';
import type { Attempt } from '../activity.js';
import { volumeLayout } from '../volume/openVolume.js';
import { keepFact, readFact } from '../run/runFacts.js';
import { needDeployment } from '../services/deployment.js';
import { readDatabaseOwner } from '../volume/databaseOwner.js';
import { needSource } from './source.js';

/** What pg_controldata said when the source was stopped: a later start of it would show here. */
export interface StoppedFact {
  readonly systemIdentifier: string;
  readonly state: string;
  readonly checkpoint: string;
  /** Of the control file itself, which every start of the cluster rewrites. */
  readonly controlDigest: string;
}

/** Kept once a restored backup has the source's place. */
export interface RestoredFact {
  /** Where the damaged directory lies now. */
  readonly kept: string;
  /** The backup. */
  readonly file: string;
  /** ISO time. */
  readonly at: string;
  /** What of the old configuration was taken over, in words. */
  readonly configuration: string;
}

/** The fact of a run under which a {@link RestoredFact} is kept. */
export const restoredFact = 'restored';

/** The cluster on the old volume, or the one on the encrypted volume. */
export type Cluster = 'source' | 'volume';

/** The facts of a run under which the stops are kept. */
export const stoppedFacts: Readonly<Record<Cluster, string>> = { source: 'stopped', volume: 'stopped-on-volume' };

/** Keeps how a cluster was stopped: what comes later is held against it. */
export async function keepStopped(attempt: Attempt, cluster: Cluster = 'source'): Promise<StoppedFact> {
  // PostgreSQL syncs its data and not the traces of its end: a power cut would bring its lock file back, and a copy would differ.
  await attempt.tools.filesystem.syncFilesystem({ path: await directoryOf(attempt, cluster) });
  const control = await readControlData(attempt, cluster);
  if (control.state !== 'shut down') {
    throw new PermanentFailure(
      `PostgreSQL was not stopped cleanly: its state is "${control.state}"`,
      `start it once, so that it recovers (docker start ${(await needDeployment(attempt)).container}), then retry: it is stopped again; raise deployment.database.stopTimeoutSeconds in lockstep.yaml before, if Docker killed it; or roll back`,
    );
  }
  await keepFact(attempt, stoppedFacts[cluster], control satisfies StoppedFact);
  return control;
}

/** Whether a cluster's control file tells of a clean stop. */
export async function isStoppedCleanly(attempt: Attempt, cluster: Cluster): Promise<boolean> {
  return (await readControlData(attempt, cluster)).state === 'shut down';
}

/**
 * The source has not been started since it was stopped: otherwise it took writes that the copy lacks.
 *
 * @throws {@link PermanentFailure} naming what differs.
 */
export async function assertSourceUntouched(attempt: Attempt): Promise<void> {
  const stopped = await readFact<StoppedFact>(attempt, 'stopped');
  if (!stopped) return;
  // The same bytes say the same, without a container to read them in.
  if ((await readControlDigest(attempt, 'source')) === stopped.controlDigest) return;
  const now = await readControlData(attempt, 'source');
  for (const field of ['systemIdentifier', 'state', 'checkpoint'] as const) {
    if (now[field] === stopped[field]) continue;
    throw new PermanentFailure(
      `the old database was started since it was stopped (${field} ${stopped[field]} then, ${now[field]} now): the copy is void`,
      'roll back: it goes on running on the old volume, with everything written meanwhile',
    );
  }
  throw new PermanentFailure(
    `the control file of the old database (${join(await directoryOf(attempt, 'source'), 'global', 'pg_control')}) has other bytes than when it was stopped, and says the same: something wrote to it, or its disk fails`,
    'look at dmesg; nothing is written over it: roll back where PostgreSQL accepts it, else restore the final backup',
  );
}

/** Whether the cluster on the encrypted volume has not been started since it was stopped to be carried over. */
export async function isVolumeAsStopped(attempt: Attempt): Promise<boolean> {
  const stopped = await readFact<StoppedFact>(attempt, stoppedFacts.volume);
  return (await readControlDigest(attempt, 'volume')) === stopped?.controlDigest;
}

/** Whether the source's place holds the cluster that was stopped on the encrypted volume, and not another or none. */
export async function isSourceAsStoppedOnVolume(attempt: Attempt): Promise<boolean> {
  const stopped = await readFact<StoppedFact>(attempt, stoppedFacts.volume);
  const controlDigest = await ifPresent(readControlDigest(attempt, 'source'));
  return stopped !== undefined && controlDigest === stopped.controlDigest;
}

/** Whether the source has been started since it was stopped: then it may hold writes of its own. */
export async function wasSourceStarted(attempt: Attempt): Promise<boolean> {
  const stopped = await readFact<StoppedFact>(attempt, stoppedFacts.source);
  const controlDigest = await ifPresent(readControlDigest(attempt, 'source'));
  return stopped !== undefined && controlDigest !== undefined && controlDigest !== stopped.controlDigest;
}

/**
 * Its first start rewrites the control file: what a killed attempt saw of it before is kept.
 *
 * @param stoppedAs - Which cluster's stop the source is held against: the volume's, once its files were carried over.
 * @param nextMove - What a person can do where it cannot be looked at.
 * @throws {@link PermanentFailure} where its control file is damaged or gone.
 */
export async function lookAtSourceOnce(attempt: Attempt, stoppedAs: Cluster, nextMove: string): Promise<{ readonly untouched: boolean }> {
  // A restored backup was proven to hold what was stopped, and holds its own control file.
  if ((await readFact<RestoredFact>(attempt, restoredFact)) !== undefined) return { untouched: true };
  const seen = await readFact<{ untouched: boolean }>(attempt, 'source-on-the-way-back');
  if (seen !== undefined) return seen;
  const stopped = await readFact<StoppedFact>(attempt, stoppedFacts[stoppedAs]);
  const controlDigest = await readControlDigest(attempt, 'source').catch((error: unknown) => {
    // Not kept: it is looked at again once the directory is mended.
    throw new PermanentFailure(`the old database does not start: its control file cannot be read (${errorCode(error) ?? String(error)})`, nextMove);
  });
  const looked = { untouched: controlDigest === stopped?.controlDigest };
  await keepFact(attempt, 'source-on-the-way-back', looked);
  return looked;
}

async function readControlData(attempt: Attempt, cluster: Cluster): Promise<StoppedFact> {
  const { image } = await needDeployment(attempt);
  const { uid, gid } = await readDatabaseOwner(attempt);
  const control = await attempt.tools.postgres.readStoppedControlData({
    image,
    directory: await directoryOf(attempt, cluster),
    user: `${uid}:${gid}`,
    label: attempt.call.runId,
  });
  return {
    systemIdentifier: control.systemIdentifier,
    state: control.state,
    checkpoint: control.checkpointLocation,
    controlDigest: await readControlDigest(attempt, cluster),
  };
}

/** The SHA-256 of a stopped cluster's control file, which every start of it rewrites. */
export async function readControlDigest(attempt: Attempt, cluster: Cluster): Promise<string> {
  return readDigest({ file: join(await directoryOf(attempt, cluster), 'global', 'pg_control') });
}

async function directoryOf(attempt: Attempt, cluster: Cluster): Promise<string> {
  if (cluster === 'source') return (await needSource(attempt)).directory;
  const { mountTarget, pgdata } = await needDeployment(attempt);
  return join(volumeLayout(attempt.config).dataDirectory, relative(mountTarget, pgdata));
}
