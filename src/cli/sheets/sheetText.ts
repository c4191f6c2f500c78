import stringWidth from 'string-width';
import { renderUnicodeCompact } from 'uqr';
import { tabulate, wrapText } from '../present/text.js';
import type { Sheet } from './sheet.js';

const blank = '______________________________';

/**
 * A sheet as lines of text, for a terminal and for a printer that takes no pages.
 *
 * @param width - Columns.
 * @param onPaper - Ink is dark where a terminal's letters are light: the QR code is drawn the other way round.
 */
export function renderSheetText(sheet: Sheet, width: number, onPaper = false): string[] {
  const textWidth = Math.max(0, ...sheet.lines.map(({ text }) => stringWidth(text)));
  const facts = sheet.facts.map(([label, value]) => [label, value === '' ? blank : value] as const);
  return [
    sheet.title.toUpperCase(),
    '',
    ...sheet.purpose.flatMap((paragraph) => [...wrapText(paragraph, width), '']),
    ...tabulate(facts, 0, width),
    '',
    ...sheet.lines.map(({ text, code }, index) => `${String(index + 1).padStart(3)}   ${text}${' '.repeat(textWidth - stringWidth(text))}   ${code}`),
    '',
    ...sheet.below.flatMap((words) => wrapText(words, width)),
    '',
    ...renderUnicodeCompact(sheet.scanned, { ecc: 'M', border: 2, invert: onPaper }).split('\n'),
    ...wrapText(sheet.scannedIs, width),
    '',
    ...tabulate(
      [
        ['witness 1: name, date, signature', blank],
        ['witness 2: name, date, signature', blank],
      ],
      0,
      width,
    ),
  ];
}
