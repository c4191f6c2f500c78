import { PermanentFailure } from '../contract/errors.js';

/** Where a secret comes from: a person types it, or a file on the host holds it. */
export type SecretReference = { readonly kind: 'ask' } | { readonly kind: 'file'; readonly path: string };

/**
 * Reads a secret's reference as it stands in lockstep.yaml.
 *
 * @param name - The secret's key in lockstep.yaml, for the message.
 * @param text - `ask:` or `file:/absolute/path`.
 * @throws {@link PermanentFailure} for anything else; the text is not quoted, since it may be the secret itself.
 */
export function parseSecretReference(name: string, text: string): SecretReference {
  if (text === 'ask:') return { kind: 'ask' };
  const path = /^file:(\/[^\0\n]+)$/.exec(text)?.[1];
  if (path !== undefined) return { kind: 'file', path };
  throw new PermanentFailure(
    `${name} is no reference to a secret`,
    'write "ask:" to be asked for it, or "file:/absolute/path" to have it read on the host; never the secret itself',
  );
}
