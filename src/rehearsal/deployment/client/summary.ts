import type { Entry } from './journal.js';

/** What a client's journal says, without asking the server. */
export interface Summary {
  readonly clientId: string;
  /** Operations sent at least once. */
  readonly sent: number;
  readonly acknowledged: number;
  /** Requests that the server refused, as during maintenance. */
  readonly refused: number;
  /** Requests without an answer, or with one that leaves the outcome unknown. */
  readonly unanswered: number;
  /** The longest time without an acknowledged write: the users' downtime. */
  readonly longestGapSeconds: number;
  /** When that time began; null when there was none. */
  readonly longestGapFrom: string | null;
  /** The first acknowledged write. */
  readonly firstAt: string | null;
  /** The last acknowledged write. */
  readonly lastAt: string | null;
}

/** Ids by what is known of them. */
export interface Ids {
  readonly sent: ReadonlySet<string>;
  readonly acknowledged: ReadonlySet<string>;
}

/** The ids that a journal names. */
export function readIds(entries: readonly Entry[]): Ids {
  return {
    sent: new Set(entries.flatMap((entry) => (entry.kind === 'sent' ? entry.ids : []))),
    acknowledged: new Set(entries.flatMap((entry) => (entry.kind === 'acknowledged' ? entry.ids : []))),
  };
}

/**
 * Sums a journal up. The time after the last acknowledged write counts as a gap too, up to the last
 * request: a service that never came back must not look like one that was never away.
 *
 * @throws Error when the journal does not begin with its client's id.
 */
export function summarise(entries: readonly Entry[]): Summary {
  const ids = readIds(entries);
  const count = (kind: Entry['kind']) => entries.filter((entry) => entry.kind === kind).length;
  const acknowledgedAt = entries.filter((entry) => entry.kind === 'acknowledged').map(({ at }) => at);
  const gap = longestGap(acknowledgedAt, entries.at(-1)?.at);
  return {
    clientId: readClientId(entries),
    sent: ids.sent.size,
    acknowledged: ids.acknowledged.size,
    refused: count('refused'),
    unanswered: count('unanswered'),
    longestGapSeconds: gap.milliseconds / 1000,
    longestGapFrom: toTime(gap.from),
    firstAt: toTime(acknowledgedAt[0]),
    lastAt: toTime(acknowledgedAt.at(-1)),
  };
}

/**
 * The client whose journal it is.
 *
 * @throws Error when the journal does not begin with it.
 */
export function readClientId(entries: readonly Entry[]): string {
  const [first] = entries;
  if (first?.kind !== 'began') throw new Error('the client\'s journal is empty; let the client run first');
  return first.clientId;
}

function longestGap(acknowledgedAt: readonly number[], end: number | undefined) {
  let longest: { milliseconds: number; from: number | undefined } = { milliseconds: 0, from: undefined };
  acknowledgedAt.forEach((from, index) => {
    const milliseconds = (acknowledgedAt[index + 1] ?? end ?? from) - from;
    if (milliseconds > longest.milliseconds) longest = { milliseconds, from };
  });
  return longest;
}

function toTime(at: number | undefined): string | null {
  return at === undefined ? null : new Date(at).toISOString();
}
