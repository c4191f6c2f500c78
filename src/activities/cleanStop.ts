import type { Attempt } from './activity.js';
import { ensureDatabaseStopped, ensureDatabaseUp } from './ensureServices.js';
import { needSource } from './source.js';
import { isStoppedCleanly, type Cluster } from './stoppedSource.js';

/**
 * Stops the database. One that a power cut has ended is started once more, so that it recovers:
 * its files alone would be those of a crash. What does not stop in its time is another matter, and left to a person.
 */
export async function ensureDatabaseStoppedCleanly(attempt: Attempt, cluster: Cluster): Promise<void> {
  const { container } = await needSource(attempt);
  const wasRunning = (await attempt.tools.docker.readContainer(container))?.isRunning === true;
  await ensureDatabaseStopped(attempt);
  if (wasRunning || (await isStoppedCleanly(attempt, cluster))) return;
  await ensureDatabaseUp(attempt);
  await ensureDatabaseStopped(attempt);
}
