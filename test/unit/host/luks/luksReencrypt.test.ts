import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createLuksReencrypt } from '../../../../src/host/luks/luksReencrypt.js';
import { createFakeRun } from '../../fakeRun.js';
import { withDirectory } from '../../needsRoot.js';

test("a re-encryption that was killed is known by the layers that it left under this volume, and the piece that waits is failed", () =>
  withDirectory(async (directory) => {
    const run = createFakeRun([{ file: 'dmsetup', args: ['wipe_table', '--force', '--noflush', 'data-hotzone-forward'] }]);
    const reencrypt = createLuksReencrypt({ run, mapperDirectory: directory });
    for (const name of ['control', 'data', 'data-two-overlay']) await writeFile(join(directory, name), '');
    expect(await reencrypt.readReencryptionLayers({ name: 'data' })).toEqual([]);
    for (const name of ['data-overlay', 'data-hotzone-forward']) await writeFile(join(directory, name), '');
    const layers = await reencrypt.readReencryptionLayers({ name: 'data' });
    expect(layers).toEqual(['data-hotzone-forward', 'data-overlay']);
    await reencrypt.failSuspendedPiece({ layers });
    expect(run.calls).toHaveLength(1);
  }));

test('a host without a device-mapper has none', async () => {
  expect(await createLuksReencrypt({ run: createFakeRun([]), mapperDirectory: '/nowhere/mapper' }).readReencryptionLayers({ name: 'data' })).toEqual([]);
});

test('a re-encryption that is at work is told from one that was killed', () =>
  withDirectory(async (directory) => {
    const reencrypt = createLuksReencrypt({ run: createFakeRun([]), procDirectory: directory });
    const processes = { 7: ['cryptsetup', 'open', '/dev/sdb'], 12: [], 30: ['vi', 'reencrypt'] };
    for (const [pid, argv] of Object.entries(processes)) {
      await mkdir(join(directory, pid));
      await writeFile(join(directory, pid, 'cmdline'), argv.map((word) => `${word}\0`).join(''));
    }
    expect(await reencrypt.findReencryptProcess()).toBeUndefined();
    await writeFile(join(directory, '12', 'cmdline'), '/usr/sbin/cryptsetup\0reencrypt\0/dev/sdb\0');
    expect(await reencrypt.findReencryptProcess()).toBe(12);
  }));
