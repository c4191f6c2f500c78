import { mkdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { createCanaries, createCanaryScan } from '../e2e/canaries.js';
import { withDirectory } from './needsRoot.js';

const canaries = createCanaries(['one', 'other']);
const { one } = canaries;
const json = JSON.stringify({ passphrase: one });

const waysOut: Readonly<Record<string, string>> = {
  plain: one,
  'the first half': one.slice(0, 14),
  'broken over two lines': `${one.slice(0, 14)}\n      ${one.slice(14)}`,
  hexadecimal: Buffer.from(one).toString('hex'),
  'upper-case hexadecimal': Buffer.from(one).toString('hex').toUpperCase(),
  'a printed buffer': inspect(Buffer.from(one)),
  'a buffer in JSON': JSON.stringify(Buffer.from(one)),
  base64: Buffer.from(one).toString('base64'),
  'base64 of what it stands in': Buffer.from(json).toString('base64'),
  'the same, a byte later': Buffer.from(` ${json}`).toString('base64'),
  'the same, two bytes later': Buffer.from(`  ${json}`).toString('base64'),
};

test.each(Object.entries(waysOut))('a canary is found that got out: %s', (_, text) =>
  withDirectory(async (directory) => {
    const scan = createCanaryScan(canaries);
    await mkdir(join(directory, 'folder'));
    await writeFile(join(directory, 'folder', 'leak'), `\0x${text}\0x`);
    scan.inData('data', { deep: [{ payload: Buffer.from(text) }] });
    await scan.onMachine('files', directory);
    expect(scan.findings).toEqual([
      { place: 'data', name: 'one' },
      { place: 'files', name: 'one', file: join(directory, 'folder', 'leak') },
    ]);
  }),
);

test('a disk is searched to its end, past holes', () =>
  withDirectory(async (directory) => {
    const disk = join(directory, 'disk');
    await writeFile(disk, '');
    await truncate(disk, 2 ** 33);
    await writeFile(disk, canaries.other, { flag: 'a' });
    const scan = createCanaryScan(canaries);
    await scan.onMachine('disk', disk);
    expect(scan.findings).toEqual([{ place: 'disk', name: 'other', file: disk }]);
  }));

test('what is not there is not found', () =>
  withDirectory(async (directory) => {
    const scan = createCanaryScan(canaries);
    await writeFile(join(directory, 'clean'), Buffer.from(createCanaries(['one']).one).toString('base64'));
    scan.inData('data', createCanaries(['one']));
    await scan.onMachine('files', directory);
    expect(scan.findings).toEqual([]);
  }));
