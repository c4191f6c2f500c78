import { chmod, chown, mkdir, rm, stat } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { PermanentFailure } from '../../contract/errors.js';
import { formatBytes } from '../../contract/facts.js';
import { shortRunId } from '../../contract/names.js';
import { readDigest } from '../../host/files/fileDigest.js';
import { ensureGpgHome, WrongBackupPassphrase } from '../../host/gpg/gpg.js';
import { changes, type Attempt } from '../activity.js';
import { backupPassphrase, gpgHome } from '../backup/backup.js';
import type { BackupManifest } from '../backup/backupManifest.js';
import { assertMayReturn, exists, finishExchange, isCarriedOver, restoredExchangeFact, type Exchange } from './carriedSource.js';
import { withRestored } from '../backup/restoreCheck.js';
import { assertOverlayDeselected } from '../services/overlaySelection.js';
import { keepFact, needFact, readFact } from '../run/runFacts.js';
import { ensureApplicationStopped, ensureDatabaseStopped, ensureDatabaseUp } from '../services/ensureServices.js';
import { needSource } from '../source/source.js';
import { takeOverConfiguration } from '../source/serverConfiguration.js';
import { restoreSizeBytes } from '../source/space.js';
import { assertEqualStatistics, beforeRecoveryFact, differByRecovery, readStatistics, type Statistics } from '../source/statistics.js';
import { restoredFact, type RestoredFact } from '../source/stoppedSource.js';

const stopSeconds = 300;

/** The way back where the old volume is of no use: the run's final backup. */
export const restoredSourceActivities = {
  /**
   * Restores the final backup into a new directory beside the source, proves there that it holds what
   * was recorded when the source was stopped, and only then puts it into the source's place. The
   * damaged directory is renamed, and otherwise left alone.
   */
  restoreFinalBackup: changes('BACKUP_RESTORE', async (attempt) => {
    await assertMayReturn(attempt);
    await assertOverlayDeselected(attempt);
    if (await isCarriedOver(attempt)) {
      throw new PermanentFailure('the final backup is older than what users wrote on the encrypted volume, which was carried over', 'mend the carried-over cluster, or go back to the kept directory by hand');
    }
    const manifest = await needWholeBackup(attempt);
    const recorded = await readRecorded(attempt, manifest);
    await ensureApplicationStopped(attempt);
    const done = await readFact<RestoredFact>(attempt, restoredFact);
    const exchange = await readFact<Exchange>(attempt, restoredExchangeFact);
    if (done === undefined) {
      await ensureDatabaseStopped(attempt);
      await exchangeFor(attempt, exchange ?? (await restoreBeside(attempt, manifest, recorded)), manifest);
    }
    await ensureDatabaseUp(attempt);
    const found = await readStatistics(attempt);
    assertEqualStatistics(recorded, found, 'somebody has written since it was restored: look who, then retry or skip');
    const { kept, configuration } = await needFact<RestoredFact>(attempt, restoredFact);
    return { equal: true, restored: manifest.file, takenAt: manifest.takenAt, kept, configuration };
  }),
};

/**
 * What the backup has to hold: what the source held when it was stopped; or, where a recovery came between the two, what it
 * held before that, as it was recorded then or else when the backup was taken.
 */
async function readRecorded(attempt: Attempt, { cluster }: BackupManifest): Promise<Statistics> {
  const stopped = await needFact<Statistics>(attempt, 'statistics-stopped');
  const before = [await readFact<Statistics>(attempt, beforeRecoveryFact), cluster?.statistics];
  return before.find((each) => each !== undefined && differByRecovery(each, stopped)) ?? stopped;
}

/** @throws {@link PermanentFailure} where there is no backup to restore, before anything is stopped or written. */
async function needWholeBackup(attempt: Attempt): Promise<BackupManifest> {
  const manifest = await needFact<BackupManifest>(attempt, 'backup-final');
  if (manifest.cluster === undefined) {
    throw new PermanentFailure(`${manifest.file} holds the database ${manifest.database} alone, without roles and other databases: an earlier version of Lockstep took it`, 'mend the old volume and retry, or restore by hand');
  }
  if (!(await exists(manifest.file))) throw new PermanentFailure(`the final backup ${manifest.file} is gone`, 'bring it back from where it is kept besides, then retry');
  attempt.report({ phase: 'reading the backup' });
  const sha256 = await readDigest({ file: manifest.file, signal: attempt.signal });
  if (sha256 === manifest.sha256) return manifest;
  throw new PermanentFailure(`${manifest.file} is not the file that was written (its digest differs)`, 'bring it back from where it is kept besides, then retry');
}

/** Whatever an attempt before this one left unfinished there is made anew; it never had the source's place. */
async function restoreBeside(attempt: Attempt, manifest: BackupManifest, recorded: Statistics): Promise<Exchange> {
  const { root, directory, uid, gid, sizeBytes, image } = await needSource(attempt);
  const run = shortRunId(attempt.call.runId);
  const exchange: Exchange = { root, incoming: `${root}.restored-${run}`, kept: `${root}.damaged-${run}` };
  const { incoming: restored } = exchange;
  await assertRoom(attempt, root, restored, sizeBytes);
  const passphrase = await backupPassphrase(attempt);
  const homeDirectory = gpgHome(attempt);
  await ensureGpgHome(homeDirectory);
  try {
    const place = async (target: string) => {
      await rm(restored, { recursive: true, force: true });
      await mkdir(restored, { mode: 0o700 });
      // The server's user has to get through it to the data directory.
      await takeOverOwner(root, restored);
      return { type: 'bind', source: restored, target } as const;
    };
    await withRestored(attempt, manifest, { passphrase, homeDirectory }, place, async ({ container }) => {
      attempt.report({ phase: 'proving the restored cluster' });
      assertEqualStatistics(recorded, await readStatistics(attempt, container), 'the backup does not hold what the source held when it was stopped: mend the old volume, or skip and restore by hand');
      await attempt.tools.throwaways.stop({ name: container, timeoutSeconds: stopSeconds });
    });
  } catch (error) {
    if (!(error instanceof WrongBackupPassphrase)) throw error;
    return attempt.refuseSecret('backupPassphrase', 'that does not decrypt the backup: the passphrase of the backups once more');
  } finally {
    await rm(homeDirectory, { recursive: true, force: true });
  }
  const data = join(restored, relative(root, directory));
  const { state } = await attempt.tools.postgres.readStoppedControlData({ image, directory: data, label: attempt.call.runId });
  if (state !== 'shut down') throw new Error(`the restored cluster was not stopped cleanly: its state is "${state}"`);
  const configuration = await takeOverConfiguration({ from: directory, to: data });
  // The image may have given the files to another user than the one that the service runs as.
  await attempt.run('chown', ['--recursive', '--no-dereference', `${uid}:${gid}`, data], { timeout: 'service' });
  await takeOverOwner(root, restored);
  await attempt.tools.filesystem.syncFilesystem({ path: restored });
  await keepFact(attempt, 'restored-configuration', { configuration });
  await keepFact(attempt, restoredExchangeFact, exchange);
  return exchange;
}

async function exchangeFor(attempt: Attempt, exchange: Exchange, manifest: BackupManifest): Promise<void> {
  const { root, kept } = exchange;
  await finishExchange(exchange);
  const at = attempt.now().toISOString();
  const { configuration } = await needFact<{ configuration: string }>(attempt, 'restored-configuration');
  await attempt.journal({ kind: 'note', at, text: `restored ${manifest.file} in the place of ${root}; the damaged directory is kept as ${kept}, and the backup until decommission; configuration: ${configuration}` });
  await keepFact(attempt, restoredFact, { kept, file: manifest.file, at, configuration } satisfies RestoredFact);
}

async function assertRoom(attempt: Attempt, root: string, restored: string, databaseBytes: number): Promise<void> {
  const parent = dirname(root);
  const [{ dev }, { dev: ofParent }] = await Promise.all([stat(root), stat(parent)]);
  if (dev !== ofParent) throw new PermanentFailure(`${root} is a filesystem of its own, so no other directory can take its place`, 'mend the old volume and retry, or restore the backup there by hand');
  // What a killed attempt left there is in the way, and counts as room once it is gone.
  await rm(restored, { recursive: true, force: true });
  const { availableBytes } = await attempt.tools.filesystem.readSpace({ path: parent });
  const needed = restoreSizeBytes(databaseBytes);
  if (availableBytes >= needed) return;
  throw new PermanentFailure(`${parent} has ${formatBytes(availableBytes)} free, and the restored cluster takes up to ${formatBytes(needed)}`, 'free space there, then retry; the damaged directory stays as it is');
}

async function takeOverOwner(from: string, to: string): Promise<void> {
  const { uid, gid, mode } = await stat(from);
  await chown(to, uid, gid);
  await chmod(to, mode & 0o7777);
}
