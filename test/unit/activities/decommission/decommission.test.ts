import { appendFile, mkdir, open, readdir, readFile, rename, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { adoptLastRun } from '../../../../src/activities/run/adoption.js';
import { type RunOnHost } from '../../../../src/activities/run/runsOnHost.js';
import { assertAsListed, assertNobodyHolds } from '../../../../src/activities/decommission/guards.js';
import { listPlaintext } from '../../../../src/activities/decommission/listing.js';
import { findMigration, readMigration, tellMigration } from '../../../../src/activities/decommission/migration.js';
import { assertGone } from '../../../../src/activities/decommission/removal.js';
import { keepFact } from '../../../../src/activities/run/runFacts.js';
import { openJournal, type JournalEntry } from '../../../../src/activities/wrapper/journal.js';
import { shortRunId } from '../../../../src/contract/names.js';
import { withDirectory } from '../../needsRoot.js';
import { began, closedAs, controlFile, dumpOf, hostAfterMigration, listed, mark, opened, startedAt, stoppedAt } from './host.js';

function runOf(name: string, ...entries: readonly JournalEntry[]): RunOnHost {
  return { name, directory: `/runs/${name}`, opened, entries: [opened, ...entries] };
}

describe('the migration whose source goes', () => {
  const migrated = runOf('migrate-a', began, mark, closedAs('succeeded'));

  test('is the last one, past one that began nothing and a way back that was left', () => {
    const adopted: JournalEntry = { kind: 'adopted', at: '', directory: '/runs/migrate-a', adopted: { runbook: 'migrate', runId: 'a', startedAt: '', state: 'succeeded', nodes: [], toUndo: ['copy'] } };
    expect(findMigration([migrated])).toMatchObject({ runId: 'a', inUseSince: mark.at, removalBegunAt: null });
    expect(findMigration([migrated, runOf('migrate-b', closedAs('rolled back')), runOf('rollback-c', adopted, closedAs('stopped'))])).toMatchObject({ runId: 'a' });
  });

  test.each([
    ['never was', []],
    ['has no end', [runOf('migrate-a', began, mark)]],
    ['was gone back from', [runOf('migrate-a', began, mark, { kind: 'rolled back', at: '', byRun: 'c' }, closedAs('succeeded'))]],
    ['ended by going back', [runOf('migrate-a', began, closedAs('rolled back'))]],
    ['is followed by a later one that went back', [migrated, runOf('migrate-b', began, mark, closedAs('rolled back'))]],
    [
      'has a way back that was lost',
      [migrated, runOf('rollback-c', { kind: 'adopted', at: '', directory: '/runs/migrate-a', adopted: { runbook: 'migrate', runId: 'a', startedAt: '', state: 'succeeded', nodes: [], toUndo: ['copy'] } })],
    ],
  ])('is refused where it %s', (_, runs) => {
    expect(() => findMigration(runs)).toThrow();
  });
});

test('only what is shown to be of this cluster is to go; the rest is named', () =>
  withDirectory(async (directory) => {
    const { attempt, root, backups, makeCluster } = await hostAfterMigration(directory);
    await makeCluster(`${root}.before-0123abcd`);
    await makeCluster(`${root}.before-${shortRunId('0123abcd-0000-7000-8000-0123456789ab')}`);
    await makeCluster(`${root}.before-ffffffff`);
    await makeCluster(join(backups, 'copy'));
    await makeCluster(join(backups, 'another'), 8n);
    await writeFile(join(backups, 'old.sql'), dumpOf('orders', 'users'));
    await writeFile(join(backups, 'foreign.sql'), dumpOf('patients'));
    await writeFile(join(backups, 'new.dump.zst.gpg'), Buffer.from([0x8c, 0x0d]));
    await writeFile(join(backups, 'notes.txt'), 'call the printer company');
    await symlink(root, join(backups, 'link'));
    await symlink('/srv/tablespace', join(root, '16400'));
    const { copies, kept } = await listed(attempt);
    expect(copies.map(({ path }) => path)).toEqual([root, `${root}.before-0123456789ab`, `${root}.before-0123abcd`, join(backups, 'copy'), join(backups, 'old.sql')]);
    const names = kept.map(({ where }) => where);
    for (const path of [`${root}.before-ffffffff`, ...['another', 'foreign.sql', 'notes.txt', 'link'].map((name) => join(backups, name))]) expect(names).toContain(path);
    expect(kept.find(({ where }) => where === join(root, '16400'))?.why).toContain('/srv/tablespace');
    expect(names).not.toContain(join(backups, 'new.dump.zst.gpg'));
  }));

test('an old data directory that is another cluster, or holds what is not to go, stays', () =>
  withDirectory(async (directory) => {
    const { attempt, root, makeCluster } = await hostAfterMigration(directory);
    await makeCluster(root, 9n);
    expect((await listed(attempt)).copies).toEqual([]);
    await makeCluster(root);
    const inside = { ...attempt, config: { ...attempt.config, volume: { ...attempt.config.volume, file: join(root, 'volume.img') } } };
    const { copies, kept } = await listPlaintext(inside);
    expect(copies).toEqual([]);
    expect(kept).toContainEqual(expect.objectContaining({ where: root, why: `${join(root, 'volume.img')} lies in it` }));
  }));

test('a standby, and WAL that the new cluster archives, stay; what lies in another copy goes with it', () =>
  withDirectory(async (directory) => {
    const { attempt, root, backups, makeCluster } = await hostAfterMigration(directory);
    await makeCluster(join(backups, 'standby'));
    await writeFile(join(backups, 'standby', 'standby.signal'), '');
    const segment = Buffer.alloc(64);
    segment.writeBigUInt64LE(7n, 24);
    const [before, since] = ['000000010000000000000001', '000000010000000000000002'].map((name) => join(backups, name)) as [string, string];
    for (const path of [before, since]) await writeFile(path, segment);
    await utimes(before, new Date('2026-08-01'), new Date('2026-08-01'));
    await utimes(since, new Date('2026-10-01'), new Date('2026-10-01'));
    await readMigration(attempt);
    const searched = { ...attempt, config: { ...attempt.config, decommission: { ...attempt.config.decommission, places: [root] } } };
    const { copies, kept } = await listPlaintext(searched);
    expect(copies.map(({ path }) => path)).toEqual([root, before]);
    expect(kept.map(({ where }) => where)).toEqual(expect.arrayContaining([since, join(backups, 'standby')]));
  }));

test('a notice alone makes no place an emptied one', () =>
  withDirectory(async (directory) => {
    const { attempt, root } = await hostAfterMigration(directory);
    await writeFile(join(root, 'REMOVED-BY-LOCKSTEP.txt'), '');
    expect((await listed(attempt)).copies.map(({ path }) => path)).toEqual([root]);
  }));

test('the retention period has to be over', () =>
  withDirectory(async (directory) => {
    const { attempt } = await hostAfterMigration(directory);
    await expect(readMigration(attempt)).resolves.toMatchObject({ inUseDays: 61 });
    const patient = { ...attempt, config: { ...attempt.config, decommission: { ...attempt.config.decommission, retentionDays: 90 } } };
    await expect(readMigration(patient)).rejects.toThrow(/in use for 61\.00 days .*retentionDays is 90; come back on 2026-11-30T20:00:00/);
  }));

test('an open file, a working directory and a running container stand against it', () =>
  withDirectory(async (directory) => {
    const { attempt, root, containers } = await hostAfterMigration(directory);
    const { copies } = await listed(attempt);
    const guarded = () => assertNobodyHolds(attempt, copies);
    await expect(guarded()).resolves.toMatchObject({ processes: expect.any(Number) as unknown });
    const held = await open(join(root, 'PG_VERSION'));
    await expect(guarded()).rejects.toThrow(`process ${process.pid} has ${join(root, 'PG_VERSION')} open`);
    await held.close();
    containers['old'] = { name: 'old', isRunning: true, mounts: [{ source: root }] };
    await expect(guarded()).rejects.toThrow(`container old runs with ${root} mounted`);
    containers['old'] = { name: 'old', isRunning: true, mounts: [{ source: directory, isReadOnly: false }] };
    await expect(guarded()).rejects.toThrow('container old runs');
    containers['old'] = { name: 'old', isRunning: true, mounts: [{ source: directory, isReadOnly: true }] };
    await expect(guarded()).resolves.toBeDefined();
    containers['old'] = { name: 'old', isRunning: false, mounts: [{ source: root }] };
    await expect(guarded()).resolves.toBeDefined();
  }));

test('what changed or was exchanged since the listing is not what people agreed to', () =>
  withDirectory(async (directory) => {
    const { attempt, root } = await hostAfterMigration(directory);
    const { copies } = await listed(attempt);
    await expect(assertAsListed(attempt, copies)).resolves.toBeUndefined();
    const control = join(root, 'global', 'pg_control');
    await writeFile(control, controlFile(7n, startedAt));
    await expect(assertAsListed(attempt, copies)).rejects.toThrow(`${root} was started since it was listed`);
    await writeFile(control, controlFile(7n, stoppedAt));
    await appendFile(join(root, 'PG_VERSION'), 'more');
    await expect(assertAsListed(attempt, copies)).rejects.toThrow('has changed since it was listed');
    await rename(root, `${root}.away`);
    await mkdir(root);
    await expect(assertAsListed(attempt, copies)).rejects.toThrow('is not what was listed');
  }));

test('a place that fills again is not gone', () =>
  withDirectory(async (directory) => {
    const { attempt, root } = await hostAfterMigration(directory);
    const { copies } = await listed(attempt);
    await expect(assertGone(copies, [root])).rejects.toThrow(`${root} was removed, and holds PG_VERSION, global again`);
    await expect(assertGone(copies, [])).resolves.toBeUndefined();
  }));

test('nobody goes back from a migration whose source was begun to be removed', () =>
  withDirectory(async (directory) => {
    const { attempt, migration } = await hostAfterMigration(directory);
    await readMigration(attempt);
    await tellMigration(attempt, 'decommission begun');
    await tellMigration(attempt, 'decommission begun');
    expect((await readFile(join(migration, 'journal.jsonl'), 'utf8')).match(/decommission begun/g)).toHaveLength(1);
    await expect(adoptLastRun({ ...attempt, directory: join(directory, 'state', 'runs', 'rollback-new') }, 'migrate')).rejects.toThrow(/was removed by decommissionPlaintext .*no old volume to go back to/);
    expect(await readdir(join(directory, 'state', 'runs'))).toContain('migrate-0123abcd-0000-7000-8000-0123456789ab');
  }));

test('a removal that was lost half-way is gone on with, although the control file went first', () =>
  withDirectory(async (directory) => {
    const { attempt, root } = await hostAfterMigration(directory);
    const listing = await listed(attempt);
    const lost = join(directory, 'state', 'runs', 'decommissionPlaintext-lost');
    await (await openJournal(join(lost, 'journal.jsonl'))).append(opened, { ...began, node: 'remove-plaintext', undoable: false });
    await keepFact({ directory: lost }, 'plaintext', listing);
    await rename(join(root, 'PG_VERSION'), join(directory, 'gone'));
    expect((await listPlaintext(attempt)).copies.map(({ path }) => path)).toEqual([root]);
    await rename(root, `${root}.x`);
    await mkdir(root);
    await writeFile(join(root, 'file'), '');
    expect((await listPlaintext(attempt)).copies).toEqual([]);
  }));
