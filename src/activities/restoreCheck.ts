import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PermanentFailure } from '../contract/errors.js';
import { ifPresent } from '../host/failure.js';
import { decryptStage, explainDecryption, type GpgPassphrase } from '../host/gpg.js';
import type { DatabaseFigures } from '../host/postgresFigures.js';
import { readContainerReadiness } from '../host/postgresReadiness.js';
import { pgRestoreStage } from '../host/postgresStages.js';
import type { Attempt } from './activity.js';
import type { BackupManifest } from './backupManifest.js';
import { needSource } from './source.js';

const mebibyte = 1024 * 1024;
const readyWithinMilliseconds = 180_000;

/** Undoes what compressed a backup; fails where its trailer is missing. */
export const decompressStage = { file: 'zstd', args: ['--decompress', '--stdout', '--quiet'] } as const;

/**
 * Restores a backup into a throw-away server of the same image, without a network, and counts every
 * table against the manifest.
 */
export async function restoreElsewhere(attempt: Attempt, manifest: BackupManifest, secrets: GpgPassphrase) {
  const { config, tools, call } = attempt;
  const source = await needSource(attempt);
  const runId = `${call.runId}-restore`;
  const container = `lockstep-restore-${call.runId.slice(0, 8)}`;
  const data = join(attempt.directory, 'restore');
  const clean = async (): Promise<void> => {
    await tools.throwaways.remove({ runId });
    await rm(data, { recursive: true, force: true });
  };
  if (attempt.hasPredecessor) await clean();
  try {
    attempt.report({ phase: 'starting a throw-away server' });
    const { user, name: database } = config.deployment.database;
    await tools.throwaways.start({
      name: container,
      image: source.image,
      runId,
      // It has no network, and is gone in a minute.
      environment: { POSTGRES_USER: user, POSTGRES_DB: database, POSTGRES_HOST_AUTH_METHOD: 'trust', PGDATA: source.pgdata },
      mounts: [await placeFor(attempt, data, source.mountTarget)],
    });
    await waitForServer(attempt, { container, user, database });
    attempt.report({ phase: 'restoring' });
    const connection = { container, user, database };
    await tools
      .pipeline({
        stages: [decryptStage(secrets), decompressStage, pgRestoreStage(connection)],
        input: { path: manifest.file },
        output: 'discard',
        signal: attempt.signal,
        onProgress: ({ inputBytes }) => attempt.report({ phase: 'restoring', done: inputBytes, total: manifest.sizeBytes, unit: 'bytes' }),
      })
      .catch((error: unknown) => {
        throw explainDecryption(error, manifest.file);
      });
    const figures = await tools.postgres.rowCounts({ ...connection, signal: attempt.signal });
    assertRestored(manifest, figures);
    return { tables: figures.tables.length, rows: figures.tables.reduce((sum, { rows }) => sum + rows, 0) };
  } finally {
    await clean();
  }
}

/** In memory where it fits, so that nothing in the clear reaches a disk; else beside the run's journal, for a minute. */
async function placeFor(attempt: Attempt, directory: string, target: string) {
  const source = await needSource(attempt);
  const { availableBytes } = await attempt.tools.system.readMemory();
  const neededBytes = source.sizeBytes * 2 + 128 * mebibyte;
  if (neededBytes < availableBytes / 2) return { type: 'tmpfs', target, sizeBytes: neededBytes } as const;
  await mkdir(directory, { recursive: true, mode: 0o700 });
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
    'the backup does not hold what it should: take another one',
  );
}
