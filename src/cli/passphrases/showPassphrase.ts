import { input } from '@inquirer/prompts';
import { layoutRisk } from '../../host/passphrases/generatePassphrase.js';
import { refused } from '../exit.js';
import { wrapText } from '../present/text.js';
import type { Terminal } from '../terminal.js';
import { onAlternateScreen } from './alternateScreen.js';

const wordsToALine = 4;

/**
 * Shows a passphrase until Enter is pressed, and leaves no trace of it on the terminal.
 *
 * @param name - Which one it is, such as `recovery passphrase`.
 * @param bits - Its entropy, where it was generated here.
 */
export async function showPassphrase(terminal: Terminal, name: string, passphrase: string, bits?: number, signal?: AbortSignal): Promise<void> {
  const { theme } = terminal;
  const width = Math.min(100, terminal.width());
  const lines = [
    theme.bold(`The ${name}`),
    '',
    ...passphraseLines(passphrase).map((line) => `    ${theme.bold(line)}`),
    '',
    ...(bits === undefined ? [] : wrapText(`${describeEntropy(passphrase, bits)} One space between two words; no capitals.`, width)),
    ...wrapText('Store it now where it belongs: it is shown here, and kept nowhere.', width),
    ...wrapText(layoutRisk, width),
    '',
  ];
  await onAlternateScreen(terminal, lines, () => input({ message: 'Enter, when you have it' }, signal === undefined ? {} : { signal }));
}

/**
 * Refuses to print a secret onto a screen from which nobody would take it away: the output is a terminal, and the input
 * is none, so that nobody can be asked to say when it is stored.
 *
 * @param what - Such as `passphrase`.
 * @throws CommandEnded with what to do instead.
 */
export function assertLeavesScreen({ interactive, height }: Pick<Terminal, 'interactive' | 'height'>, what: string): void {
  if (interactive || height() === undefined) return;
  throw refused(`the ${what} would stay on this screen, and in what can be scrolled back to; send it into a pipe, or type the command at a terminal without giving it an input`);
}

/** The words of it, a few to a line. */
function passphraseLines(passphrase: string): string[] {
  const words = passphrase.split(' ');
  return Array.from({ length: Math.ceil(words.length / wordsToALine) }, (_, index) => words.slice(index * wordsToALine, (index + 1) * wordsToALine).join(' '));
}

/** How it was drawn and what that makes. */
export function describeEntropy(passphrase: string, bits: number): string {
  return `${passphrase.split(' ').length} words, drawn from 7,776: ${bits.toFixed(1)} bits.`;
}
