import { parseSecretReference } from '../../config/secretReference.js';
import type { SecretReferenceSetting } from '../../config/secretReferenceSchema.js';
import { PermanentFailure } from '../../contract/errors.js';
import { readSecretFile } from '../files/secretFile.js';
import { readSystemdCredential } from '../files/systemdCredential.js';
import type { Run } from '../processes/runner.js';
import { readSecretCommand } from '../processes/secretCommand.js';
import { NotTaken } from './channel.js';

/**
 * Reads a secret by its reference in lockstep.yaml, into a buffer that the caller may overwrite after use.
 *
 * @param signal - Ends a program that is to print it.
 * @throws {@link PermanentFailure} or {@link NotTaken} where it can not be read; nothing of it is in the words.
 */
export type ReadSecret = (reference: SecretReferenceSetting, signal: AbortSignal) => Promise<Buffer>;

/** What secrets are read with. */
export interface UnattendedSecretSettings {
  readonly run: Run;
  /** Where systemd put the worker's credentials; undefined where it was given none. */
  readonly credentialsDirectory?: string | undefined;
}

/** Makes the reading of secrets that need no person. */
export function createUnattendedSecretReader({ run, credentialsDirectory }: UnattendedSecretSettings): ReadSecret {
  return async (setting, signal) => {
    const reference = parseSecretReference('a secret of alerts.channels', setting);
    switch (reference.kind) {
      case 'file':
        return readSecretFile(reference.path);
      case 'systemd-credential':
        return readSystemdCredential({ credential: reference.credential, directory: credentialsDirectory });
      case 'exec':
        return readSecretCommand((file, args, options) => run(file, args, { ...options, signal }), reference).catch(explain);
      case 'ask':
        throw new PermanentFailure('a secret of alerts.channels would have to be typed', 'name what holds it, since alerts go out when nobody is there');
    }
  };
}

/** What a vault's program came to is no secret, and the reason for which nobody is told. */
function explain(error: unknown): never {
  if (!(error instanceof Error) || error instanceof PermanentFailure) throw error;
  throw new NotTaken(`can not be asked: ${error.message}`);
}
