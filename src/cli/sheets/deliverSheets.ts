import { writeFile } from 'node:fs/promises';
import { input } from '@inquirer/prompts';
import { errorCode } from '../../host/failure.js';
import { refused } from '../exit.js';
import { onAlternateScreen } from '../passphrases/alternateScreen.js';
import { assertLeavesScreen } from '../passphrases/showPassphrase.js';
import type { Terminal } from '../terminal.js';
import type { Sheet } from './sheet.js';

/** How sheets leave the program. */
export interface Delivery {
  /** Default: a page of HTML. */
  readonly format?: 'html' | 'text';
  /** Written in the clear, only because it was named. */
  readonly file?: string;
}

/** Columns of a sheet in text, where it goes to a printer. */
const printedWidth = 80;

/**
 * Hands out sheets: to the file that was named, else into the pipe, else one after the other on the
 * terminal's second screen. Nothing is written to a disk unless a file is named.
 */
export async function deliverSheets(terminal: Terminal, sheets: readonly Sheet[], { format = 'html', file }: Delivery = {}): Promise<void> {
  const { renderSheetText } = await import('./sheetText.js');
  const render = async (): Promise<string> => {
    if (format === 'html') return (await import('./sheetPage.js')).renderSheetPage(sheets);
    return `${sheets.map((sheet) => renderSheetText(sheet, printedWidth, true).join('\n')).join('\n\f')}\n`;
  };
  if (file !== undefined) {
    await writeNew(file, await render());
    terminal.warn(`${file} holds the secret in the clear (mode 0600). Print it, then destroy it: shred -u ${file}`, 'On an SSD, a copy-on-write filesystem or a backed-up disk that destroys nothing: there use a file in memory, as in /dev/shm.');
  } else if (!terminal.interactive) {
    assertLeavesScreen(terminal, 'sheet');
    process.stdout.write(await render());
  } else {
    for (const [index, sheet] of sheets.entries()) {
      const last = index === sheets.length - 1;
      await onAlternateScreen(terminal, renderSheetText(sheet, Math.min(100, terminal.width())), () =>
        input({ message: last ? 'Enter, when you have it' : 'Enter for the next one' }),
      );
    }
  }
}

/** Never over what is there already, and open to its owner alone from the first byte. */
async function writeNew(path: string, content: string): Promise<void> {
  try {
    await writeFile(path, content, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if (errorCode(error) === 'EEXIST') throw refused(`${path} exists already; name a new file`);
    throw error;
  }
}
