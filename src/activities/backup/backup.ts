import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PermanentFailure } from '../../contract/errors.js';
import { shortRunId } from '../../contract/names.js';
import { ensureDirectory } from '../../host/files/ensureDirectory.js';
import { encryptStage, ensureGpgHome, WrongBackupPassphrase } from '../../host/gpg/gpg.js';
import { baseBackupStage, clusterDumpStage, dumpStage } from '../../host/postgres/postgresStages.js';
import { changes, reads, type Attempt } from '../activity.js';
import { keepFact, needFact, readFact } from '../run/runFacts.js';
import { keepManifest, readManifests, type BackupManifest } from './backupManifest.js';
import { decompressStage, restoreElsewhere } from './restoreCheck.js';
import { needSource } from '../source/source.js';
import { agreedStatistics, connectionOf, readStatistics } from '../source/statistics.js';

/** `full` is of the one database, the others of the whole cluster: `final` with users offline, `cluster` while they work. */
type DumpKind = 'full' | 'final' | 'cluster';

/** Backups: one stream, dump to zstd to gpg, published when every part of it succeeded; nothing here or elsewhere removes one. */
export const backupActivities = {
  /** The newest backup that a restore has proven, and its age. */
  readLastBackup: reads(async ({ config, now }) => {
    const manifests = await readManifests(config.backup.directory);
    const verified = manifests.flatMap(({ verifiedAt, takenAt, file }) => (verifiedAt === undefined || !existsSync(file) ? [] : [{ takenAt, file }]));
    const last = verified.sort((a, b) => a.takenAt.localeCompare(b.takenAt)).at(-1);
    const { maximumAgeHours } = config.backup;
    if (!last) return { ageHours: null, file: null, maximumAgeHours, counts: false };
    const ageHours = (now().getTime() - Date.parse(last.takenAt)) / 3_600_000;
    return { ageHours, file: last.file, maximumAgeHours, counts: ageHours <= maximumAgeHours };
  }),

  takeBackup: changes('BACKUP_CREATE', async (attempt, { kind }: { readonly kind: DumpKind }) => {
    const { config, tools } = attempt;
    const { name: database } = config.deployment.database;
    const done = await readFact<BackupManifest>(attempt, `backup-${kind}`);
    if (done) return describe(done);
    // Asked for before anything is done, so that the snapshot is not held while a person types.
    await backupPassphrase(attempt, kind !== 'final');
    const connection = await connectionOf(attempt);
    // A session of a killed attempt goes on dumping in the container.
    if (attempt.hasPredecessor) await tools.postgres.terminateSessions(connection);
    await assertSuperuser(attempt);
    const takenAt = attempt.now().toISOString();
    const began = performance.now();
    const file = await nameBackup(attempt, kind, kind === 'full' ? 'dump.zst.gpg' : 'sql.zst.gpg');
    const { published, ...held } = kind === 'full' ? await dumpDatabase(attempt, file) : await dumpCluster(attempt, file);
    const manifest: BackupManifest = {
      file,
      kind,
      takenAt,
      takenInSeconds: (performance.now() - began) / 1000,
      database,
      serverVersion: (await needSource(attempt)).serverVersion,
      sizeBytes: published.sizeBytes,
      sha256: published.sha256,
      runId: attempt.call.runId,
      ...held,
    };
    await keepManifest(manifest);
    await keepFact(attempt, `backup-${kind}`, manifest);
    return describe(manifest);
  }),

  /**
   * Decrypts the backup to its end and throws that away, then restores it into a throw-away server
   * without a network, and counts everything that it holds against the manifest.
   */
  verifyBackup: changes('BACKUP_VERIFY', async (attempt, { kind }: { readonly kind: DumpKind }) => {
    const manifest = await needFact<BackupManifest>(attempt, `backup-${kind}`);
    const { tools } = attempt;
    const passphrase = await backupPassphrase(attempt);
    const home = gpgHome(attempt);
    await ensureGpgHome(home);
    const began = performance.now();
    try {
      const secrets = { passphrase, homeDirectory: home };
      attempt.report({ phase: 'decrypting to the end' });
      const decrypted = await tools.gpg.decryptFully({ path: manifest.file, through: [decompressStage], signal: attempt.signal, ...secrets });
      if (decrypted.file.sha256 !== undefined && decrypted.file.sha256 !== manifest.sha256) {
        throw new PermanentFailure(`${manifest.file} is not the file that was written (its digest differs)`, 'check the disk under it, then take the backup again');
      }
      const restored = await restoreElsewhere(attempt, manifest, secrets);
      await keepManifest({ ...manifest, verifiedAt: attempt.now().toISOString() });
      return { ...restored, restoreSeconds: (performance.now() - began) / 1000 };
    } catch (error) {
      if (!(error instanceof WrongBackupPassphrase)) throw error;
      return attempt.refuseSecret('backupPassphrase', 'that does not decrypt the backup: the passphrase of the backups once more');
    } finally {
      await rm(home, { recursive: true, force: true });
    }
  }),

  /** The files of the whole cluster, consistent and encrypted; the plan's plain rsync of a running directory is neither. */
  takeFilesystemBackup: changes('BACKUP_CREATE', async (attempt) => {
    const done = await readFact<BackupManifest>(attempt, 'backup-filesystem');
    if (done) return { file: done.file, sizeBytes: done.sizeBytes };
    const { config } = attempt;
    const source = await needSource(attempt);
    const connection = await connectionOf(attempt);
    if (attempt.hasPredecessor) await attempt.tools.postgres.terminateSessions(connection);
    const file = await nameBackup(attempt, 'filesystem', 'tar.zst.gpg');
    const takenAt = attempt.now().toISOString();
    const { sizeBytes, sha256 } = await encryptInto(attempt, file, baseBackupStage(connection));
    const manifest: BackupManifest = {
      ...{ file, kind: 'filesystem', takenAt, sizeBytes, sha256 },
      ...{ database: config.deployment.database.name, serverVersion: source.serverVersion, runId: attempt.call.runId },
    };
    await keepManifest(manifest);
    await keepFact(attempt, 'backup-filesystem', manifest);
    return { file, sizeBytes };
  }),
};

function describe({ file, sizeBytes, sha256, takenInSeconds }: BackupManifest) {
  return { file, sizeBytes, sha256, ...(takenInSeconds === undefined ? {} : { takenInSeconds }) };
}

async function dumpDatabase(attempt: Attempt, file: string) {
  const connection = { ...(await connectionOf(attempt)), database: attempt.config.deployment.database.name };
  const { result: published, figures } = await attempt.tools.postgres.withSnapshot({ ...connection, signal: attempt.signal }, (snapshot) =>
    encryptInto(attempt, file, dumpStage({ ...connection, format: 'custom', snapshot })),
  );
  return { published, figures };
}

/** What a whole database server may have to be made of: roles, passwords, rights and every database. */
async function dumpCluster(attempt: Attempt, file: string) {
  const connection = await connectionOf(attempt);
  const settings = await attempt.tools.postgres.readClusterSettings(connection);
  attempt.report({ phase: 'counting' });
  const before = await readStatistics(attempt);
  const published = await encryptInto(attempt, file, clusterDumpStage(connection));
  attempt.report({ phase: 'counting again' });
  return { published, cluster: { settings, statistics: agreedStatistics(before, await readStatistics(attempt)) } };
}

/** Told the day before, and not when users are offline. */
async function assertSuperuser(attempt: Attempt): Promise<void> {
  const { user } = attempt.config.deployment.database;
  const roles = await attempt.tools.postgres.roles(await connectionOf(attempt));
  if (roles.some(({ name, isSuperuser }) => name === user && isSuperuser)) return;
  throw new PermanentFailure(`the role ${user} is no superuser, and only one can read the passwords of roles for the final backup`, 'name a superuser in deployment.database.user in lockstep.yaml, then retry');
}

async function encryptInto(attempt: Attempt, file: string, source: ReturnType<typeof dumpStage>) {
  const passphrase = await backupPassphrase(attempt);
  const home = gpgHome(attempt);
  await ensureGpgHome(home);
  try {
    return await attempt.tools.pipeline({
      stages: [source, { file: 'zstd', args: ['--compress', '--stdout', '--quiet', '-3'] }, encryptStage({ passphrase, homeDirectory: home })],
      // What an attempt published without telling the journal is written again: it may be of another moment.
      output: { path: file, mode: 0o600, replace: true },
      signal: attempt.signal,
      onProgress: ({ outputBytes }) => attempt.report({ phase: 'writing the backup', done: outputBytes, unit: 'bytes' }),
    });
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

async function nameBackup(attempt: Attempt, kind: string, ending: string): Promise<string> {
  const { directory } = attempt.config.backup;
  await ensureDirectory(directory, 0o700);
  const stamp = attempt.now().toISOString().replace(/[-:]/g, '').replace(/\.\d+Z$/, 'Z');
  const planned = await readFact<{ file: string }>(attempt, `backup-name-${kind}`);
  const file = planned?.file ?? join(directory, `${attempt.config.deployment.database.name}-${stamp}-${kind}.${ending}`);
  await keepFact(attempt, `backup-name-${kind}`, { file });
  return file;
}

/** @param isNew - Nothing has been encrypted with it yet: a slip of the finger would encrypt everything, and be proven by itself. */
export async function backupPassphrase(attempt: Attempt, isNew = false): Promise<Buffer> {
  return attempt.secret('backupPassphrase', "the passphrase of the backups, which is another than the volume's", { isNew });
}

/** On a tmpfs, for one use. */
export function gpgHome({ call }: Attempt): string {
  return `/run/lockstep/gpg-${shortRunId(call.runId)}-${call.node}`;
}
