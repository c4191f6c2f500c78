/** cryptsetup's limit for a passphrase that is typed at its prompt; a longer one could not be typed in an emergency. */
export const longestSecretBytes = 512;

/**
 * Why bytes cannot be a secret, whichever way they came: typed, or from a file, a program or systemd. One
 * rule for all, so that what one way takes never fails on another: tools read a line, and a passphrase
 * that has more in it than its owner sees opens nothing.
 *
 * @param bytes - The secret without the newline that ends its line.
 * @returns What is wrong, as in "it is empty"; undefined where nothing is. Nothing of the secret is in it.
 */
export function findSecretFault(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0) return 'is empty';
  if (bytes.includes(0x0a)) return 'has more than one line';
  // An editor of another system ends lines with it, and then no key slot answers to the passphrase.
  if (bytes.includes(0x0d)) return 'has a carriage return in it';
  if (bytes.includes(0)) return 'has a NUL byte in it';
  if (bytes.length > longestSecretBytes) return `is ${bytes.length} bytes long (limit ${longestSecretBytes})`;
  return undefined;
}
