import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { listPlaintext, type Listing } from '../../../../src/activities/decommission/listing.js';
import { readMigration } from '../../../../src/activities/decommission/migration.js';
import { keepFact } from '../../../../src/activities/run/runFacts.js';
import { openJournal, type JournalEntry } from '../../../../src/activities/wrapper/journal.js';
import { createMounts } from '../../../../src/host/disks/mounts.js';
import { createOpenFiles } from '../../../../src/host/disks/openFiles.js';
import { createRun } from '../../../../src/host/processes/runner.js';
import { createAttempt } from '../attempt.js';

const identity = { node: 'copy', title: 'Copy', plan: '4', opening: 1, phase: 'do', undoable: true } as const;
const settings = { filesystemCopy: false, testAccount: false, firstHourSeconds: 1, daySeconds: 1 };
export const opened: Extract<JournalEntry, { kind: 'opened' }> = { kind: 'opened', at: '2026-09-01T19:00:00Z', call: identity, nodes: ['copy'], settings, bootId: 'b', configDigest: 'd', lockstepVersion: '1' };
export const began: Extract<JournalEntry, { kind: 'began' }> = { kind: 'began', at: '2026-09-01T19:01:00Z', attempt: 1, bootId: 'b', ...identity };
export const mark: JournalEntry = { kind: 'mark', at: '2026-09-01T20:00:00Z', mark: 'users may write on the new volume' };
export const closedAs = (state: string): JournalEntry => ({ kind: 'closed', at: '2026-09-01T21:00:00Z', state, outcome: '' });

const countedAt = '2026-09-01T19:30:00.000Z';
export const stoppedAt = '2026-09-01T19:31:00Z';
export const startedAt = '2026-09-20T08:00:00Z';

/** What of a control file is read: the identifier, and when it was written. */
export function controlFile(identifier: bigint, writtenAt: string): Buffer {
  const content = Buffer.alloc(8192);
  content.writeBigUInt64LE(identifier, 0);
  content.writeBigInt64LE(BigInt(Date.parse(writtenAt) / 1000), 24);
  return content;
}

export const digestAt = (writtenAt: string) => createHash('sha256').update(controlFile(7n, writtenAt)).digest('hex');

/** A host after a migration: the old cluster, its copy on the volume, and what else lies about. */
export async function hostAfterMigration(directory: string) {
  const own = join(directory, 'state', 'runs', 'decommissionPlaintext-new');
  const migration = join(directory, 'state', 'runs', 'migrate-0123abcd-0000-7000-8000-0123456789ab');
  const root = join(directory, 'old');
  const mountPoint = join(directory, 'volume');
  const backups = join(directory, 'backups');
  const makeCluster = async (path: string, identifier = 7n, writtenAt = stoppedAt) => {
    await mkdir(join(path, 'global'), { recursive: true });
    await writeFile(join(path, 'PG_VERSION'), '15\n');
    await writeFile(join(path, 'global', 'pg_control'), controlFile(identifier, writtenAt));
  };
  await makeCluster(root);
  await makeCluster(join(mountPoint, 'pgdata'));
  await mkdir(backups);
  await mkdir(own, { recursive: true });
  await (await openJournal(join(migration, 'journal.jsonl'))).append(opened, began, mark, closedAs('succeeded'));
  await keepFact({ directory: migration }, 'source', { root, directory: root, container: 'db', applicationContainer: 'app' });
  const tablesOf = (...names: readonly string[]) => ({ tables: names.map((name) => ({ schema: 'public', name, rows: 1 })) });
  await keepFact({ directory: migration }, 'statistics-stopped', { at: countedAt, databases: { shop: tablesOf('orders', 'users'), postgres: tablesOf() } });
  await keepFact({ directory: migration }, 'stopped', { controlDigest: digestAt(stoppedAt) });
  const containers: Record<string, unknown> = {};
  const attempt = createAttempt({
    directory: own,
    config: {
      stateDirectory: join(directory, 'state'),
      volume: { mountPoint, file: join(directory, 'volume.img') },
      backup: { directory: backups },
      deployment: { directory: join(directory, 'deployment') },
    },
    tools: {
      mounts: createMounts({ run: createRun() }),
      // Of the machine's other processes a container may not show their files.
      openFiles: { ...createOpenFiles(), readProcesses: () => Promise.resolve([process.pid]) },
      docker: { readContainer: (name: string) => Promise.resolve(containers[name]), readContainerIds: () => Promise.resolve(Object.keys(containers)) },
    },
  });
  return { attempt, root, backups, migration, containers, makeCluster };
}

export const dumpOf = (...tables: readonly string[]) => `--\n-- PostgreSQL database dump\n--\n${tables.map((table) => `CREATE TABLE public.${table} (id bigint);\n`).join('')}`;

export async function listed(attempt: Awaited<ReturnType<typeof hostAfterMigration>>['attempt']): Promise<Listing> {
  await readMigration(attempt);
  return listPlaintext(attempt);
}
