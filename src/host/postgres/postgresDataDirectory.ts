import { lstat, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { PermanentFailure } from '../../contract/errors.js';
import { ifPresent } from '../failure.js';

/** What a data directory says of itself, without a PostgreSQL program. */
export interface DataDirectoryFacts {
  /** Such as `15`. */
  readonly majorVersion: string;
  /** The owner, who is another in the alpine image (70) than in the Debian one (999). */
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
  /** Whether a postmaster holds it, or one that was killed has left its lock file. */
  readonly hasPostmasterPid: boolean;
  /** Whether it is a backup that has not been recovered yet. */
  readonly hasBackupLabel: boolean;
  /** Whether it is a standby, whose data another server decides. */
  readonly isStandby: boolean;
}

/** @throws PermanentFailure where the directory holds no cluster. */
export async function readDataDirectoryFacts({ path }: { path: string }): Promise<DataDirectoryFacts> {
  const version = await ifPresent(readFile(join(path, 'PG_VERSION'), 'utf8'));
  if (version === undefined) {
    throw new PermanentFailure(`${path} holds no PostgreSQL cluster (it has no PG_VERSION)`, "compare PGDATA of the image with the service's volumes");
  }
  const { uid, gid, mode } = await stat(path);
  const has = async (name: string) => (await ifPresent(lstat(join(path, name)))) !== undefined;
  return {
    majorVersion: version.trim(),
    uid,
    gid,
    mode: mode & 0o7777,
    hasPostmasterPid: await has('postmaster.pid'),
    hasBackupLabel: await has('backup_label'),
    isStandby: await has('standby.signal'),
  };
}
