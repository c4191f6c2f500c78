import { createHash } from 'node:crypto';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { keepManifest, readManifests, type BackupManifest } from '../../../../src/activities/backup/backupManifest.js';
import { decommissionActivities } from '../../../../src/activities/decommission/decommission.js';
import { keepFact } from '../../../../src/activities/run/runFacts.js';
import type { Pipeline } from '../../../../src/host/processes/pipeline.js';
import { withDirectory } from '../../needsRoot.js';
import { createAttempt } from '../attempt.js';

const statistics = {
  at: '',
  databases: { supersync: { tables: [{ schema: 'public', name: 'operations', rows: 3 }], sequences: [], largeObjects: 0 }, postgres: { tables: [], sequences: [], largeObjects: 0 } },
  roles: [{ name: 'supersync', isSuperuser: true }],
  sizes: [],
} as unknown as NonNullable<BackupManifest['cluster']>['statistics'];
const cluster = { settings: {} as NonNullable<BackupManifest['cluster']>['settings'], statistics };

/** What a manifest says otherwise, or not at all. */
type Different = { readonly [Key in keyof BackupManifest]?: BackupManifest[Key] | undefined };

/** A host that a migration has left, a day before this attempt, and its backup directory. */
async function hostAfterMigration(directory: string) {
  const backups = join(directory, 'backups');
  await mkdir(backups);
  const dumped: Pipeline[] = [];
  const asked: unknown[] = [];
  const made = createAttempt({
    directory,
    config: { backup: { directory: backups } },
    tools: {
      postgres: { roles: () => Promise.resolve(statistics.roles), readClusterSettings: () => Promise.resolve(cluster.settings), readCluster: () => Promise.resolve(statistics) },
      pipeline: async (pipeline: Pipeline) => {
        dumped.push(pipeline);
        await writeFile((pipeline.output as { path: string }).path, 'encrypted');
        return { sizeBytes: 9, sha256: digestOf('encrypted') };
      },
      gpg: { decryptFully: ({ path }: { path: string }) => Promise.reject(new Error(`asked to decrypt ${path}`)) },
    },
  });
  const secret = (_name: string, _reason: string, options: unknown) => {
    asked.push(options);
    return Promise.resolve(Buffer.from('passphrase'));
  };
  await keepFact(made, 'migration', { inUseSince: '2026-10-31T20:00:00.000Z' });
  await keepFact(made, 'source', { container: 'database', serverVersion: '15.8' });
  const keepBackup = async (different: Different) => {
    const file = join(backups, `${different.kind ?? 'cluster'}.gpg`);
    await writeFile(file, 'verified');
    const manifest = {
      ...{ file, kind: 'cluster', takenAt: '2026-11-01T08:00:00.000Z', verifiedAt: '2026-11-01T08:10:00.000Z', cluster },
      ...{ database: 'supersync', serverVersion: '15.8', sizeBytes: 8, sha256: digestOf('verified'), runId: 'another' },
      ...different,
    } as BackupManifest;
    await keepManifest(manifest);
    return manifest;
  };
  return { attempt: { ...made, secret }, backups, dumped, asked, keepBackup, ensure: () => decommissionActivities.ensureVerifiedBackup.perform({ ...made, secret }, undefined) };
}

const digestOf = (content: string) => createHash('sha256').update(content).digest('hex');

test('a young verified backup of the whole cluster is the one to rely on, and says what was counted in it', () =>
  withDirectory(async (directory) => {
    const { keepBackup, ensure, dumped } = await hostAfterMigration(directory);
    const { file } = await keepBackup({});
    expect(await ensure()).toMatchObject({ file, ageDays: 0.5, taken: false, counted: { databases: ['supersync', 'postgres'], tables: 1, roles: 1 } });
    expect(dumped).toEqual([]);
  }));

test.each<[string, Different]>([
  ['holds one database without the roles', { kind: 'full', cluster: undefined }],
  ['nobody has restored', { verifiedAt: undefined }],
  ['is of before the volume was in use', { takenAt: '2026-10-31T19:00:00.000Z' }],
  ['is not the file that was verified', { sha256: digestOf('another') }],
])('beside one that %s the whole cluster is dumped, and restored before it counts', (_, different) =>
  withDirectory(async (directory) => {
    const { keepBackup, ensure, dumped, asked, backups } = await hostAfterMigration(directory);
    await keepBackup(different);
    await expect(ensure()).rejects.toThrow(/asked to decrypt .*-cluster\.sql\.zst\.gpg/);
    expect(dumped.map(({ stages }) => stages[0]?.name)).toEqual(['pg_dumpall']);
    // Weeks after the migration it is typed twice: what it encrypts would be proven by itself.
    expect(asked[0]).toEqual({ isNew: true });
    const taken = (await readManifests(backups)).find(({ runId }) => runId !== 'another');
    expect(taken).toMatchObject({ kind: 'cluster', cluster: { statistics: { roles: statistics.roles } } });
    expect(taken?.verifiedAt).toBeUndefined();
    // A retry goes on with the one that was taken.
    await expect(ensure()).rejects.toThrow('asked to decrypt');
    expect(dumped).toHaveLength(1);
    expect((await readdir(backups)).filter((name) => name.endsWith('.sql.zst.gpg'))).toHaveLength(1);
  }),
);
