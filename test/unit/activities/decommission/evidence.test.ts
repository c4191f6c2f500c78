import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { decommissionActivities } from '../../../../src/activities/decommission/decommission.js';
import { listPlaintext, type Listing } from '../../../../src/activities/decommission/listing.js';
import { keepFact } from '../../../../src/activities/run/runFacts.js';
import { openJournal } from '../../../../src/activities/wrapper/journal.js';
import { withDirectory } from '../../needsRoot.js';
import { digestAt, dumpOf, hostAfterMigration, listed, opened, startedAt } from './host.js';

const whyOf = ({ kept }: Listing, path: string) => kept.find(({ where }) => where === path)?.why;

test('what was started since its stop stays, since it may hold the only copy of what was written there', () =>
  withDirectory(async (directory) => {
    const { attempt, root, backups, makeCluster } = await hostAfterMigration(directory);
    await makeCluster(root, 7n, startedAt);
    await makeCluster(`${root}.before-0123abcd`, 7n, '2026-08-31T00:00:00Z');
    await makeCluster(join(backups, 'older'), 7n, '2026-08-31T00:00:00Z');
    await makeCluster(join(backups, 'as-stopped'));
    await makeCluster(join(backups, 'later'), 7n, startedAt);
    const found = await listed(attempt);
    expect(found.copies.map(({ path }) => path)).toEqual([join(backups, 'as-stopped'), join(backups, 'older')]);
    for (const path of [root, `${root}.before-0123abcd`]) expect(whyOf(found, path)).toMatch(/^it was started since Lockstep stopped it .* bring that over to the encrypted volume, then remove it yourself$/);
    expect(whyOf(found, join(backups, 'later'))).toContain('after the migration had stopped the old one (2026-09-20T08:00:00.000Z)');
    // Found again in a place that is searched, they are no mere copies.
    const searched = { ...attempt, config: { ...attempt.config, decommission: { ...attempt.config.decommission, places: [directory] } } };
    const again = (await listPlaintext(searched)).copies.map(({ path }) => path);
    for (const path of [root, `${root}.before-0123abcd`]) expect(again).not.toContain(path);
  }));

test('a directory is held against every stop that runs of this host recorded', () =>
  withDirectory(async (directory) => {
    const { attempt, root, makeCluster } = await hostAfterMigration(directory);
    const wayBack = join(directory, 'state', 'runs', 'rollback-89abcdef-1');
    await (await openJournal(join(wayBack, 'journal.jsonl'))).append(opened);
    await makeCluster(`${root}.carried-89abcdef`, 7n, startedAt);
    expect((await listed(attempt)).copies.map(({ path }) => path)).toEqual([root]);
    await keepFact({ directory: wayBack }, 'stopped-on-volume', { controlDigest: digestAt(startedAt) });
    expect((await listPlaintext(attempt)).copies.map(({ path }) => path)).toEqual([root, `${root}.carried-89abcdef`]);
  }));

test.each([['no stop', undefined], ['a stop without a digest', { state: 'shut down' }]])('where the migration recorded %s, the old data stays with a clear word', (_, stopped) =>
  withDirectory(async (directory) => {
    const { attempt, root, migration } = await hostAfterMigration(directory);
    await rm(join(migration, 'stopped.json'));
    if (stopped !== undefined) await keepFact({ directory: migration }, 'stopped', stopped);
    const found = await listed(attempt);
    expect(found.copies).toEqual([]);
    expect(whyOf(found, root)).toContain('by an earlier version of Lockstep, recorded no digest');
    await expect(decommissionActivities.listPlaintextCopies.perform(attempt, undefined)).rejects.toThrow(`${root} (old data directory: the migration, by an earlier version`);
  }));

test.each<[string, string, RegExp]>([
  ['shares one table with it', dumpOf('users'), /^it tells no database's name and lacks 1 of the 2 tables of shop \(public\.orders\); another application's may be named alike/],
  ['has a table more', dumpOf('orders', 'users', 'patients'), /^it names public\.patients, which database shop did not have/],
  ['is of another database by its own word', `${dumpOf()}\\connect clinic\nCREATE TABLE public.users (id bigint);\n`, /^it is of a database clinic, which this cluster did not have/],
  ['holds another database behind this one', `${dumpOf()}\\connect shop\nCREATE TABLE public.users (id bigint);\n${dumpOf('staff')}`, /^it names public\.staff/],
  ['is of a database that every cluster has', `${dumpOf()}\\connect postgres\nCREATE TABLE public.users (id bigint);\n`, /lacks 1 of the 2 tables of shop/],
  ['names no table', dumpOf(), /^it names no table/],
])('a dump that %s is not taken for this one', (_, content, why) =>
  withDirectory(async (directory) => {
    const { attempt, root, backups } = await hostAfterMigration(directory);
    await writeFile(join(backups, 'dump.sql'), content);
    const found = await listed(attempt);
    expect(found.copies.map(({ path }) => path)).toEqual([root]);
    expect(whyOf(found, join(backups, 'dump.sql'))).toMatch(why);
  }));

test.each([
  ['one table of the database that it names', `${dumpOf()}\\connect shop\nCREATE TABLE public.users (id bigint);\n`],
  ['rows alone, of every table', '--\n-- PostgreSQL database dump\n--\nCOPY public.users (id) FROM stdin;\n1\n\\.\nCOPY public.orders (id) FROM stdin;\n\\.\n'],
  ['the whole cluster', `--\n-- PostgreSQL database cluster dump\n--\n\\connect template1\n${dumpOf()}\\connect postgres\n${dumpOf()}\\connect shop\nCREATE TABLE public.users (id bigint);\n`],
])('a dump that holds %s goes', (_, content) =>
  withDirectory(async (directory) => {
    const { attempt, root, backups } = await hostAfterMigration(directory);
    await writeFile(join(backups, 'dump.sql'), content);
    expect((await listed(attempt)).copies.map(({ path }) => path)).toEqual([root, join(backups, 'dump.sql')]);
  }));
