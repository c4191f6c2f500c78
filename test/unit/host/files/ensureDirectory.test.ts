import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { PermanentFailure } from '../../../../src/contract/errors.js';
import { ensureDirectory } from '../../../../src/host/files/ensureDirectory.js';
import { createRun } from '../../../../src/host/processes/runner.js';
import { assertRoot, withDirectory } from '../../needsRoot.js';

test('makes what is missing, and leaves what is there', () =>
  withDirectory(async (directory) => {
    const path = join(directory, 'a', 'b');
    await ensureDirectory(path, 0o700);
    await ensureDirectory(path, 0o755);
    expect((await stat(path)).mode & 0o777).toBe(0o700);
    await writeFile(join(directory, 'file'), '');
    await expect(ensureDirectory(join(directory, 'file'), 0o700)).rejects.toThrow(/EEXIST/);
  }));

test('says of a full filesystem that it is full', () =>
  withDirectory(async (directory) => {
    assertRoot('they mount a filesystem that is full');
    const run = createRun();
    await run('mount', ['-t', 'tmpfs', '-o', 'size=4k,nr_inodes=1', 'small', directory]);
    try {
      const failure = await ensureDirectory(join(directory, 'new'), 0o700).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(PermanentFailure);
      expect(failure).toMatchObject({ message: expect.stringMatching(/new is full \(ENOSPC\); free room there/) as unknown });
    } finally {
      await run('umount', [directory]);
    }
  }));
