import { appendFile, chmod, chown, copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Run } from '../../../host/processes/runner.js';
import { guestSource } from '../projectFiles.js';
import type { ContainerConfiguration } from './dockerArchive.js';

/** The user and group of the official image: files of a data directory carry these numbers. */
const postgresId = 999;

/** As the official image has it. */
export const postgresConfiguration: ContainerConfiguration = {
  Env: [
    'PATH=/usr/local/sbin:/usr/local/bin:/usr/lib/postgresql/15/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    'LANG=C.UTF-8',
    'PG_MAJOR=15',
    'PGDATA=/var/lib/postgresql/data',
  ],
  Entrypoint: ['docker-entrypoint.sh'],
  Cmd: ['postgres'],
  StopSignal: 'SIGINT',
  Volumes: { '/var/lib/postgresql/data': {} },
  ExposedPorts: { '5432/tcp': {} },
};

/** What no container needs: documentation, caches, what Debian's own cluster was made of, compiled queries. */
const removed = [
  ...['doc', 'info', 'locale', 'man', 'i18n', 'postgresql/15/man'].map((name) => `usr/share/${name}`),
  'usr/lib/postgresql/15/lib/bitcode',
  'usr/lib/postgresql/15/lib/llvmjit.so',
  'usr/lib/postgresql/15/lib/llvmjit_types.bc',
];
const emptied = ['var/cache', 'var/lib/apt/lists', 'var/lib/postgresql', 'var/log', 'etc/postgresql', 'dev', 'run'];

/**
 * Makes the only layer of `postgres:15` from Debian 12's packages.
 *
 * @param scratch - Becomes the layer's root; must not exist.
 * @param layer - The tar file to write.
 */
export async function makePostgresLayer({ run, scratch, layer }: { run: Run; scratch: string; layer: string }): Promise<void> {
  // In a mount namespace of its own: what it mounts is gone with it, even when it is killed.
  const isolated = ['--mount', '--propagation', 'private', '--'];
  const debootstrap = ['debootstrap', '--variant=minbase', '--include=postgresql-15', 'bookworm', scratch];
  const mirror = await readMirror(run);
  await run('unshare', [...isolated, ...debootstrap, ...(mirror === undefined ? [] : [mirror])], { timeout: 'unlimited' });
  await renumber(scratch);

  for (const path of removed) await rm(join(scratch, path), { recursive: true, force: true });
  for (const directory of emptied) {
    for (const name of await readdir(join(scratch, directory))) {
      await rm(join(scratch, directory, name), { recursive: true, force: true });
    }
  }
  const libraries = (await readdir(join(scratch, 'usr/lib'))).filter((name) => name.endsWith('-linux-gnu'));
  for (const directory of libraries) {
    const names = await readdir(join(scratch, 'usr/lib', directory));
    for (const name of names) if (name.startsWith('libLLVM')) await rm(join(scratch, 'usr/lib', directory, name));
  }

  for (const directory of ['var/lib/postgresql', 'var/lib/postgresql/data', 'run/postgresql']) {
    await mkdir(join(scratch, directory), { recursive: true });
    await chown(join(scratch, directory), postgresId, postgresId);
  }
  await chmod(join(scratch, 'var/lib/postgresql/data'), 0o1777);
  await mkdir(join(scratch, 'docker-entrypoint-initdb.d'));
  await appendFile(join(scratch, 'usr/share/postgresql/15/postgresql.conf.sample'), "\nlisten_addresses = '*'\n");
  const entrypoint = join(scratch, 'usr/local/bin/docker-entrypoint.sh');
  await copyFile(guestSource('files', 'postgres', 'docker-entrypoint.sh'), entrypoint);
  await chmod(entrypoint, 0o755);
  await run('tar', ['-C', scratch, '--numeric-owner', '--sort=name', '-cf', layer, '.'], { timeout: 'service' });
}

/** Gives PostgreSQL's user and group the official image's numbers; what they owned is removed afterwards. */
async function renumber(root: string): Promise<void> {
  for (const file of ['passwd', 'group']) {
    const path = join(root, 'etc', file);
    await writeFile(path, renumberAccount(await readFile(path, 'utf8')));
  }
}

/** Works on /etc/passwd (name:x:UID:GID:…) and /etc/group (name:x:GID:…) alike. */
export function renumberAccount(text: string): string {
  return text
    .replace(/^postgres:x:\d+:\d+:/m, `postgres:x:${postgresId}:${postgresId}:`)
    .replace(/^postgres:x:\d+:(?=$|\D)/m, `postgres:x:${postgresId}:`);
}

/** The machine's own mirror of Debian 12, if it has one: a company's network may reach no other. */
async function readMirror(run: Run): Promise<string | undefined> {
  const { stdout } = await run('apt-get', ['indextargets', '--format', '$(REPO_URI) $(CODENAME)', 'Created-By: Packages']);
  return stdout
    .split('\n')
    .map((line) => line.split(' '))
    .find(([, codename]) => codename === 'bookworm')?.[0];
}
