import { lstat, readdir, readFile, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { readLinksLeaving, walkTree } from '../../host/files/directoryTree.js';
import { readDigest } from '../../host/files/fileDigest.js';
import { ifPresent } from '../../host/failure.js';
import { isWithin } from '../../host/files/paths.js';
import { readSystemIdentifier, recogniseFile } from '../../host/postgres/plaintextCopy.js';
import { readSwapAreas } from '../../host/disks/swap.js';
import { identityOf } from '../../host/files/treeRemoval.js';
import { formatBytes } from '../../contract/facts.js';
import type { Attempt } from '../activity.js';
import { readOtherRuns } from '../run/runsOnHost.js';
import { needSystemIdentifier, type MigrationFact } from './migration.js';
import { measureCopy, type Copy } from './measuredCopy.js';
import { toKnownDatabases, whyNotOfCluster, type KnownDatabases } from '../backup/dumpOrigin.js';
import { controlFileOf, readRecordedStops, whyNotAsStopped, whyNotOlder, type RecordedStops } from '../source/recordedStops.js';
import { needFact } from '../run/runFacts.js';
import { needSource } from '../source/source.js';
import type { Statistics } from '../source/statistics.js';

/** What is not removed, and why. */
export interface Kept {
  readonly what: string;
  readonly where: string;
  readonly why: string;
}

/** Every copy in the clear that this host shows. */
export interface Listing {
  readonly copies: readonly Copy[];
  readonly kept: readonly Kept[];
}

interface Search {
  readonly attempt: Attempt;
  readonly systemIdentifier: string;
  readonly known: KnownDatabases;
  readonly stops: RecordedStops;
  /** ISO time. */
  readonly inUseSince: string;
  readonly copies: Copy[];
  readonly kept: Kept[];
  /** Directories that were looked at as the old volume's: by that rule alone, wherever they are found again. */
  readonly judged: string[];
}

/** Looks for copies of the database in the clear; nothing is changed. */
export async function listPlaintext(attempt: Attempt): Promise<Listing> {
  const known = toKnownDatabases(await needFact<Statistics>(attempt, 'statistics-stopped'));
  const { inUseSince } = await needFact<MigrationFact>(attempt, 'migration');
  const stops = await readRecordedStops(attempt);
  const search: Search = { attempt, systemIdentifier: await needSystemIdentifier(attempt), known, stops, inUseSince, copies: [], kept: [], judged: [] };
  await listOldVolume(search);
  for (const place of [attempt.config.backup.directory, ...attempt.config.decommission.places]) await searchPlace(search, place);
  await listLeftRestores(search);
  await listContainers(search);
  for (const { path, sizeBytes, isProtected } of await readSwapAreas()) {
    if (!isProtected) search.kept.push({ what: 'swap', where: path, why: `${formatBytes(sizeBytes)} that are not on dm-crypt may hold pages of the database: swapoff, encrypt it with a key of each boot, swapon` });
  }
  return { copies: search.copies, kept: search.kept };
}

/** The old data directory, and what carrying back kept beside it. */
async function listOldVolume(search: Search): Promise<void> {
  const { root, directory } = await needSource(search.attempt);
  await addCluster(search, { what: 'old data directory', path: root, cluster: directory, keepsPlace: true });
  // A migration refuses links that leave the directory: these were made afterwards.
  for (const { path, target } of (await ifPresent(readLinksLeaving({ directory: root }))) ?? []) {
    search.kept.push({ what: 'link out of the old data directory (a tablespace, or WAL)', where: `${root}/${path}`, why: `what it leads to (${target}) is not followed: look there` });
  }
  const runs = await readOtherRuns(search.attempt);
  for (const name of (await ifPresent(readdir(dirname(root)))) ?? []) {
    const run = new RegExp(String.raw`^\.(?:before|carried|restored|damaged)-([0-9a-f-]{8}|[0-9a-f]{12})$`).exec(name.slice(basename(root).length))?.[1];
    if (!name.startsWith(basename(root)) || run === undefined) continue;
    const path = join(dirname(root), name);
    if (runs.some((each) => each.name.includes(`-${run}`))) await addCluster(search, { what: 'data directory kept by an earlier way back', path, cluster: join(path, directory.slice(root.length)), keepsPlace: false });
    else {
      search.judged.push(await realpath(path));
      search.kept.push({ what: 'directory beside the old data', where: path, why: 'no run of this host is known to have made it' });
    }
  }
  if (search.copies.length === 0 && !search.kept.some(({ where }) => where === root)) return;
  const archiving = await readArchiveCommand(directory);
  if (archiving !== undefined) search.kept.push({ what: 'WAL archive', where: archiving, why: 'the old cluster archived by this command: name the directory in decommission.places, or remove what lies elsewhere yourself' });
}

/** A cluster of the old volume counts where it bears the identifier of the one on the encrypted volume, and was not started since it was stopped. */
async function addCluster(search: Search, { what, path, cluster, keepsPlace }: { what: string; path: string; cluster: string; keepsPlace: boolean }): Promise<void> {
  const names = await ifPresent(readdir(path));
  if (names === undefined || isEmptied(names)) return;
  search.judged.push(await realpath(path));
  const found = await readSystemIdentifier(cluster);
  if (found === search.systemIdentifier) await addUnlessKept(search, { what, path, keepsPlace, cluster, why: await whyNotAsStopped(cluster, search.stops) });
  else if (found === undefined && keepsPlace && (await isHalfRemoved(search.attempt, path))) await addCopy(search, { what, path, keepsPlace });
  else search.kept.push({ what, where: path, why: found === undefined ? 'it is no data directory of PostgreSQL any more' : `it is another cluster (system identifier ${found}, not ${search.systemIdentifier})` });
}

/** The file that stays in an emptied place. */
export const removedNotice = 'REMOVED-BY-LOCKSTEP.txt';

/** Whether a place holds nothing but what a removal leaves in it. */
export function isEmptied(names: readonly string[]): boolean {
  return names.every((name) => name === removedNotice);
}

/** A removal that was cut off may have taken the control file first; what it began to remove was recorded with its identity. */
async function isHalfRemoved(attempt: Attempt, path: string): Promise<boolean> {
  const stats = await lstat(path, { bigint: true });
  const { device, inode } = identityOf(stats);
  for (const run of await readOtherRuns(attempt)) {
    if (!run.name.startsWith('decommissionPlaintext-') || !run.entries.some((entry) => entry.kind === 'began' && entry.node === 'remove-plaintext')) continue;
    const { copies } = await needFact<Listing>(run, 'plaintext');
    if (copies.some((copy) => copy.path === path && copy.identity.device === device && copy.identity.inode === inode)) return true;
  }
  return false;
}

async function searchPlace(search: Search, place: string): Promise<void> {
  const skipped: string[] = [];
  if ((await ifPresent(lstat(place))) === undefined) return;
  const device = (await lstat(await realpath(place), { bigint: true })).dev;
  const root = await realpath(place);
  const mounted = new Set((await search.attempt.tools.mounts.readMountsWithin({ directory: root })).map(({ mountPoint }) => mountPoint));
  for await (const { path, stats } of walkTree({ directory: root })) {
    const full = path === '.' ? root : join(root, path);
    if (skipped.some((below) => full.startsWith(`${below}/`))) continue;
    if (mounted.has(full) || (stats.isDirectory() && stats.dev !== device)) {
      skipped.push(full);
      search.kept.push({ what: 'another filesystem', where: full, why: 'mounts are not crossed: name it in decommission.places of its own' });
    } else if (stats.isDirectory()) {
      if (search.judged.some((judged) => isWithin(full, judged))) {
        skipped.push(full);
        continue;
      }
      const found = await readSystemIdentifier(full);
      if (found === undefined) continue;
      skipped.push(full);
      if ((await ifPresent(lstat(join(full, 'standby.signal')))) !== undefined) search.kept.push({ what: 'cluster', where: full, why: 'it is a standby, which another server may need' });
      else if (found === search.systemIdentifier) await addUnlessKept(search, { what: 'filesystem copy', path: full, keepsPlace: false, cluster: full, why: await whyNotOlder(full, search.stops) });
      else search.kept.push({ what: 'cluster', where: full, why: `it is another one (system identifier ${found})` });
    } else if (stats.isFile()) await addFile(search, full);
    else if (stats.isSymbolicLink()) search.kept.push({ what: 'symbolic link', where: full, why: 'links are not followed: look where it leads' });
  }
}

async function addFile(search: Search, path: string): Promise<void> {
  // Manifests of backups hold names and counts.
  if (path.endsWith('.gpg.json')) return;
  const found = await recogniseFile(path, basename(path));
  if (found.kind === 'encrypted' || found.kind === 'cluster') return;
  if (found.kind === 'WAL segment' && found.systemIdentifier === search.systemIdentifier) {
    // The cluster on the volume bears the same identifier: what it archives may be somebody's way to a point in time.
    const isOld = (await lstat(path)).mtimeMs < Date.parse(search.inUseSince);
    if (isOld) await addCopy(search, { what: 'WAL segment', path, keepsPlace: false });
    else search.kept.push({ what: 'WAL segment', where: path, why: 'it was archived since the encrypted volume is in use: encrypt the archive first' });
  } else if (found.kind === 'dump') {
    search.attempt.report({ phase: `reading ${path}` });
    await addUnlessKept(search, { what: 'dump in the clear', path, keepsPlace: false, why: await whyNotOfCluster(path, search.known, search.attempt.signal) });
  } else search.kept.push({ what: 'file', where: path, why: found.kind === 'unknown' ? found.why : 'a WAL segment of another cluster' });
}

type Found = Pick<Copy, 'what' | 'path' | 'keepsPlace'> & { readonly cluster?: string };

async function addUnlessKept(search: Search, { why, ...found }: Found & { readonly why: string | undefined }): Promise<void> {
  if (why === undefined) await addCopy(search, found);
  else search.kept.push({ what: found.what, where: found.path, why });
}

async function addCopy(search: Search, { what, path, keepsPlace, cluster }: Found): Promise<void> {
  const real = await realpath(path);
  const measured = await measureCopy({ what, path: real, keepsPlace });
  const copy = cluster === undefined ? measured : { ...measured, control: { path: controlFileOf(cluster), digest: await readDigest({ file: controlFileOf(cluster) }) } };
  const obstacle = await findObstacle(search.attempt, copy);
  // What lies in another copy goes with it.
  if (search.copies.some((other) => isWithin(real, other.path))) return;
  if (obstacle === undefined) search.copies.push(copy);
  else search.kept.push({ what, where: real, why: obstacle });
}

/** What of the host must not go with a copy, and what of the copy must not be there. */
export async function findObstacle({ config, tools }: Attempt, { path, isDirectory }: Copy): Promise<string | undefined> {
  const { deviceNumber } = await tools.mounts.readMountUnder({ path });
  const mapped = await tools.mounts.readMappedDevice({ deviceNumber });
  if (mapped?.name === config.volume.name) return 'it lies on the encrypted volume';
  const mounts = isDirectory ? await tools.mounts.readMountsWithin({ directory: path }) : [];
  if (mounts[0] !== undefined) return `something is mounted in it (${mounts[0].mountPoint}): mounts are not crossed`;
  const wanted = [config.volume.file, config.volume.mountPoint, config.stateDirectory, config.auditLog, config.backup.directory, config.deployment.directory];
  const within = wanted.find((each) => isWithin(each, path));
  return within === undefined ? undefined : `${within} lies in it`;
}

/** What a test restore left that was killed: a run that ends removes it. */
async function listLeftRestores(search: Search): Promise<void> {
  for (const { directory } of await readOtherRuns(search.attempt)) {
    const path = join(directory, 'restore');
    if (((await ifPresent(readdir(path))) ?? []).length > 0) search.kept.push({ what: 'left by a test restore', where: path, why: 'it is no copy of the old volume: remove it by hand' });
    for (const name of (await readdir(directory)).filter((each) => /^errors-.*\.log$/.test(each))) {
      search.kept.push({ what: 'log lines kept by a run', where: join(directory, name), why: 'they are evidence of that run, and may quote what users wrote' });
    }
  }
}

async function listContainers({ attempt, kept }: Search): Promise<void> {
  const { container, applicationContainer } = await needSource(attempt);
  for (const name of [container, applicationContainer]) {
    const file = (await attempt.tools.docker.readContainer(name))?.logFile;
    const stats = file === undefined ? undefined : await ifPresent(lstat(file));
    if (file !== undefined && stats !== undefined) {
      kept.push({ what: `container log of ${name}`, where: file, why: `${formatBytes(stats.size)}: the running service writes it, and Docker alone may rotate it; statements in error messages may quote what users wrote` });
    }
  }
}

/** Of the old cluster's own settings; the last one written counts. */
async function readArchiveCommand(directory: string): Promise<string | undefined> {
  let command: string | undefined;
  for (const file of ['postgresql.conf', 'postgresql.auto.conf']) {
    const text = (await ifPresent(readFile(join(directory, file), 'utf8'))) ?? '';
    for (const [, value] of text.matchAll(/^\s*archive_command\s*=?\s*'(.*)'/gm)) command = value;
  }
  return command === '' || command === '(disabled)' ? undefined : command;
}
