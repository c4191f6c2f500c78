import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ifPresent } from '../../host/failure.js';
import type { ClusterSettings } from '../../host/postgres/postgres.js';
import type { DatabaseFigures } from '../../host/postgres/postgresFigures.js';
import { ensureTextFile } from '../../host/files/textFile.js';
import type { Statistics } from '../source/statistics.js';

/** What is kept beside a backup: everything that a restore is held against. */
export interface BackupManifest {
  readonly file: string;
  readonly kind: 'full' | 'final' | 'cluster' | 'filesystem';
  readonly takenAt: string;
  /** How long that took. Older manifests do not tell. */
  readonly takenInSeconds?: number;
  readonly database: string;
  readonly serverVersion: string;
  readonly sizeBytes: number;
  /** Of the encrypted file. */
  readonly sha256: string;
  readonly runId: string;
  /** Counted in the dump's own snapshot. */
  readonly figures?: DatabaseFigures;
  /** Of a backup of the whole cluster: what the cluster was made with, and what it held. */
  readonly cluster?: {
    readonly settings: ClusterSettings;
    /** Figures that were the same before and after the dump; each database in it is of a moment of its own. */
    readonly statistics: Statistics;
  };
  /** ISO time of the last restore that held what it should. */
  readonly verifiedAt?: string;
}

/** Writes it beside the backup, durably. */
export async function keepManifest(manifest: BackupManifest): Promise<void> {
  await ensureTextFile({ path: `${manifest.file}.json`, content: `${JSON.stringify(manifest, null, 2)}\n`, mode: 0o600 });
}

/** The manifests of a directory's backups, in no order; none where there is no directory. */
export async function readManifests(directory: string): Promise<readonly BackupManifest[]> {
  const names = (await ifPresent(readdir(directory))) ?? [];
  const manifests = await Promise.all(
    names.filter((name) => name.endsWith('.gpg.json')).map(async (name) => JSON.parse(await readFile(join(directory, name), 'utf8')) as BackupManifest),
  );
  return manifests;
}
