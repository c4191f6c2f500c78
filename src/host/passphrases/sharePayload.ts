import { createHash } from 'node:crypto';
import { effLargeWords } from './effLargeWords.js';

const kinds = { text: 0, words: 1 } as const;
const checkBytes = 4;

/**
 * What is split: the passphrase and a digest of it, so that whoever joins shares sees whether they fit.
 * The digest is split along: no share tells anything of it. Words of the list take 13 bits each instead of
 * some 60, which makes a share short enough to be typed.
 */
export function toSharePayload(passphrase: string): Uint8Array {
  const words = passphrase.split(' ').map((word) => effLargeWords.indexOf(word));
  const isWords = words.length <= 255 && !words.includes(-1);
  const body = isWords ? Buffer.concat([Uint8Array.of(kinds.words, words.length), toBytes(words)]) : Buffer.concat([Uint8Array.of(kinds.text), Buffer.from(passphrase, 'utf8')]);
  // The library takes no Buffer, though that is a Uint8Array.
  const payload = Uint8Array.from([...body, ...digestOf(passphrase)]);
  body.fill(0);
  return payload;
}

/** @returns The passphrase; undefined where its digest does not fit, since the shares were not of one set or too few. */
export function fromSharePayload(payload: Uint8Array): string | undefined {
  const bytes = Buffer.from(payload);
  const body = bytes.subarray(0, -checkBytes);
  const passphrase = body[0] === kinds.words ? fromBytes(body.subarray(2), body[1] ?? 0) : body.subarray(1).toString('utf8');
  return digestOf(passphrase).equals(bytes.subarray(-checkBytes)) ? passphrase : undefined;
}

function digestOf(passphrase: string): Buffer {
  return createHash('sha256').update(`lockstep shared ${passphrase}`, 'utf8').digest().subarray(0, checkBytes);
}

const base = BigInt(effLargeWords.length);

function toBytes(words: readonly number[]): Buffer {
  const value = words.reduce((sum, word) => sum * base + BigInt(word), 0n);
  return Buffer.from(value.toString(16).padStart(2 * lengthOf(words.length), '0'), 'hex');
}

function fromBytes(bytes: Buffer, count: number): string {
  let rest = BigInt(`0x${bytes.toString('hex') || '0'}`);
  const words: string[] = [];
  for (let left = count; left > 0; left--) {
    words.unshift(effLargeWords[Number(rest % base)] ?? '');
    rest /= base;
  }
  return words.join(' ');
}

function lengthOf(count: number): number {
  return Math.ceil((count * Math.log2(effLargeWords.length)) / 8);
}
