import { password } from '@inquirer/prompts';
import type { OpenQuestion } from '../contract/questions.js';
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

/** Reads the first line of standard input, for scripts. */
export async function readSecretLine(input: AsyncIterable<unknown>): Promise<string> {
  let text = '';
  for await (const chunk of input) {
    text += String(chunk);
    if (text.includes('\n')) break;
  }
  return text.split('\n')[0] ?? '';
}

/** The words of lockstep.yaml, apart: `operationalPassphrase` becomes `operational passphrase`. */
export function nameOf({ secret }: Pick<OpenQuestion, 'secret'>): string {
  return (secret ?? 'secret').replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/** What the socket would refuse, said while the person can still mend it. */
export function validateSecret(value: string): true | string {
  if (value === '') return 'It can not be empty.';
  if (value.length > 1024) return 'It is longer than 1024 characters.';
  return true;
}
