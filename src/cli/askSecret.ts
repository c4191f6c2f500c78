import type { PassphrasePolicy } from '../config/passphrasePolicy.js';
import type { OpenQuestion } from '../contract/questions.js';
import { askNewPassphrase } from './passphrases/askNewPassphrase.js';
import { askUnseen } from './passphrases/askUnseen.js';
import { wrapText } from './present/text.js';
import type { Terminal } from './terminal.js';

/**
 * Asks for the secret of a question without echo. A new one is generated, or typed twice and judged, as
 * the person chooses.
 *
 * @param policy - What lockstep.yaml asks of a new one.
 * @param signal - Ends the asking, for example when somebody else has answered.
 */
export async function askSecret(terminal: Terminal, question: OpenQuestion, policy: PassphrasePolicy, signal?: AbortSignal): Promise<string> {
  if (question.isNewSecret === true) return askNewPassphrase({ terminal, policy, ...(signal === undefined ? {} : { signal }) }, nameOf(question).replace(/^new /, ''));
  const secret = await askUnseen(`${nameOf(question)}:`, signal);
  if (hasSpaceAtItsEnd(secret)) terminal.warn(...wrapText('What was typed begins or ends with a space, which counts: where it is refused, look there first.', terminal.width()));
  return secret;
}

/** As a paste often brings it along; a passphrase that was set elsewhere may have one. */
export function hasSpaceAtItsEnd(secret: string): boolean {
  return /^\s|\s$/.test(secret);
}

/** The words of lockstep.yaml, apart: `operationalPassphrase` becomes `operational passphrase`. */
export function nameOf({ secret }: Pick<OpenQuestion, 'secret'>): string {
  return (secret ?? 'secret').replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
