import { readdir, readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';

const folder = new URL('../../../../src/workflows/engine/', import.meta.url);

/** Tools and things of a host: the engine walks lists and knows nothing of what is on them. */
const hostWords =
  /cryptsetup|luks|rsync|docker|compose|postgres|psql|pg_|gpg|passphrase|mount|dm-crypt|ext4|systemd|supersync|sqlite|zstd|ssh/i;

test('the engine names no tool of a host', async () => {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.ts'));
  expect(files).toContain('walk.ts');
  for (const name of files) {
    const lines = (await readFile(new URL(name, folder), 'utf8')).split('\n');
    expect(lines.filter((line) => hostWords.test(line)).map((line) => `${name}: ${line}`)).toEqual([]);
  }
});
