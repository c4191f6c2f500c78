import { select } from '@inquirer/prompts';
import type { PassphrasePolicy } from '../../config/passphrasePolicy.js';
import { adviseOnNewPassphrase } from '../../contract/passphrases/passphraseRules.js';
import { generatePassphrase, plannedWords } from '../../host/passphrases/generatePassphrase.js';
import { judgeNewPassphrase } from '../../host/passphrases/passphraseStrength.js';
import { wrapText } from '../present/text.js';
import type { Terminal } from '../terminal.js';
import { askUnseen } from './askUnseen.js';
import { showPassphrase } from './showPassphrase.js';

/** What asking for a new passphrase needs. */
export interface NewPassphraseContext {
  readonly terminal: Terminal;
  readonly policy: PassphrasePolicy;
  /** Ends the asking. */
  readonly signal?: AbortSignal;
}

/**
 * Has a person choose a new passphrase: one that is generated here, shown once, and typed as a proof that it
 * is stored; or one of their own, judged and typed twice. Asks until there is one; a typing error loses nothing.
 *
 * @param name - Which one, such as `operational passphrase`.
 */
export async function askNewPassphrase(context: NewPassphraseContext, name: string): Promise<string> {
  for (;;) {
    const way = await choose(context, `A new ${name}:`, [
      [`generate it here: ${plannedWords} words (recommended)`, 'generate'],
      ['type one of your own', 'type'],
    ] as const);
    const passphrase = way === 'generate' ? await generateAndProve(context, name) : await typeTwice(context, name);
    if (passphrase === undefined) continue;
    if (name === 'recovery passphrase') {
      context.terminal.print(...wrapText('For the safe: "lockstep recovery-sheet" makes a sheet of it to print, "lockstep split-recovery" shares for several holders.', context.terminal.width()));
    }
    return passphrase;
  }
}

/** @returns Undefined where the person wants another one. */
async function generateAndProve(context: NewPassphraseContext, name: string): Promise<string | undefined> {
  const { passphrase, bits } = await generatePassphrase();
  const show = (): Promise<void> => showPassphrase(context.terminal, `new ${name}`, passphrase, bits, context.signal);
  await show();
  for (;;) {
    if ((await askUnseen('the same, typed from where you have stored it:', context.signal)) === passphrase) return passphrase;
    const next = await choose(context, 'That is not the one that was shown; nothing is lost.', [
      ['type it again', 'type'],
      ['show it again', 'show'],
      ['drop it, and choose anew', 'drop'],
    ] as const);
    if (next === 'drop') return undefined;
    if (next === 'show') await show();
  }
}

async function typeTwice({ terminal, policy, signal }: NewPassphraseContext, name: string): Promise<string | undefined> {
  const warn = (words: string): void => terminal.warn(...wrapText(words, terminal.width()));
  const passphrase = await askUnseen(`${name} (new):`, signal);
  const { refusal } = await judgeNewPassphrase(passphrase, policy);
  if (refusal !== undefined) {
    warn(`Not taken: ${refusal}.`);
    return undefined;
  }
  const advice = adviseOnNewPassphrase(passphrase);
  if (advice !== undefined) warn(advice);
  if ((await askUnseen('once more, to be sure:', signal)) === passphrase) return passphrase;
  warn('The two are not the same; please type both again.');
  return undefined;
}

async function choose<Value extends string>({ signal }: NewPassphraseContext, message: string, choices: readonly (readonly [name: string, value: Value])[]): Promise<Value> {
  return select({ message, choices: choices.map(([name, value]) => ({ name, value })) }, signal === undefined ? {} : { signal });
}
