import { execFileSync } from 'node:child_process';
import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { assertRoot, withDirectory } from '../../needsRoot.js';

/** A loop device on an empty file, for the time of one test. */
export function withLoopDevice(sizeBytes: number, use: (device: string, directory: string) => Promise<void>): Promise<void> {
  assertRoot('losetup makes devices');
  return withDirectory(async (directory) => {
    const file = join(directory, 'disk.img');
    await writeFile(file, '');
    await truncate(file, sizeBytes);
    const device = execFileSync('losetup', ['--find', '--show', file], { encoding: 'utf8' }).trim();
    try {
      await use(device, directory);
    } finally {
      execFileSync('losetup', ['--detach', device]);
    }
  });
}
