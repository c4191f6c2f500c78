import { password } from '@inquirer/prompts';
import { findSecretFault } from '../../contract/secretRules.js';

/**
 * Asks for one line without echo, which is taken exactly as it was typed.
 *
 * @param signal - Ends the asking.
 */
export function askUnseen(message: string, signal?: AbortSignal): Promise<string> {
  // Where the result goes into a pipe, the question does not.
  const context = { ...(signal === undefined ? {} : { signal }), ...(process.stdout.isTTY ? {} : { output: process.stderr }) };
  // The same mark before and after: whether it is right, only the step can tell.
  return password({ message, toggleMask: false, validate: validateSecret, theme: { prefix: '?', style: { maskedText: '(nothing is shown)' } } }, context);
}

/** What the worker would refuse, said while the person can still mend it. */
export function validateSecret(value: string): true | string {
  const fault = findSecretFault(value);
  return fault === undefined || `It ${fault}.`;
}
