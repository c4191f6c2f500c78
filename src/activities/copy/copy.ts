import { lstat, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { RollbackTrigger } from '../../contract/errors.js';
import { formatCount } from '../../contract/facts.js';
import { compareManifests, type ManifestComparison, type ManifestDifference } from '../../host/files/manifestComparison.js';
import { ifPresent } from '../../host/failure.js';
import { writeManifest, type ManifestProgress } from '../../host/files/manifest.js';
import { changes, reads, type Attempt } from '../activity.js';
import { assertUnused } from '../wayBack/carriedSource.js';
import { needSource } from '../source/source.js';
import { createRateMeter } from './rateMeter.js';
import { endCopy, markCopy } from './copyMark.js';
import { readControlDigest, type Cluster } from '../source/stoppedSource.js';
import { volumeLayout } from '../volume/openVolume.js';
import { forgetPrepared } from '../volume/preparedVolume.js';
import { begunByAdopted } from '../wrapper/journal.js';

/** The copy, and its proof. */
export const copyActivities = {
  /**
   * rsync from the stopped source; an attempt that follows another copies what is missing. The data
   * counts as copied once the filesystem of the volume is synced.
   */
  copyData: changes('DATA_COPY', async (attempt) => {
    const source = await needSource(attempt);
    await assertUnused(attempt, 'copying over it');
    // From here on it holds something.
    await forgetPrepared(attempt);
    return copyDirectory(attempt, { source: source.root, target: volumeLayout(attempt.config).dataDirectory, cluster: 'source' });
  }),

  /**
   * Every file of both sides by digest. The page cache is dropped before, so that what is read is what
   * the devices have; a digest that a killed attempt had proven is not computed again.
   */
  verifyCopy: reads(async (attempt) => {
    const source = await needSource(attempt);
    const { dataDirectory } = volumeLayout(attempt.config);
    return verifyEqual(attempt, {
      source: { name: 'source', directory: source.root },
      target: { name: 'copy', directory: dataDirectory },
      sizeBytes: source.sizeBytes,
      nextMove: `Lockstep writes over neither side: find out which is right (dmesg; pg_checksums where the cluster has checksums), and where the source is, copy the named files from ${source.root} to ${dataDirectory} (rsync --archive --checksum) and retry, which reads every file again; or roll back`,
    });
  }),
};

/**
 * Makes one directory equal to another that is at rest; it counts once the target's filesystem is synced.
 *
 * @param cluster - Which one the source holds.
 * @param byContent - What is in the target is not trusted by size and time.
 */
export async function copyDirectory(
  attempt: Attempt,
  { source, target, cluster, byContent = false }: { readonly source: string; readonly target: string; readonly cluster: Cluster; readonly byContent?: boolean },
) {
  const began = performance.now();
  // What a power cut left has the right size and time, and perhaps not the right content.
  const checksum = byContent || (await wasCutOff(attempt));
  const copied = await attempt.tools.rsync.copy({
    source,
    target,
    checksum,
    holds: checksum ? 'anything' : await markCopy(attempt, { target, sourceState: await readControlDigest(attempt, cluster) }),
    onProgress: ({ bytes, percent, bytesPerSecond }) => {
      attempt.report({
        phase: 'copying',
        done: bytes,
        ...(percent > 0 ? { total: Math.round((bytes * 100) / percent) } : {}),
        unit: 'bytes',
        rate: bytesPerSecond,
      });
    },
  });
  attempt.report({ phase: 'waiting until everything is written' });
  await attempt.tools.filesystem.syncFilesystem({ path: target });
  await endCopy(attempt);
  const seconds = (performance.now() - began) / 1000;
  return {
    files: copied.regularFiles,
    sizeBytes: copied.totalBytes,
    transferredBytes: copied.literalBytes,
    transferredFiles: copied.transferredFiles,
    bytesPerSecond: Math.round(copied.literalBytes / Math.max(seconds, 0.001)),
  };
}

/** A directory of the proof; its name is that of its manifest in the run's directory. */
interface Side {
  readonly name: string;
  readonly directory: string;
}

/**
 * Compares every file of two directories by digest, read from their devices.
 *
 * @param sizeBytes - About how large each is, for the progress.
 * @param nextMove - What a person does where they differ.
 * @throws {@link RollbackTrigger} naming the first files that differ.
 */
export async function verifyEqual(attempt: Attempt, { source, target, sizeBytes, nextMove }: { readonly source: Side; readonly target: Side; readonly sizeBytes: number; readonly nextMove: string }) {
  await attempt.tools.filesystem.dropPageCache();
  const total = { bytes: 2 * sizeBytes };
  const describe = ({ directory, name }: Side, before: number) => {
    const meter = createRateMeter();
    return writeManifest({
      file: join(attempt.directory, `${name}.manifest.jsonl`),
      directory,
      state: 'frozen',
      signal: attempt.signal,
      onProgress: ({ bytes }: ManifestProgress) => {
        attempt.report({
          phase: `reading the ${name}`,
          done: before + bytes,
          ...(total.bytes > 0 ? { total: total.bytes } : {}),
          unit: 'bytes',
          rate: meter(before + bytes),
        });
      },
    });
  };
  const original = await describe(source, 0);
  total.bytes = 2 * original.sizeBytes;
  const copy = await describe(target, original.sizeBytes);
  const comparison = await compareManifests({ source: original.file, target: copy.file });
  if (!comparison.equal) {
    // Not to be built upon: a bit that turned below the filesystem leaves no trace in times, and neither does its mend.
    for (const { file } of [original, copy]) await rename(file, `${file}.differed`);
    throw new RollbackTrigger(await describeDifference(comparison, source, target), nextMove, [
      ['missing in the copy', formatCount(comparison.missingCount)],
      ['different', formatCount(comparison.differentCount)],
      ['extra in the copy', formatCount(comparison.extraCount)],
    ]);
  }
  return {
    sourceFiles: original.files,
    targetFiles: copy.files,
    sourceBytes: original.sizeBytes,
    targetBytes: copy.sizeBytes,
    equalDigests: copy.files,
    bytesRead: original.bytesRead + copy.bytesRead,
    digest: copy.digest,
  };
}

/** An earlier attempt of this step ran before the host was last booted, or in a run that was taken up: nobody knows when that was. */
async function wasCutOff({ call, readJournal }: Pick<Attempt, 'call' | 'readJournal'>): Promise<boolean> {
  const entries = await readJournal();
  if (entries.some((entry) => begunByAdopted(entry).includes(call.node))) return true;
  const boots = entries.flatMap((entry) => (entry.kind === 'began' && entry.node === call.node ? [entry.bootId] : []));
  return new Set(boots).size > 1;
}

const namedAtMost = 5;

async function describeDifference({ missingCount, missing, extraCount, extra, differentCount, different }: ManifestComparison, source: Side, target: Side): Promise<string> {
  const changes = await Promise.all(different.slice(0, namedAtMost).map((difference) => describeFile(difference, source, target)));
  const named = [...missing.map((path) => `${path} is missing`), ...changes, ...extra.map((path) => `${path} is extra`)];
  return `the copy differs: ${missingCount} files missing, ${differentCount} different, ${extraCount} extra (${named.slice(0, namedAtMost).join('; ')})`;
}

/** The time of the last change tells which side somebody wrote to; below the filesystem nobody keeps one. */
async function describeFile({ path, fields }: ManifestDifference, ...sides: readonly Side[]): Promise<string> {
  const times = await Promise.all(
    sides.map(async ({ name, directory }) => `${name} last changed ${(await ifPresent(lstat(join(directory, path))))?.ctime.toISOString() ?? 'never'}`),
  );
  return `${path} differs in ${fields.join(', ')}: ${times.join(', ')}`;
}

