import { chmod, chown, mkdir, symlink, writeFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { PermanentFailure } from '../../../../src/contract/errors.js';
import { createRun } from '../../../../src/host/processes/runner.js';
import { readSecretFile } from '../../../../src/host/files/secretFile.js';
import { assertRoot, withDirectory } from '../../needsRoot.js';
import { newlineTraps } from '../../newlineTraps.js';

async function writeSecret(directory: string, content: string | Uint8Array, mode = 0o600): Promise<string> {
  const path = `${directory}/secret`;
  await writeFile(path, content);
  await chmod(path, mode);
  return path;
}

describe('a secret in a file', () => {
  beforeAll(() => assertRoot('a secret file has to belong to root'));

  it.each(newlineTraps)('with %s', (_, given, becomes) =>
    withDirectory(async (directory) => {
      const path = await writeSecret(directory, given, 0o400);
      if (typeof becomes !== 'string') {
        expect(Buffer.compare(await readSecretFile(path), becomes)).toBe(0);
        return;
      }
      const failure = await readSecretFile(path).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(PermanentFailure);
      expect((failure as PermanentFailure).fact).toBe(`the secret file ${path} ${becomes}`);
      expect(JSON.stringify(failure) + String(failure)).not.toMatch(/correct|horse/);
    }),
  );

  it('may be bytes that are no text', () =>
    withDirectory(async (directory) => {
      expect(await readSecretFile(await writeSecret(directory, Uint8Array.of(0xff, 0x01, 0x0a)))).toEqual(Buffer.of(0xff, 0x01));
    }));

  it('is not read where it is far too long for one', () =>
    withDirectory(async (directory) => {
      const path = await writeSecret(directory, Buffer.alloc(100_000, 'x'));
      await expect(readSecretFile(path)).rejects.toThrow(`the secret file ${path} is 100000 bytes long; write the secret into it`);
    }));

  it.each([0o640, 0o604, 0o644, 0o700, 0o200])('is refused with mode %o', (mode) =>
    withDirectory(async (directory) => {
      const path = await writeSecret(directory, 'canary\n', mode);
      await expect(readSecretFile(path)).rejects.toThrow(
        `the secret file ${path} has mode 0${mode.toString(8)}, not 0600 or 0400; type "chmod 600 ${path}"`,
      );
    }),
  );

  it('is refused where it belongs to somebody else', () =>
    withDirectory(async (directory) => {
      const path = await writeSecret(directory, 'canary\n');
      await chown(path, 12345, 0);
      await expect(readSecretFile(path)).rejects.toThrow(`belongs to user 12345, not root; type "chown root:root ${path}"`);
    }));

  it('is refused where it is no file of its own, without waiting for a pipe', () =>
    withDirectory(async (directory) => {
      await symlink(await writeSecret(directory, 'canary\n'), `${directory}/link`);
      await mkdir(`${directory}/directory`);
      await createRun()('mkfifo', ['-m', '600', `${directory}/pipe`]);
      await expect(readSecretFile(`${directory}/link`)).rejects.toThrow('is a symbolic link');
      await expect(readSecretFile(`${directory}/directory`)).rejects.toThrow('is not a regular file');
      await expect(readSecretFile(`${directory}/pipe`)).rejects.toThrow('is not a regular file');
      await expect(readSecretFile(`${directory}/none`)).rejects.toThrow(
        `the secret file ${directory}/none does not exist; put it there, or change its reference in lockstep.yaml`,
      );
    }));
});
