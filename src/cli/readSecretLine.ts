import { isUtf8 } from 'node:buffer';
import { findSecretFault } from '../contract/secretRules.js';
import { wrongUsage } from './exit.js';

const newline = 0x0a;

/** No secret is near that; what comes without a newline is not read for ever. */
const longestLineBytes = 64 * 1024;

/**
 * Reads a secret from standard input, for scripts: its first line, exactly. What follows is left alone,
 * since password managers keep notes below the password.
 *
 * @throws CommandEnded where the line can be no secret, or would become another one on its way; nothing of it is in the message.
 */
export async function readPipedSecret(input: AsyncIterable<Buffer | string>): Promise<string> {
  const line = await readSecretLine(input);
  const fault = findSecretFault(line) ?? (isUtf8(line) ? undefined : 'is not written in UTF-8');
  const value = line.toString('utf8');
  line.fill(0);
  if (fault !== undefined) throw wrongUsage(`the first line of standard input is no secret: it ${fault}`);
  return value;
}

/**
 * Reads the first line byte for byte, without the newline that ends it. It does not wait for the input's end.
 *
 * @returns The line in a buffer that the caller may overwrite after use.
 */
export async function readSecretLine(input: AsyncIterable<Buffer | string>): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let sizeBytes = 0;
  for await (const piece of input) {
    const bytes = typeof piece === 'string' ? Buffer.from(piece) : piece;
    pieces.push(bytes);
    sizeBytes += bytes.length;
    if (bytes.includes(newline) || sizeBytes > longestLineBytes) break;
  }
  const all = Buffer.concat(pieces);
  for (const piece of pieces) piece.fill(0);
  const end = all.indexOf(newline);
  if (end < 0) return all;
  all.fill(0, end);
  return all.subarray(0, end);
}
