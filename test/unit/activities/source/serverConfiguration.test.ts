import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { takeOverConfiguration } from '../../../../src/activities/source/serverConfiguration.js';
import { withDirectory } from '../../needsRoot.js';

const files = ['pg_hba.conf', 'pg_ident.conf', 'postgresql.conf', 'postgresql.auto.conf'];

async function twoDirectories(directory: string) {
  const [from, to] = [join(directory, 'old'), join(directory, 'new')];
  for (const [place, content] of [[from, 'old'], [to, 'host all all all trust']] as const) {
    await mkdir(place);
    for (const file of files) await writeFile(join(place, file), content);
  }
  return { from, to, access: () => readFile(join(to, 'pg_hba.conf'), 'utf8') };
}

test('the old configuration is taken over', () =>
  withDirectory(async (directory) => {
    const { from, to } = await twoDirectories(directory);
    expect(await takeOverConfiguration({ from, to })).toBe(`taken over from ${from}`);
    for (const file of files) expect(await readFile(join(to, file), 'utf8')).toBe('old');
  }));

test.each([
  ['empty', ''],
  ['zeros', '\0\0\0'],
])('rules of access that are %s are not taken over, and nobody comes over the network without a password', (_, content) =>
  withDirectory(async (directory) => {
    const { from, to, access } = await twoDirectories(directory);
    await writeFile(join(from, 'pg_hba.conf'), content);
    expect(await takeOverConfiguration({ from, to })).toMatch(/^pg_hba\.conf could not be read.*need a password/);
    expect(await access()).toContain('host all all all scram-sha-256');
    expect(await access()).not.toMatch(/^host.*trust/m);
  }),
);

test('a directory that is gone leaves a server that is closed', () =>
  withDirectory(async (directory) => {
    const { to, access } = await twoDirectories(directory);
    expect(await takeOverConfiguration({ from: join(directory, 'gone'), to })).toContain(files.join(', '));
    expect(await access()).not.toMatch(/^host.*trust/m);
    expect((await stat(join(to, 'pg_hba.conf'))).isFile()).toBe(true);
  }));
