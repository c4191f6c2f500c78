import { findPassphraseFault } from '../contract/passphrases/passphraseRules.js';
import { wrongUsage } from './exit.js';

const newline = 0x0a;

/**
 * Reads the first line of standard input, for scripts: exactly, without the newline that ends it. What
 * follows is left alone, since password managers keep notes below the password.
 *
 * @throws CommandEnded saying why it can be no secret, and nothing of what it was.
 */
export async function readSecretLine(input: AsyncIterable<Uint8Array | string>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of input) {
    // Of bytes, since a character may come in two pieces.
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    chunks.push(bytes);
    if (bytes.includes(newline)) break;
  }
  const all = Buffer.concat(chunks);
  const end = all.indexOf(newline);
  const value = decode(all.subarray(0, end === -1 ? all.length : end));
  for (const bytes of [all, ...chunks]) bytes.fill(0);
  const fault = value === undefined ? 'is not written in UTF-8' : findPassphraseFault(value);
  if (value === undefined || fault !== undefined) throw wrongUsage(`the first line of standard input is no secret: it ${fault ?? ''}`);
  return value;
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    // Replaced by other characters, it would open nothing.
    return undefined;
  }
}
