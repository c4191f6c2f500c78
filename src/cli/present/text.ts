import stringWidth from 'string-width';
import wrapAnsi from 'wrap-ansi';
import type { Facts } from '../../contract/facts.js';

/**
 * Breaks text into lines of at most that many columns; words longer than a line are cut, since a
 * terminal would do that anyway and count the lines wrong.
 *
 * @param width - Columns, at least 1.
 */
export function wrapText(text: string, width: number): string[] {
  return wrapAnsi(text, Math.max(1, width), { hard: true, trim: true }).split('\n');
}

/** The same, with a first line that begins with `first` and others that stand below its text. */
export function wrapHanging(first: string, text: string, width: number): string[] {
  const indent = stringWidth(first);
  return wrapText(text, width - indent).map((line, index) => `${index === 0 ? first : ' '.repeat(indent)}${line}`);
}

/** A sentence: broken between its words for a person at a terminal, and one line for whatever else reads it. */
export function sentence(words: string, { interactive, width }: { readonly interactive: boolean; readonly width: () => number }): string[] {
  return interactive ? words.split('\n').flatMap((line) => wrapText(line, width())) : [words];
}

/** Text and, at the line's end, something short: the text is broken so that both fit. */
export function spread(first: string, text: string, right: string, width: number): string[] {
  const rightWidth = stringWidth(right);
  if (rightWidth === 0) return wrapHanging(first, text, width);
  const lines = wrapHanging(first, text, width - rightWidth - 2);
  const head = lines[0] ?? first;
  return [`${head}${' '.repeat(Math.max(2, width - stringWidth(head) - rightWidth))}${right}`, ...lines.slice(1)];
}

/** Labels and values in two columns. */
export function tabulate(facts: Facts, indent: number, width: number): string[] {
  const labelWidth = Math.min(Math.floor(width / 2), Math.max(0, ...facts.map(([label]) => stringWidth(label))));
  return facts.flatMap(([label, value]) => {
    const [head = '', ...more] = wrapText(label, labelWidth);
    const padded = `${' '.repeat(indent)}${head}${' '.repeat(Math.max(0, labelWidth - stringWidth(head)))}  `;
    return [...wrapHanging(padded, value, width), ...more.map((line) => `${' '.repeat(indent)}${line}`)];
  });
}

/** Figures in one line: `size 1.63 GiB · files 5,012`. Labels have commas of their own. */
export function inWords(facts: Facts): string {
  return facts.map(([label, value]) => `${label} ${value}`).join(' · ');
}
