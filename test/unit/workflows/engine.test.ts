import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const engine = fileURLToPath(new URL('../../../src/workflows/engine/', import.meta.url));
/** What the engine must not know, so that it replays whatever becomes of hosts: tools, formats, places. */
const hostWords = /luks|cryptsetup|rsync|docker|compose|gpg|postgres|ext4|zstd|\/(mnt|var|etc|opt)\b/i;

test('the engine names no tool of a host, and no place on one', async () => {
  const files = await readdir(engine);
  expect(files).toContain('walk.ts');
  for (const file of files) {
    const lines = (await readFile(`${engine}${file}`, 'utf8')).split('\n');
    expect(lines.filter((line) => hostWords.test(line)), file).toEqual([]);
  }
});
