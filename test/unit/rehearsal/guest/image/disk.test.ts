import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createRun } from '../../../../../src/host/processes/runner.js';
import { makeDisk } from '../../../../../src/rehearsal/guest/image/disk.js';
import { opaqueDirectories } from '../../../../../src/rehearsal/guest/image/upperLayer.js';

it('makes a sparse disk with the tree in it, and folders that hide the machine\'s', async () => {
  const run = createRun();
  const directory = await mkdtemp(join(tmpdir(), 'lockstep-disk-'));
  const tree = join(directory, 'tree');
  for (const name of opaqueDirectories) await mkdir(join(tree, 'upper', name), { recursive: true });
  await writeFile(join(tree, 'upper/etc/hosts'), '127.0.0.1 localhost\n');
  const disk = join(directory, 'disk.ext4');
  await makeDisk({ run, disk, tree, sizeGiB: 4 });

  const { size, blocks } = await stat(disk);
  expect(size).toBe(4 * 1024 ** 3);
  expect(blocks * 512).toBeLessThan(128 * 1024 ** 2);
  const inDisk = async (request: string) => (await run('debugfs', ['-R', request, disk])).stdout;
  expect(await inDisk('cat /upper/etc/hosts')).toBe('127.0.0.1 localhost\n');
  for (const name of opaqueDirectories) {
    expect(await inDisk(`ea_list ${join('/upper', name)}`)).toContain('trusted.overlay.opaque (1) = "y"');
  }
  await rm(directory, { recursive: true });
});
