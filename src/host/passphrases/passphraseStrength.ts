import type { ZxcvbnFactory, ZxcvbnResult } from '@zxcvbn-ts/core';
import type { PassphrasePolicy } from '../../config/passphrasePolicy.js';
import { formatCount } from '../../contract/facts.js';
import { findNewPassphraseFault } from '../../contract/passphrases/passphraseRules.js';

/** What came of judging one. */
export interface PassphraseVerdict {
  /** How many bits it is worth, cautiously. Nought where its form alone is at fault. */
  readonly bits: number;
  /** Why it is refused, with the next move; undefined where it is taken. Nothing of the passphrase is in it. */
  readonly refusal?: string;
}

/** The plan's 1.1: "8 diceware words (103 bits entropy) OR 20+ random characters". */
const fewestWords = 8;
const fewestCharacters = 20;

/** The estimator's time grows faster than what it reads; what comes beyond this only adds to it. */
const judgedCharacters = 60;

const nextMove = 'let Lockstep generate one, or take one from a password manager';

/**
 * Judges a passphrase that is being set: its form, its length, and what zxcvbn-ts finds in it. Where a person
 * types it, so that nothing weak is sent, and again in the activity that sets it.
 *
 * The bits are a cautious reading of the estimator: each word by its rank among the known ones, nothing for
 * spaces and marks between, and a word that comes twice only once. Random characters count 3.3 bits each
 * whatever they are drawn from. No estimate can know that words were not drawn but remembered, as a line
 * of a song: that is why generating one is the default. Eight words that are all of the list that Lockstep
 * draws from are taken for drawn, since a draw of short frequent words is now and then estimated below the
 * minimum; a remembered sentence has words that the list leaves out.
 *
 * @throws Nothing for a weak one: that is the verdict.
 */
export async function judgeNewPassphrase(passphrase: string, { minimumBits, guessable }: PassphrasePolicy): Promise<PassphraseVerdict> {
  const fault = findNewPassphraseFault(passphrase);
  if (fault !== undefined) return { bits: 0, refusal: `the passphrase ${fault}; choose another` };
  const characters = Array.from(passphrase).length;
  const words = new Set(passphrase.toLowerCase().match(/[\p{L}\p{M}]{2,}/gu)).size;
  const { bits, whole } = estimateBits(await loadEstimator(), passphrase.slice(0, judgedCharacters), guessable);
  if (bits < minimumBits && (await bitsIfDrawn(passphrase)) < minimumBits) {
    const hint = whole.feedback.warning;
    return { bits, refusal: `the passphrase is worth about ${bits} bits (at least ${minimumBits})${hint === null ? '' : `: ${withoutDot(hint)}`}; ${nextMove}` };
  }
  if (characters < fewestCharacters && words < fewestWords) {
    return { bits, refusal: `the passphrase has ${formatCount(characters)} characters (at least ${fewestCharacters}, or ${fewestWords} different words); ${nextMove}` };
  }
  return { bits };
}

/**
 * The whole as the estimator sees it, or, where that is less, its words each for itself: the estimator takes
 * the order of words and the spaces between for something to be guessed, and makes 100 bits of a line of verse.
 */
function estimateBits(estimator: ZxcvbnFactory, passphrase: string, guessable: readonly string[]): { bits: number; whole: ZxcvbnResult } {
  const inputs = guessable.flatMap((name) => name.split(/[^\p{L}\p{N}]+/u)).filter(({ length }) => length > 2);
  const whole = estimator.check(passphrase, inputs);
  const words = new Set(passphrase.toLowerCase().split(betweenWords));
  const apart = [...words].map((word) => bitsOf(estimator.check(word, inputs)));
  return { whole, bits: Math.floor(Math.min(bitsOf(whole), apart.reduce((sum, bits) => sum + bits, 0))) };
}

/** What a passphrase of the form that Lockstep generates would be worth as a draw, in bits; nought for any other. */
async function bitsIfDrawn(passphrase: string): Promise<number> {
  const words = passphrase.split(' ');
  const different = new Set(words);
  if (different.size < fewestWords || words.length !== different.size) return 0;
  const { effLargeWords } = await import('./effLargeWords.js');
  const known = new Set<string>(effLargeWords);
  return words.every((word) => known.has(word)) ? words.length * Math.log2(effLargeWords.length) : 0;
}

/** A mark between two words counts as nothing; among random characters it is one of them. */
const betweenWords = /\s+|(?<=\p{L}{3})[-_.,:;!?/+]+\s*(?=\p{L}{3})/u;

function bitsOf({ guessesLog10 }: ZxcvbnResult): number {
  return guessesLog10 / Math.log10(2);
}

function withoutDot(sentence: string): string {
  return sentence.replace(/\.$/, '');
}

let estimatorLoading: Promise<ZxcvbnFactory> | undefined;

/** Its dictionaries are some 70 MB in memory: loaded where a passphrase is judged, and never before. */
function loadEstimator(): Promise<ZxcvbnFactory> {
  estimatorLoading ??= (async () => {
    const [core, common, english] = await Promise.all([
      import('@zxcvbn-ts/core'),
      import('@zxcvbn-ts/language-common'),
      import('@zxcvbn-ts/language-en'),
    ]);
    return new core.ZxcvbnFactory({
      dictionary: { ...common.dictionary, ...english.dictionary },
      graphs: common.adjacencyGraphs,
      translations: english.translations,
      maxLength: judgedCharacters,
      // The default of 100 costs seconds for random characters with many marks, and finds nothing more in them.
      l33tMaxSubstitutions: 5,
    });
  })();
  return estimatorLoading;
}
