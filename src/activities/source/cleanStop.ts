import type { Attempt } from '../activity.js';
import { ensureDatabaseStopped, ensureDatabaseUp } from '../services/ensureServices.js';
import { keepFact, readFact } from '../run/runFacts.js';
import { needDeployment } from '../services/deployment.js';
import { beforeRecoveryFact, readStatistics, type Statistics } from './statistics.js';
import { isStoppedCleanly, type Cluster } from './stoppedSource.js';

/**
 * Stops the database. One that a power cut has ended is started once more, so that it recovers:
 * its files alone would be those of a crash. What does not stop in its time is another matter, and left to a person.
 *
 * A recovery moves sequences on and empties unlogged tables: the figures that were recorded with nobody writing are
 * recorded again after one, also after that of a person who started the database between two attempts.
 */
export async function ensureDatabaseStoppedCleanly(attempt: Attempt, cluster: Cluster): Promise<void> {
  const { container } = await needDeployment(attempt);
  const wasRunning = (await attempt.tools.docker.readContainer(container))?.isRunning === true;
  if (wasRunning && attempt.hasPredecessor) {
    await ensureDatabaseUp(attempt);
    await recordAgain(attempt, cluster);
  }
  await ensureDatabaseStopped(attempt);
  if (wasRunning || (await isStoppedCleanly(attempt, cluster))) return;
  await ensureDatabaseUp(attempt);
  await recordAgain(attempt, cluster);
  await ensureDatabaseStopped(attempt);
}

async function recordAgain(attempt: Attempt, cluster: Cluster): Promise<void> {
  const fact = cluster === 'source' ? 'statistics-stopped' : 'statistics-carried';
  const recorded = await readFact<Statistics>(attempt, fact);
  if (recorded === undefined) return;
  if (cluster === 'source' && (await readFact<Statistics>(attempt, beforeRecoveryFact)) === undefined) await keepFact(attempt, beforeRecoveryFact, recorded);
  await keepFact(attempt, fact, await readStatistics(attempt));
}
