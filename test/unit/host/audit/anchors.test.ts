import { chmod, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { configSchema, type Config } from '../../../../src/config/schema.js';
import { parseAnchor, readAnchors, renderAnchor, type Anchor } from '../../../../src/host/audit/anchor.js';
import { createAnchorPlaces, type AnchorChannel } from '../../../../src/host/audit/anchorPlaces.js';
import { createRun } from '../../../../src/host/processes/runner.js';
import { withDirectory } from '../../needsRoot.js';

const anchorOf = (sequence: number, host = 'db1'): Anchor => ({ at: '2024-01-15T10:24:00Z', host, sequence, chain: String(sequence).padStart(32, 'a') });
const run = createRun();
const git = (...args: readonly string[]) => run('git', args).then(({ stdout }) => stdout);

const toPlaces = (directory: string, to: readonly unknown[], channels: readonly AnchorChannel[] = []) => {
  const { audit } = configSchema.parse({ host: 'db1', audit: { anchors: { to } } }) satisfies Config;
  return createAnchorPlaces({ to: audit.anchors.to, run, directory: `${directory}/state`, channels });
};

async function toPlace(directory: string, place: unknown) {
  await mkdir(`${directory}/state`, { recursive: true });
  const [only, ...others] = toPlaces(directory, [place]);
  if (only === undefined || others.length > 0) throw new Error('not one place');
  return only;
}

describe('anchors', () => {
  it('are lines that read back', () =>
    withDirectory(async (directory) => {
      expect(renderAnchor(anchorOf(7))).toBe('2024-01-15T10:24:00Z db1 7 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa7');
      expect(parseAnchor(renderAnchor(anchorOf(7)))).toEqual(anchorOf(7));
      const file = `${directory}/anchors`;
      await writeFile(file, `${renderAnchor(anchorOf(7))}\n\nnone\n${renderAnchor(anchorOf(9, 'db2'))}\r\n2024-01-15T10:24:00Z db1 0 ${'a'.repeat(32)}\n`);
      expect(await readAnchors(file)).toEqual({ anchors: [anchorOf(7), anchorOf(9, 'db2')], unreadable: [3, 5] });
    }));

  it('are in a run record too', () =>
    withDirectory(async (directory) => {
      const file = `${directory}/record.json`;
      const { sequence, chain } = anchorOf(7);
      await writeFile(file, JSON.stringify({ host: 'db1', endedAt: '2024-01-15T10:24:00.123Z', auditLog: { sequence, chain } }));
      expect(await readAnchors(file)).toEqual({ anchors: [{ ...anchorOf(7), at: '2024-01-15T10:24:00.123Z' }], unreadable: [] });
      await writeFile(file, JSON.stringify({ host: 'db1', endedAt: '2024-01-15T10:24:00.123Z' }));
      await expect(readAnchors(file)).rejects.toThrow(`${file} holds no anchor`);
      await writeFile(file, 'nothing of the kind');
      await expect(readAnchors(file)).rejects.toThrow(`${file} holds no anchor`);
    }));
});

describe('an anchor in a file', () => {
  it('is added to those of others, also behind a line that breaks off', () =>
    withDirectory(async (directory) => {
      const path = `${directory}/anchors`;
      await writeFile(path, `${renderAnchor(anchorOf(3, 'db2'))}\n2024-01`);
      const place = await toPlace(directory, { kind: 'file', path });
      await place.send(anchorOf(7));
      await place.send(anchorOf(8));
      expect(await readAnchors(path)).toEqual({ anchors: [anchorOf(3, 'db2'), anchorOf(7), anchorOf(8)], unreadable: [2] });
    }));

  it('is held back where the file is missing, as where its mount is, or is a link', () =>
    withDirectory(async (directory) => {
      const path = `${directory}/mount/anchors`;
      const place = await toPlace(directory, { kind: 'file', path });
      await expect(place.send(anchorOf(7))).rejects.toThrow(`${path} does not exist; mount its filesystem, or begin the file: touch ${path}`);
      await mkdir(`${directory}/mount`);
      await writeFile(`${directory}/elsewhere`, '');
      await symlink(`${directory}/elsewhere`, path);
      await expect(place.send(anchorOf(7))).rejects.toThrow('ELOOP');
      expect(await readFile(`${directory}/elsewhere`, 'utf8')).toBe('');
    }));
});

describe('an anchor in a repository', () => {
  const withRemote = (use: (directory: string, remote: string) => Promise<void>) =>
    withDirectory(async (directory) => {
      const remote = `${directory}/remote.git`;
      await git('init', '--quiet', '--bare', remote);
      await use(directory, remote);
    });

  it('is a commit on what is there, of this host and others', () =>
    withRemote(async (directory, remote) => {
      const place = await toPlace(directory, { kind: 'git', remote });
      await place.send(anchorOf(7));
      await (await toPlace(directory, { kind: 'git', remote })).send(anchorOf(5, 'db2'));
      await place.send(anchorOf(8));
      const show = (path: string) => git(`--git-dir=${remote}`, 'show', `main:${path}`);
      expect(await show('db1.anchors')).toBe(`${renderAnchor(anchorOf(7))}\n${renderAnchor(anchorOf(8))}\n`);
      expect(await show('db2.anchors')).toBe(`${renderAnchor(anchorOf(5, 'db2'))}\n`);
      expect(await git(`--git-dir=${remote}`, 'log', '--format=%an: %s', 'main')).toBe(
        "Lockstep: Anchor db1's audit log at line 8\nLockstep: Anchor db2's audit log at line 5\nLockstep: Anchor db1's audit log at line 7\n",
      );
    }));

  it('is not there twice where the answer to a push was lost', () =>
    withRemote(async (directory, remote) => {
      const place = await toPlace(directory, { kind: 'git', remote, branch: 'audit/db' });
      await place.send(anchorOf(7));
      await place.send({ ...anchorOf(7), at: '2024-01-15T11:00:00Z' });
      expect((await git(`--git-dir=${remote}`, 'rev-list', '--count', 'audit/db')).trim()).toBe('1');
    }));

  it('is sent whatever an earlier try left behind', () =>
    withRemote(async (directory, remote) => {
      const place = await toPlace(directory, { kind: 'git', remote });
      await place.send(anchorOf(7));
      await writeFile(`${remote}/hooks/pre-receive`, '#!/bin/sh\nexit 1\n');
      await chmod(`${remote}/hooks/pre-receive`, 0o755);
      await expect(place.send(anchorOf(8))).rejects.toThrow(/remote\.git: git exited with status 1: .*pre-receive hook declined/);
      await writeFile(`${remote}/hooks/pre-receive`, '#!/bin/sh\nexit 0\n');
      await place.send(anchorOf(9));
      expect(await git(`--git-dir=${remote}`, 'show', 'main:db1.anchors')).toBe(`${renderAnchor(anchorOf(7))}\n${renderAnchor(anchorOf(9))}\n`);
    }));

  it('lays nothing of the repository down on this host, and keeps what else is in it', () =>
    withRemote(async (directory, remote) => {
      const [work, secret] = [`${directory}/work`, `${directory}/secret`];
      await writeFile(secret, 'untouched\n');
      await git('clone', '--quiet', remote, work);
      await symlink(secret, `${work}/db1.anchors`);
      await writeFile(`${work}/README`, 'hello\n');
      await git('-C', work, '-c', 'user.name=x', '-c', 'user.email=x', 'checkout', '--quiet', '-b', 'main');
      await git('-C', work, 'add', '.');
      await git('-C', work, '-c', 'user.name=x', '-c', 'user.email=x', 'commit', '--quiet', '-m', 'x');
      await git('-C', work, 'push', '--quiet', 'origin', 'main');
      await (await toPlace(directory, { kind: 'git', remote })).send(anchorOf(7));
      expect(await readFile(secret, 'utf8')).toBe('untouched\n');
      expect(await git(`--git-dir=${remote}`, 'ls-tree', 'main')).toMatch(/^100644 blob \S+\tREADME\n100644 blob \S+\tdb1\.anchors\n$/);
    }));

  it('tells what git said of a remote that is none, and asks nobody', () =>
    withDirectory(async (directory) => {
      const remote = `${directory}/none.git`;
      await expect((await toPlace(directory, { kind: 'git', remote })).send(anchorOf(7))).rejects.toThrow(/none\.git: git exited with status 128: /);
    }));

  it.each(['https://ann:secret@example.com/a.git', 'https://token@example.com/a.git', 'ssh://ann:secret@example.com/a.git', 'ext::sh -c true', '--upload-pack=true', 'relative/path'])('has no remote %j', (remote) => {
    expect(configSchema.safeParse({ host: 'db1', audit: { anchors: { to: [{ kind: 'git', remote }] } } }).success).toBe(false);
  });

  it.each(['https://example.com/a.git', 'ssh://git@example.com:22/a.git', 'git@example.com:team/a.git', '/srv/a.git'])('may have the remote %j', (remote) => {
    expect(configSchema.safeParse({ host: 'db1', audit: { anchors: { to: [{ kind: 'git', remote }] } } }).success).toBe(true);
  });
});

describe('an anchor by alerts', () => {
  it('goes out by each channel, with the line to keep', async () => {
    const told: unknown[] = [];
    const channel = (name: string): AnchorChannel => ({ name, send: (message) => Promise.resolve(told.push([name, message])) });
    const places = toPlaces('/none', [{ kind: 'alerts' }], [channel('mail'), channel('webhook')]);
    expect(places.map(({ name }) => name)).toEqual(['alerts by mail', 'alerts by webhook']);
    for (const place of places) await place.send(anchorOf(7));
    expect(told).toEqual(
      ['mail', 'webhook'].map((name) => [
        name,
        { id: 'audit-anchor/db1/7', subject: "Anchor of db1's audit log: line 7", text: expect.stringMatching(/\n\n2024-01-15T10:24:00Z db1 7 a+7$/) as unknown, data: { ...anchorOf(7) } },
      ]),
    );
  });

  it('fails, and is not passed over, where no channel is set up', async () => {
    await expect(toPlaces('/none', [{ kind: 'alerts' }])[0]?.send(anchorOf(7))).rejects.toThrow('lockstep.yaml sets up no channel');
  });
});
