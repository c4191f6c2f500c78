import type { Stats } from 'node:fs';
import { join } from 'node:path';
import { PermanentFailure } from '../../contract/errors.js';
import { readLineFile } from './secretLine.js';

/**
 * Reads a secret of the kind `systemd-credential:` from where systemd put it for the worker's unit
 * (systemd.exec(5), LoadCredential=, LoadCredentialEncrypted=, SetCredentialEncrypted=; systemd-creds(1)).
 * It lies in memory that is not swapped, and systemd takes it away when the worker ends.
 *
 * @param credential - Its name; a file name without a slash, as the schema of lockstep.yaml has checked.
 * @param directory - $CREDENTIALS_DIRECTORY; undefined where systemd gave none.
 * @returns The line without its newline, in a buffer that the caller may overwrite after use.
 * @throws {@link PermanentFailure} where the worker was given no such credential, naming the directive to
 * add to its unit; where others could read it; where it holds no secret.
 */
export async function readSystemdCredential({ credential, directory }: { readonly credential: string; readonly directory: string | undefined }): Promise<Buffer> {
  if (!/^[^/\0]+$/.test(credential) || credential === '.' || credential === '..') throw new Error('a credential is named like a file, without a slash');
  const nextMove = giveIt(credential);
  if (directory === undefined) {
    throw new PermanentFailure(`systemd gave this worker no credentials, and ${credential} is to be one ($CREDENTIALS_DIRECTORY is not set)`, nextMove);
  }
  const label = `the systemd credential ${credential}`;
  return readLineFile({
    path: join(directory, credential),
    label,
    whenAbsent: nextMove,
    whenUnfit: `make the credential anew, as one line of text; then restart the worker`,
    assertPrivate: (stats) => assertAsSystemdMakes(stats, label),
  });
}

function giveIt(credential: string): string {
  return (
    `type "systemctl edit lockstep-worker", add LoadCredentialEncrypted=${credential}:/etc/credstore.encrypted/${credential} ` +
    `(made by systemd-creds encrypt) or LoadCredential=${credential}:/path below [Service], "systemctl restart lockstep-worker", then retry`
  );
}

/** 0400, and where access lists are in use 0440, of root; and nobody writes. */
function assertAsSystemdMakes({ uid, gid, mode }: Stats, label: string): void {
  const shown = (mode & 0o7777).toString(8).padStart(4, '0');
  const isPrivate = uid === 0 && ((mode & 0o7777) === 0o400 || ((mode & 0o7777) === 0o440 && gid === 0));
  if (isPrivate) return;
  throw new PermanentFailure(
    `${label} has mode ${shown} and belongs to ${uid}:${gid}; systemd makes it 0400 or 0440 for root`,
    'see who set $CREDENTIALS_DIRECTORY: the worker has to be started by systemd, as root',
  );
}
