import { createHash } from 'node:crypto';
import { chmod, chown, lchown, mkdir, symlink, writeFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { ConfigNotAtHand, createConfigReader, loadConfig } from '../../../src/config/load.js';
import { assertRoot, withDirectory } from '../needsRoot.js';

const text = 'host: db1\n';
const stranger = 12345;

async function writeConfig(path: string): Promise<string> {
  await writeFile(path, text, { mode: 0o640 });
  return path;
}

describe('loading lockstep.yaml', () => {
  beforeAll(() => assertRoot('they give files to other users, and the configuration has to belong to root'));

  it('gives the configuration, and the digest of the bytes', () =>
    withDirectory(async (directory) => {
      const path = await writeConfig(`${directory}/lockstep.yaml`);
      const loaded = await loadConfig(path);
      expect(loaded).toMatchObject({ path, digest: createHash('sha256').update(text).digest('hex'), config: { host: 'db1' } });
    }));

  it('says that a file is missing, and what to do', () =>
    withDirectory(async (directory) => {
      await expect(loadConfig(`${directory}/no/lockstep.yaml`)).rejects.toThrow(
        `${directory}/no/lockstep.yaml does not exist; write it after docs/lockstep.sample.yaml (only "host" is required), or name another file with --config or in LOCKSTEP_CONFIG`,
      );
    }));

  it('says who may read it, and passes on whatever else went wrong', async () => {
    const readFailingWith = (code: string) => createConfigReader('/x/lockstep.yaml', () => Promise.reject(Object.assign(new Error('raw'), { code })))();
    await expect(readFailingWith('EACCES')).rejects.toThrow(new ConfigNotAtHand('/x/lockstep.yaml can be read by root alone', 'use sudo'));
    await expect(readFailingWith('EIO')).rejects.toThrow(/^raw$/);
  });

  it.each([0o660, 0o642])('refuses a file that others can write (mode %o)', (mode) =>
    withDirectory(async (directory) => {
      const path = await writeConfig(`${directory}/lockstep.yaml`);
      await chmod(path, mode);
      await expect(loadConfig(path)).rejects.toThrow(
        `${path} is writable by others than root (mode 0${mode.toString(8)}); type "chmod go-w ${path}"`,
      );
    }),
  );

  it('refuses a file of another user', () =>
    withDirectory(async (directory) => {
      const path = await writeConfig(`${directory}/lockstep.yaml`);
      await chown(path, stranger, 0);
      await expect(loadConfig(path)).rejects.toThrow(
        `${path} belongs to user ${stranger}, not root; type "chown root:root ${path}", or move the file to /etc/lockstep`,
      );
    }));

  it('refuses a directory above it that others can write or own, and names every fault', () =>
    withDirectory(async (directory) => {
      await mkdir(`${directory}/it's/below`, { recursive: true });
      const path = await writeConfig(`${directory}/it's/below/lockstep.yaml`);
      await chmod(`${directory}/it's`, 0o777);
      await chown(`${directory}/it's/below`, stranger, 0);
      await expect(loadConfig(path)).rejects.toThrow(
        [
          `${directory}/it's is writable by others than root (mode 0777); `,
          `${directory}/it's/below belongs to user ${stranger}, not root; `,
          String.raw`type "chmod go-w '${directory}/it'\''s' && chown root:root '${directory}/it'\''s/below'"`,
        ].join(''),
      );
    }));

  it('accepts a directory with the sticky bit, in which nobody can replace what root owns', () =>
    withDirectory(async (directory) => {
      await mkdir(`${directory}/sticky`);
      await chmod(`${directory}/sticky`, 0o1777);
      await expect(loadConfig(await writeConfig(`${directory}/sticky/lockstep.yaml`))).resolves.toMatchObject({ config: { host: 'db1' } });
    }));

  it('follows a link of root, relative ones too', () =>
    withDirectory(async (directory) => {
      await mkdir(`${directory}/a/b`, { recursive: true });
      await writeConfig(`${directory}/a/lockstep.yaml`);
      await symlink('../lockstep.yaml', `${directory}/a/b/link.yaml`);
      await symlink(`${directory}/a/b`, `${directory}/directory`);
      await expect(loadConfig(`${directory}/directory/link.yaml`)).resolves.toMatchObject({ config: { host: 'db1' } });
    }));

  it('refuses a link that leads to what others can write, and one that others made', () =>
    withDirectory(async (directory) => {
      await mkdir(`${directory}/open`);
      await chmod(`${directory}/open`, 0o770);
      await writeConfig(`${directory}/open/lockstep.yaml`);
      await symlink('open/lockstep.yaml', `${directory}/lockstep.yaml`);
      await expect(loadConfig(`${directory}/lockstep.yaml`)).rejects.toThrow(`${directory}/open is writable by others`);

      await chmod(`${directory}/open`, 0o700);
      await lchown(`${directory}/lockstep.yaml`, stranger, 0);
      await expect(loadConfig(`${directory}/lockstep.yaml`)).rejects.toThrow(`chown --no-dereference root:root ${directory}/lockstep.yaml`);
    }));

  it('ends a circle of links', () =>
    withDirectory(async (directory) => {
      await symlink('b', `${directory}/a`);
      await symlink('a', `${directory}/b`);
      await expect(loadConfig(`${directory}/a`)).rejects.toThrow('leads through more than 40 symbolic links');
    }));

  it('refuses a directory, and bytes that are no text', () =>
    withDirectory(async (directory) => {
      await expect(loadConfig(directory)).rejects.toThrow(`${directory} is not a regular file`);
      await writeFile(`${directory}/latin1.yaml`, Buffer.from('host: db\xfc\n', 'latin1'));
      await expect(loadConfig(`${directory}/latin1.yaml`)).rejects.toThrow('latin1.yaml is not UTF-8');
    }));
});
