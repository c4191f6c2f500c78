import { PermanentFailure } from '../../contract/errors.js';
import { findSecretFault } from '../../contract/secretRules.js';

/** A passphrase as typed, without a newline at its end. */
export type Passphrase = string | Uint8Array;

/** cryptsetup opened nothing, since no slot (or not the named one) answers to the passphrase. */
export class WrongPassphrase extends Error {
  override readonly name = 'WrongPassphrase';

  /** @param device - The LUKS device or header that was tried. */
  constructor(readonly device: string) {
    super(`no key slot of ${device} that was tried answers to the passphrase given`);
  }
}

const newline = 0x0a;

/**
 * The bytes for `--key-file=-`, which takes standard input as it is, so that they open what the same
 * passphrase opens when typed at cryptsetup's prompt.
 *
 * @throws {@link PermanentFailure} for a passphrase that could not be typed, by {@link findSecretFault}.
 * Its message carries nothing of the passphrase.
 */
export function passphraseBytes(passphrase: Passphrase): Uint8Array {
  const fault = findSecretFault(passphrase);
  if (fault !== undefined) throw new PermanentFailure(`a passphrase ${fault}`, 'choose one that can be typed at a prompt');
  return typeof passphrase === 'string' ? Buffer.from(passphrase, 'utf8') : passphrase;
}

/**
 * Several passphrases for standard input, one a line, as cryptsetup reads them when no key file is named.
 *
 * @returns A buffer of its own, to be overwritten once it was read.
 * @throws {@link PermanentFailure} as {@link passphraseBytes}.
 */
export function passphraseLines(passphrases: readonly Passphrase[]): Uint8Array {
  return Buffer.concat(passphrases.flatMap((passphrase) => [passphraseBytes(passphrase), Uint8Array.of(newline)]));
}
