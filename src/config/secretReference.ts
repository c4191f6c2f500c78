import { PermanentFailure } from '../contract/errors.js';
import { secretReferenceForms, secretReferenceSchema } from './secretReferenceSchema.js';

/** Where a secret comes from: a person types it, a file on the host holds it, systemd hands it over, or a program prints it. */
export type SecretReference =
  | { readonly kind: 'ask' }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'systemd-credential'; readonly credential: string }
  | { readonly kind: 'exec'; readonly command: readonly [program: string, ...args: string[]]; readonly timeoutSeconds: number };

/**
 * Reads a secret's reference as it stands in lockstep.yaml.
 *
 * @param name - The secret's key in lockstep.yaml, for the message.
 * @param setting - What stands there: a text, or a section with `exec`.
 * @throws {@link PermanentFailure} for anything else; it is not quoted, since it may be the secret itself.
 */
export function parseSecretReference(name: string, setting: unknown): SecretReference {
  const parsed = secretReferenceSchema.safeParse(setting);
  if (!parsed.success) throw noReference(name);
  const { data } = parsed;
  if (typeof data !== 'string') {
    const [program, ...args] = data.exec;
    if (program === undefined) throw noReference(name);
    return { kind: 'exec', command: [program, ...args], timeoutSeconds: data.timeoutSeconds };
  }
  if (data === 'ask:') return { kind: 'ask' };
  if (data.startsWith('file:')) return { kind: 'file', path: data.slice('file:'.length) };
  return { kind: 'systemd-credential', credential: data.slice('systemd-credential:'.length) };
}

function noReference(name: string): PermanentFailure {
  return new PermanentFailure(
    `${name} is no reference to a secret`,
    `write ${secretReferenceForms}: to be asked for it, or to have it read on the host; never the secret itself`,
  );
}
