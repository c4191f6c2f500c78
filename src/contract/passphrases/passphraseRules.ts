/** Most that cryptsetup takes at its prompt (cryptsetup(8), "Passphrase processing"): a longer one could not be typed in an emergency. */
export const longestPassphraseBytes = 512;

/**
 * What keeps a passphrase from being handed on exactly, byte for byte, to a tool that reads one line of
 * standard input. The one rule for the prompt, for a pipe, for the worker's socket and for cryptsetup.
 *
 * Whatever passes is taken exactly as it is, blanks at its ends and accents in either Unicode form
 * included: it may open a volume that was made elsewhere, and nobody but its maker knows what it is.
 *
 * @param passphrase - As typed, or its bytes as read from a file; without the newline that ended it.
 * @returns What is wrong, to stand after "the passphrase"; undefined where nothing is. Nothing of the passphrase is in it.
 */
export function findPassphraseFault(passphrase: string | Uint8Array): string | undefined {
  if (typeof passphrase === 'string' && loneSurrogate.test(passphrase)) return 'has half a character in it, which no encoding can write';
  const bytes = typeof passphrase === 'string' ? new TextEncoder().encode(passphrase) : passphrase;
  if (bytes.length === 0) return 'is empty';
  if (bytes.length > longestPassphraseBytes) return `is ${bytes.length} bytes long (limit ${longestPassphraseBytes}, which is cryptsetup's at a prompt)`;
  if (bytes.includes(0x0a)) return 'has a newline in it, where every tool would end it';
  // Left by an editor of another system; at a prompt the key that would type it ends the line.
  if (bytes.includes(0x0d)) return 'has a carriage return in it, which nobody can type at a prompt';
  if (bytes.includes(0)) return 'has a NUL byte in it, where some tools would end it';
  return undefined;
}

/**
 * What keeps a passphrase that is being set from being read from paper and typed at any console again.
 * These rules are stricter than {@link findPassphraseFault}, and include it.
 *
 * @param passphrase - As typed.
 * @returns As {@link findPassphraseFault}.
 */
export function findNewPassphraseFault(passphrase: string): string | undefined {
  const fault = findPassphraseFault(passphrase);
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

const loneSurrogate = /\p{Surrogate}/u;
const control = /\p{Cc}/u;
/** Formats, separators but the space, private and unassigned code points. */
const unseen = /[\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}]|(?! )\p{Zs}/u;
/** What a decoder puts in the place of bytes that are no UTF-8. */
const undecoded = '\u{FFFD}';
