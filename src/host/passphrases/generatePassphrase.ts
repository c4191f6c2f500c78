import { randomInt } from 'node:crypto';

/** A passphrase that was drawn, and what it withstands. */
export interface GeneratedPassphrase {
  readonly passphrase: string;
  /** Its entropy in bits: the words times the binary logarithm of the list's length. */
  readonly bits: number;
}

/** The plan's 1.1: "8 diceware words (103 bits entropy)". */
export const plannedWords = 8;

/**
 * Draws words from the EFF large word list with the system's random source, without a bias
 * (`crypto.randomInt` draws anew instead of taking a remainder).
 *
 * Words are joined by single spaces: the space bar is where it is on every keyboard, while the dash moves
 * with the layout and is part of four words of the list. The letters y and z change places between QWERTY
 * and QWERTZ, and a, q, w, z and m move on AZERTY: leaving such words out would cost bits, so people are
 * told ({@link layoutRisk}).
 *
 * @param count - How many words; the plan's minimum is 8.
 */
export async function generatePassphrase(count: number = plannedWords): Promise<GeneratedPassphrase> {
  // Read only where one is drawn: no other command needs the list.
  const { effLargeWords } = await import('./effLargeWords.js');
  const words = Array.from({ length: count }, () => effLargeWords[randomInt(effLargeWords.length)]);
  return { passphrase: words.join(' '), bits: count * Math.log2(effLargeWords.length) };
}

/** Told wherever a passphrase is shown that has to be typed at a console with whatever keyboard stands there. */
export const layoutRisk =
  'Before typing it at a strange console look at its keyboard: y and z change places between the English and the German layout; a, q, w, z and m lie elsewhere on the French one.';
