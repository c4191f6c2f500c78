import { parseSecretReference } from '../../config/secretReference.js';
import { PermanentFailure } from '../../contract/errors.js';
import { readSecretFile } from '../files/secretFile.js';

/** Reads a secret by its reference in lockstep.yaml, into a buffer that the caller may overwrite after use. */
export type ReadSecret = (reference: string) => Promise<Buffer>;

/**
 * Reads a secret that needs no person.
 *
 * @throws {@link PermanentFailure} where it can not be read, or somebody would have to type it.
 */
export async function readUnattendedSecret(reference: string): Promise<Buffer> {
  const parsed = parseSecretReference('a secret of alerts.channels', reference);
  if (parsed.kind === 'file') return readSecretFile(parsed.path);
  throw new PermanentFailure('a secret of alerts.channels would have to be typed', 'name a file that holds it, since alerts go out when nobody is there');
}
