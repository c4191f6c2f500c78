import { input } from '@inquirer/prompts';
import { wrapText } from '../present/text.js';
import type { Terminal } from '../terminal.js';
import { askUnseen } from './askUnseen.js';

/** A line of paper is echoed: whoever reads it aloud or from a safe has to see a typing error, and the code tells of it. */
function askLine(message: string): Promise<string> {
  return input({ message, required: true }, { clearPromptOnDone: true, ...promptOutput() });
}

/** Prompts stay on the terminal where the result goes into a pipe. */
function promptOutput(): { output?: NodeJS.WriteStream } {
  return process.stdout.isTTY ? {} : { output: process.stderr };
}

/** Asks for the lines of a recovery sheet, each until its code fits, and then for the code over the whole. */
export async function askFromSheet(terminal: Terminal): Promise<string> {
  const { joinLines, readCheckedLine, sameCode, wholeCode } = await import('../../host/passphrases/checkedLines.js');
  const texts: string[] = [];
  let form: 'words' | 'characters' = 'words';
  for (;;) {
    const number = texts.length + 1;
    const typed = await askLine(`line ${number} of the sheet with its code${number === 1 ? '' : '; after the last one the code over the whole'}:`);
    const passphrase = joinLines(form, texts);
    if (number > 1 && sameCode(typed, wholeCode(passphrase))) return passphrase;
    const line = readCheckedLine(typed, number, number === 1 ? undefined : form);
    if (line === undefined) {
      const what = number === 1 ? 'Line 1 does not fit its code' : `That is neither line ${number} with a code that fits nor the code over the whole`;
      terminal.warn(...wrapText(`${what}: look at it again, word by word. The lines before it are kept.`, terminal.width()));
    } else {
      form = line.form;
      texts.push(line.text);
    }
  }
}

/** Asks for shares, line by line, until there are enough of one set, and joins them. */
export async function askFromShares(terminal: Terminal): Promise<string> {
  const { combineShares } = await import('../../host/passphrases/recoveryShares.js');
  const { joinShareLines, readShareHeader, readShareLine } = await import('../../host/passphrases/shareLines.js');
  const shares: Parameters<typeof combineShares>[0][number][] = [];
  const askShareLine = async (share: string, number: number): Promise<Uint8Array> => {
    for (;;) {
      const line = readShareLine(await askLine(`${share}, line ${number} with its code:`), number);
      if (line !== undefined) return line;
      terminal.warn(...wrapText(`Line ${number} does not fit its code: look at it again, group by group. What was typed before is kept.`, terminal.width()));
    }
  };
  for (;;) {
    const [known] = shares;
    const first = await askShareLine(known === undefined ? 'the first share' : `the next share (${shares.length} of ${known.threshold})`, 1);
    const header = readShareHeader(first);
    const fault = header === undefined ? 'it is not of a share that this version reads' : findMisfit(header, shares);
    if (header === undefined || fault !== undefined) {
      terminal.warn(`Not taken: ${fault ?? ''}.`);
      continue;
    }
    terminal.print(`Share ${header.index} of ${header.shares}, set ${header.set}: ${header.threshold} are needed.`);
    const lines = [first];
    while (lines.length < header.lines) lines.push(await askShareLine(`share ${header.index}`, lines.length + 1));
    shares.push(joinShareLines(header, lines));
    if (shares.length >= header.threshold) return combineShares(shares);
  }
}

function findMisfit({ set, index }: { readonly set: string; readonly index: number }, before: readonly { readonly set: string; readonly index: number }[]): string | undefined {
  const [first] = before;
  if (first !== undefined && first.set !== set) return `share ${index} is of the set ${set}, the others are of the set ${first.set}`;
  return before.some((share) => share.index === index) ? `share ${index} was typed already` : undefined;
}

/** A passphrase that goes onto paper: typed twice without echo, since a typing error would show only in an emergency. */
export async function askTwice(terminal: Terminal, name: string): Promise<string> {
  for (;;) {
    const passphrase = await askUnseen(`${name}:`);
    if ((await askUnseen('once more, to be sure:')) === passphrase) return passphrase;
    terminal.warn('The two are not the same; please type both again.');
  }
}
