import { password } from '@inquirer/prompts';
import type { OpenQuestion } from '../contract/questions.js';
import { findSecretFault } from '../contract/secretRules.js';
import type { Terminal } from './terminal.js';

/**
 * Asks for a secret without echo; a new one twice, until both are the same.
 *
 * @param signal - Ends the asking, for example when somebody else has answered.
 */
export async function askSecret(terminal: Terminal, question: OpenQuestion, signal?: AbortSignal): Promise<string> {
  const context = signal === undefined ? {} : { signal };
  const ask = (message: string): Promise<string> =>
    // The same mark before and after: whether it is right, only the step can tell.
    password({ message, toggleMask: false, validate: validateSecret, theme: { prefix: '?', style: { maskedText: '(nothing is shown)' } } }, context);
  const isNew = question.isNewSecret === true;
  for (;;) {
    const value = await ask(`${nameOf(question)}${isNew ? ' (new)' : ''}:`);
    if (!isNew) return value;
    const again = await ask('once more, to be sure:');
    if (value === again) return value;
    terminal.warn('The two are not the same; please type both again.');
  }
}

const newline = 0x0a;

/** No secret is near that; what comes without a newline is not read for ever. */
const longestLineBytes = 64 * 1024;

/**
 * Reads the first line of standard input, for scripts: byte for byte, without the newline that ends it. It
 * does not wait for the input's end.
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

/** The words of lockstep.yaml, apart: `operationalPassphrase` becomes `operational passphrase`. */
export function nameOf({ secret }: Pick<OpenQuestion, 'secret'>): string {
  return (secret ?? 'secret').replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/** What the socket would refuse, said while the person can still mend it. */
export function validateSecret(value: string): true | string {
  const fault = findSecretFault(Buffer.from(value));
  return fault === undefined || `It ${fault}.`;
}
