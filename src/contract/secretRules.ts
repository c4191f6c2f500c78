/** cryptsetup's limit at its prompt (cryptsetup(8), "Passphrase processing"); a longer one could not be typed in an emergency. */
export const longestSecretBytes = 512;

/**
 * Why something cannot be a secret, whichever way it came: typed, or from a pipe, a file, a program or
 * systemd. One rule for all, so that what one way takes never fails on another: tools read a line, and a
 * passphrase that has more in it than its owner sees opens nothing.
 *
 * Whatever passes is taken exactly as it is, blanks at its ends and accents in either Unicode form
 * included: it may open a volume that was made elsewhere, and nobody but its maker knows what it is.
 *
 * @param secret - As typed, or its bytes, which need not be text; without the newline that ends its line.
 * @returns What is wrong, as in "it is empty"; undefined where nothing is. Nothing of the secret is in it.
 */
export function findSecretFault(secret: string | Uint8Array): string | undefined {
  if (typeof secret === 'string' && loneSurrogate.test(secret)) return 'has half a character in it, which no encoding can write';
  const bytes = typeof secret === 'string' ? new TextEncoder().encode(secret) : secret;
  if (bytes.length === 0) return 'is empty';
  if (bytes.includes(0x0a)) return 'has more than one line';
  // Left by an editor of another system; at a prompt the key that would type it ends the line.
  if (bytes.includes(0x0d)) return 'has a carriage return in it, which nobody can type at a prompt';
  if (bytes.includes(0)) return 'has a NUL byte in it, where some tools would end it';
  if (bytes.length > longestSecretBytes) return `is ${bytes.length} bytes long (limit ${longestSecretBytes})`;
  return undefined;
}

const loneSurrogate = /\p{Surrogate}/u;
