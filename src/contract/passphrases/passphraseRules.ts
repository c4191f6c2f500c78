import { findSecretFault } from '../secretRules.js';

/**
 * What keeps a passphrase that is being set from being read from paper and typed at any console again.
 * These rules are stricter than {@link findSecretFault}, and include it.
 *
 * @param passphrase - As typed.
 * @returns As {@link findSecretFault}.
 */
export function findNewPassphraseFault(passphrase: string): string | undefined {
  const fault = findSecretFault(passphrase);
  if (fault !== undefined) return fault;
  if (passphrase.includes(undecoded)) return 'has a character in it that was not read as UTF-8';
  if (/^ | $/.test(passphrase)) return 'begins or ends with a space, which nobody sees on paper';
  if (/ {2}/.test(passphrase)) return 'has two spaces in a row, which nobody tells from one on paper';
  if (control.test(passphrase)) return 'has a control character in it, such as a tab, which no prompt takes';
  if (unseen.test(passphrase)) return 'has a character in it that is not seen on paper, such as a no-break space';
  if (passphrase !== passphrase.normalize('NFC')) {
    return 'has an accent as a character of its own: another keyboard would type the letter with its accent as one, which are other bytes';
  }
  return undefined;
}

/**
 * What a person should know of a passphrase that is being set, though it is taken.
 *
 * @returns A sentence, or undefined. cryptsetup(8) advises plain ASCII, since the bytes of anything else depend on the terminal's encoding.
 */
export function adviseOnNewPassphrase(passphrase: string): string | undefined {
  if (/^[\x20-\x7e]*$/.test(passphrase)) return undefined;
  return 'It has letters beyond plain ASCII: a rescue console with another keyboard or encoding may not be able to type it.';
}

const control = /\p{Cc}/u;
/** Formats, separators but the space, private and unassigned code points. */
const unseen = /[\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}]|(?! )\p{Zs}/u;
/** What a decoder puts in the place of bytes that are no UTF-8. */
const undecoded = '\u{FFFD}';
