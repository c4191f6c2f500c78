import { chmod, chown, symlink, writeFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { PermanentFailure } from '../../../../src/contract/errors.js';
import { readSystemdCredential } from '../../../../src/host/files/systemdCredential.js';
import { assertRoot, withDirectory } from '../../needsRoot.js';
import { newlineTraps } from '../../newlineTraps.js';

const credential = 'backup-passphrase';

async function writeCredential(directory: string, content: string | Uint8Array, mode = 0o400): Promise<string> {
  const path = `${directory}/${credential}`;
  await writeFile(path, content);
  await chmod(path, mode);
  return path;
}

describe('a secret from systemd', () => {
  beforeAll(() => assertRoot('systemd gives a credential to root'));

  it.each(newlineTraps)('with %s', (_, given, becomes) =>
    withDirectory(async (directory) => {
      await writeCredential(directory, given);
      const reading = readSystemdCredential({ credential, directory });
      if (typeof becomes === 'string') await expect(reading).rejects.toThrow(`the systemd credential ${credential} ${becomes}`);
      else expect(Buffer.compare(await reading, becomes)).toBe(0);
    }),
  );

  it('may be readable by the group root, as systemd makes it with access lists', () =>
    withDirectory(async (directory) => {
      const path = await writeCredential(directory, 'correct', 0o440);
      expect((await readSystemdCredential({ credential, directory })).toString()).toBe('correct');
      await chown(path, 0, 12345);
      await expect(readSystemdCredential({ credential, directory })).rejects.toThrow('has mode 0440 and belongs to 0:12345');
    }));

  it.each([0o600, 0o444, 0o460])('is refused with mode %o, which systemd does not make', (mode) =>
    withDirectory(async (directory) => {
      await writeCredential(directory, 'correct', mode);
      await expect(readSystemdCredential({ credential, directory })).rejects.toThrow(PermanentFailure);
    }),
  );

  it('names the directive that is missing where systemd gave none, or not this one', () =>
    withDirectory(async (directory) => {
      const asked = (given: string | undefined) => readSystemdCredential({ credential, directory: given });
      await expect(asked(undefined)).rejects.toThrow('systemd gave this worker no credentials, and backup-passphrase is to be one');
      await expect(asked(directory)).rejects.toThrow('the systemd credential backup-passphrase does not exist');
      for (const given of [undefined, directory]) await expect(asked(given)).rejects.toThrow('LoadCredentialEncrypted=backup-passphrase:/etc/credstore.encrypted/backup-passphrase');
    }));

  it('does not leave its directory', () =>
    withDirectory(async (directory) => {
      await writeCredential(directory, 'correct');
      await symlink(`${directory}/${credential}`, `${directory}/link`);
      await expect(readSystemdCredential({ credential: 'link', directory })).rejects.toThrow('is a symbolic link');
      for (const name of ['..', `../x/${credential}`]) await expect(readSystemdCredential({ credential: name, directory })).rejects.toThrow('without a slash');
    }));
});
