import { base32crockford } from '@scure/base';
import { codeOf, cut, normalizeBase32, sameCode, type CheckedLine } from './checkedLines.js';
import type { RecoveryShare } from './recoveryShares.js';

const version = 1;
/** Version, set (2), threshold, shares, index, lines. */
const headerBytes = 7;
/** Sixteen characters in groups of four. */
const lineBytes = 10;
const groupLength = 4;

/** What the first line of a share says of it. */
export interface ShareHeader extends Omit<RecoveryShare, 'bytes'> {
  /** How many lines the share has. */
  readonly lines: number;
}

/**
 * A share as lines to be typed: Crockford's base32, which has no letters that look like digits, in groups of
 * four, with a code at the end of each line. The first line says of which share and set it is.
 */
export function toShareLines({ set, index, shares, threshold, bytes }: RecoveryShare): CheckedLine[] {
  const lines = Math.ceil((headerBytes + bytes.length) / lineBytes);
  const all = Buffer.concat([Uint8Array.of(version), Buffer.from(set, 'hex'), Uint8Array.of(threshold, shares, index, lines), bytes]);
  return cut([...all], lineBytes).map((part, at) => {
    const characters = base32crockford.encode(Uint8Array.from(part));
    return { text: cut(Array.from(characters), groupLength).map((group) => group.join('')).join(' '), code: codeOf('share', at + 1, characters) };
  });
}

/**
 * Reads a line of a share as it was typed, its code at the end.
 *
 * @param number - Which line it is, from 1.
 * @returns Its bytes; undefined where the code does not fit.
 */
export function readShareLine(typed: string, number: number): Uint8Array | undefined {
  const groups = typed.trim().split(/\s+/);
  const code = groups.pop() ?? '';
  const characters = normalizeBase32(groups.join(''));
  if (!sameCode(code, codeOf('share', number, characters))) return undefined;
  return base32crockford.decode(characters);
}

/** What the first line's bytes say; undefined where they are not of a share that this version can read. */
export function readShareHeader(firstLine: Uint8Array): ShareHeader | undefined {
  const [is, , , threshold = 0, shares = 0, index = 0, lines = 0] = firstLine;
  if (is !== version || firstLine.length < headerBytes) return undefined;
  return { set: Buffer.from(firstLine.subarray(1, 3)).toString('hex').toUpperCase(), threshold, shares, index, lines };
}

/** The share of all its lines. */
export function joinShareLines({ lines: _, ...header }: ShareHeader, lines: readonly Uint8Array[]): RecoveryShare {
  return { ...header, bytes: Uint8Array.from(Buffer.concat(lines)).subarray(headerBytes) };
}
