import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PermanentFailure } from '../../contract/errors.js';
import { formatBytes } from '../../contract/facts.js';
import { shortRunId } from '../../contract/names.js';
import { ensureDirectory } from '../../host/files/ensureDirectory.js';
import { ifPresent } from '../../host/failure.js';
import { createDocker, dockerSocketPath } from '../../host/docker/docker.js';
import { createThrowaways, type ThrowawayMount } from '../../host/docker/dockerThrowaway.js';
import { decryptStage, explainDecryption, type GpgPassphrase } from '../../host/gpg/gpg.js';
import type { ClusterSettings } from '../../host/postgres/postgres.js';
import type { DatabaseFigures } from '../../host/postgres/postgresFigures.js';
import { readContainerReadiness } from '../../host/postgres/postgresReadiness.js';
import { clusterRestoreStages, pgRestoreStage } from '../../host/postgres/postgresStages.js';
import { createRun } from '../../host/processes/runner.js';
import type { Attempt } from '../activity.js';
import type { BackupManifest } from './backupManifest.js';
import { dropFact, keepFact, readFact } from '../run/runFacts.js';
import { needSource } from '../source/source.js';
import { restoreFitsMemory, restoreSizeBytes } from '../source/space.js';
import { assertHoldsStatistics, countRows, readStatistics, tablesIn } from '../source/statistics.js';

/** Kept from before the throw-away server starts until it is gone. */
const restoreMark = 'restore-left';
const readyWithinMilliseconds = 180_000;

/** Undoes what compressed a backup; fails where its trailer is missing. */
export const decompressStage = { file: 'zstd', args: ['--decompress', '--stdout', '--quiet'] } as const;

/**
 * Restores a backup into a throw-away server of the same image, without a network, and counts
 * everything that it holds against the manifest.
 */
export async function restoreElsewhere(attempt: Attempt, manifest: BackupManifest, secrets: GpgPassphrase) {
  return withRestored(attempt, manifest, secrets, (target) => placeFor(attempt, restoreDirectory(attempt), target), async ({ container }) => {
    const { user, name: database } = attempt.config.deployment.database;
    if (manifest.cluster !== undefined) {
      const found = await readStatistics(attempt, container);
      assertHoldsStatistics(manifest.cluster.statistics, found);
      const tables = tablesIn(found);
      return { tables: tables.length, rows: countRows(tables) };
    }
    const figures = await attempt.tools.postgres.rowCounts({ container, user, database, signal: attempt.signal });
    assertRestored(manifest, figures);
    return { tables: figures.tables.length, rows: countRows(figures.tables) };
  });
}

/**
 * Restores a backup into a new cluster of the same image, served without a network, and removes the
 * server afterwards.
 *
 * @param place - Where the cluster's files go, given where the server looks for them; asked for once nothing of an earlier restore is left.
 * @param use - What is done with the server once everything is in it.
 */
export async function withRestored<R>(
  attempt: Attempt,
  manifest: BackupManifest,
  secrets: GpgPassphrase,
  place: (target: string) => Promise<ThrowawayMount>,
  use: (server: { readonly container: string }) => Promise<R>,
): Promise<R> {
  const { config, tools, call } = attempt;
  const source = await needSource(attempt);
  const container = `lockstep-restore-${shortRunId(call.runId)}`;
  const clean = () => removeRestore(attempt);
  await clean();
  await keepFact(attempt, restoreMark, { container });
  try {
    attempt.report({ phase: 'starting a throw-away server' });
    const { user } = config.deployment.database;
    // A dump of the cluster makes its databases itself; every cluster has this one.
    const database = manifest.cluster === undefined ? config.deployment.database.name : 'postgres';
    await tools.throwaways.start({
      name: container,
      image: source.image,
      runId: restoreIdOf(attempt),
      // It has no network, and is gone in a minute.
      environment: {
        ...{ POSTGRES_USER: user, POSTGRES_DB: database, POSTGRES_HOST_AUTH_METHOD: 'trust', PGDATA: source.pgdata },
        ...(manifest.cluster === undefined ? {} : { POSTGRES_INITDB_ARGS: initdbArguments(manifest.cluster.settings) }),
      },
      mounts: [await place(source.mountTarget)],
    });
    const connection = { container, user, database };
    await waitForServer(attempt, connection);
    attempt.report({ phase: 'restoring' });
    await tools
      .pipeline({
        stages: [decryptStage(secrets), decompressStage, ...(manifest.cluster === undefined ? [pgRestoreStage(connection)] : clusterRestoreStages(connection))],
        input: { path: manifest.file },
        output: 'discard',
        signal: attempt.signal,
        onProgress: ({ inputBytes }) => attempt.report({ phase: 'restoring', done: inputBytes, total: manifest.sizeBytes, unit: 'bytes' }),
      })
      .catch((error: unknown) => {
        throw explainDecryption(error, manifest.file);
      });
    return await use({ container });
  } finally {
    await clean();
  }
}

/** As the source's cluster was made. The image's set-up reads them as a shell does, so that a strange name is left out. */
export function initdbArguments({ encoding, collation, characterType, hasChecksums }: ClusterSettings): string {
  const named = { encoding, 'lc-collate': collation, 'lc-ctype': characterType };
  return [
    ...Object.entries(named).flatMap(([name, value]) => (/^[\w.@-]+$/.test(value) ? [`--${name}=${value}`] : [])),
    ...(hasChecksums ? ['--data-checksums'] : []),
  ].join(' ');
}

/**
 * Removes the throw-away server and its files, whoever left them: an attempt that is cancelled cleans up
 * too, and a run that was killed does so on its way back and at its end.
 */
export async function removeRestore(attempt: Pick<Attempt, 'call' | 'directory'>): Promise<void> {
  // A run whose restores cleaned up after themselves ends without Docker, too.
  if ((await readFact(attempt, restoreMark)) === undefined) return;
  const run = createRun();
  const docker = createDocker({ run, socketPath: dockerSocketPath });
  await createThrowaways({ run, docker }).remove({ runId: restoreIdOf(attempt) });
  await rm(restoreDirectory(attempt), { recursive: true, force: true });
  await dropFact(attempt, restoreMark);
}

function restoreIdOf({ call }: Pick<Attempt, 'call'>): string {
  return `${call.runId}-restore`;
}

function restoreDirectory({ directory }: Pick<Attempt, 'directory'>): string {
  return join(directory, 'restore');
}

/** In memory where it fits, so that nothing in the clear reaches a disk; else beside the run's journal, for a minute. */
async function placeFor(attempt: Attempt, directory: string, target: string): Promise<ThrowawayMount> {
  const source = await needSource(attempt);
  const { availableBytes } = await attempt.tools.system.readMemory();
  if (restoreFitsMemory(source.sizeBytes, availableBytes)) return { type: 'tmpfs', target, sizeBytes: restoreSizeBytes(source.sizeBytes) } as const;
  await ensureDirectory(directory, 0o700);
  const { availableBytes: free } = await attempt.tools.filesystem.readSpace({ path: directory });
  const needed = restoreSizeBytes(source.sizeBytes);
  if (free < needed) {
    throw new PermanentFailure(
      `${directory} has ${formatBytes(free)} free, and the test restore takes up to ${formatBytes(needed)}: it could fill the disk under the running database`,
      'free space there, then retry',
    );
  }
  return { type: 'bind', source: directory, target } as const;
}

/** The image starts a server for its own set-up first; only the container's first process is the one to stay. */
async function waitForServer(attempt: Attempt, connection: { container: string; user: string; database: string }): Promise<void> {
  const deadline = performance.now() + readyWithinMilliseconds;
  for (;;) {
    attempt.signal.throwIfAborted();
    const processId = (await attempt.tools.docker.readContainer(connection.container))?.processId;
    if (processId === undefined) throw new Error(`the throw-away server ${connection.container} ended before it was ready`);
    const program = await ifPresent(readFile(`/proc/${processId}/comm`, 'utf8'));
    if (program?.trim() === 'postgres' && ((await readContainerReadiness({ processId, ...connection })) ?? (await attempt.tools.postgres.isReady(connection)))) return;
    if (performance.now() > deadline) throw new Error(`the throw-away server ${connection.container} was not ready within 180 s`);
    await sleep(500, undefined, { signal: attempt.signal });
  }
}

function assertRestored(manifest: BackupManifest, restored: DatabaseFigures): void {
  const found = new Map(restored.tables.map(({ schema, name, rows }) => [`${schema}.${name}`, rows]));
  const differing = (manifest.figures?.tables ?? []).filter(({ schema, name, rows }) => found.get(`${schema}.${name}`) !== rows);
  const [first] = differing;
  if (!first) return;
  const name = `${first.schema}.${first.name}`;
  throw new PermanentFailure(
    `${differing.length} tables of the restored backup differ (${name}: ${first.rows} rows dumped, ${found.get(name) ?? 0} restored)`,
    'the backup does not hold what it should: roll back, find out why, and start again',
  );
}
