import { createHash } from 'node:crypto';
import { base32crockford } from '@scure/base';

/** A line of a sheet of paper, with the code that finds a typing error in it. */
export interface CheckedLine {
  readonly text: string;
  readonly code: string;
}

/** How a passphrase lies on lines: a few words each, or so many characters each. */
export type LineForm = 'words' | 'characters';

/** A passphrase, line by line. */
export interface CheckedPassphrase {
  readonly form: LineForm;
  readonly lines: readonly CheckedLine[];
  /** Over the whole: finds what no line's own code can, as a line that was left out. */
  readonly code: string;
}

/** What a sheet shows where a passphrase of characters has a space. */
export const printedSpace = '\u2423';

const wordsToALine = 3;
const charactersToALine = 16;
/** 15 bits: of 32,768 typing errors in a line one goes unnoticed, and then the code over the whole finds it. */
const codeLength = 3;
const wholeCodeLength = 5;

/** Cuts a passphrase into lines, and gives each its code. Joined again by {@link joinLines} they are the passphrase, byte for byte. */
export function toCheckedLines(passphrase: string): CheckedPassphrase {
  const words = passphrase.split(' ');
  const form: LineForm = words.length >= wordsToALine && words.every((word) => /^\S{1,24}$/.test(word)) ? 'words' : 'characters';
  const texts = form === 'words' ? cut(words, wordsToALine).map((some) => some.join(' ')) : cut(Array.from(passphrase), charactersToALine).map((some) => some.join(''));
  return { form, lines: texts.map((text, index) => ({ text, code: codeOf(form, index + 1, text) })), code: wholeCode(passphrase) };
}

/** The passphrase of its lines, as {@link toCheckedLines} cut it. */
export function joinLines(form: LineForm, texts: readonly string[]): string {
  return texts.join(form === 'words' ? ' ' : '');
}

/** The code over a whole passphrase. */
export function wholeCode(passphrase: string): string {
  return shorten(`whole ${passphrase}`, wholeCodeLength);
}

/** The code of one line of a sheet: of what kind it is, which place it has, and its text. */
export function codeOf(kind: string, number: number, text: string): string {
  return shorten(`line ${kind} ${number} ${text}`, codeLength);
}

/**
 * Reads a line as it was typed from a sheet, its code at the end.
 *
 * @param number - Which line it is, from 1.
 * @param form - What the lines before it were.
 * @returns Its text and form; undefined where the code does not fit.
 */
export function readCheckedLine(typed: string, number: number, form?: LineForm): { readonly form: LineForm; readonly text: string } | undefined {
  // Of characters a space may be one: only the one before the code is no part of them.
  const [, exact = '', code = ''] = /^(.*?)\s(\S+)\s*$/s.exec(typed) ?? [];
  const readings = [
    { form: 'words', text: exact.trim().split(/\s+/).join(' ') },
    ...asCharacters(exact).map((text) => ({ form: 'characters', text }) as const),
  ] as const;
  return readings.find((each) => (form === undefined || form === each.form) && sameCode(code, codeOf(each.form, number, each.text)));
}

/** As it was typed, then with the sign that the sheet prints for a space, and with fewer spaces before the code: the sheet has several there. */
function asCharacters(typed: string): readonly string[] {
  return [typed, typed.replaceAll(printedSpace, ' ')].flatMap((text) => Array.from({ length: text.length - text.trimEnd().length + 1 }, (_, fewer) => text.slice(0, text.length - fewer)));
}

/** Whether a code that was typed is that one: in any case, and with the letters that look like digits. */
export function sameCode(typed: string, code: string): boolean {
  return normalizeBase32(typed) === code;
}

/** Base32 of Crockford as it was typed: O is read as 0, I and L as 1, and what separates groups is left out. */
export function normalizeBase32(typed: string): string {
  return typed.toUpperCase().replaceAll(/[\s-]/g, '').replaceAll('O', '0').replaceAll(/[IL]/g, '1');
}

/** Parts of equal length, but for the last. */
export function cut<Item>(items: readonly Item[], length: number): Item[][] {
  return Array.from({ length: Math.ceil(items.length / length) }, (_, index) => items.slice(index * length, (index + 1) * length));
}

function shorten(text: string, length: number): string {
  return base32crockford.encode(createHash('sha256').update(`lockstep ${text}`, 'utf8').digest()).slice(0, length);
}
