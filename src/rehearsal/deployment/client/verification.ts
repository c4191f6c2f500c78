import { isDeepStrictEqual } from 'node:util';
import { operationOf } from './content.js';
import type { Entry } from './journal.js';
import type { ReceivedOperation, Service } from './service.js';
import { readIds, summarise, type Summary } from './summary.js';

const namedAtMost = 20;

/** What became of a client's operations. */
export interface Verification extends Summary {
  /** Operations of this client on the server. */
  readonly present: number;
  /** Acknowledged operations that are not there: lost data. */
  readonly missing: number;
  /** Operations that are there more than once. */
  readonly duplicated: number;
  /** Operations whose content is not what was sent. */
  readonly altered: number;
  /** Operations that are there though nobody acknowledged them: sent, and the answer was lost. */
  readonly unacknowledgedPresent: number;
  /** Operations of this client that it never sent. */
  readonly unknown: number;
  /** The first few ids that are missing, duplicated, altered or unknown. */
  readonly examples: readonly string[];
}

/**
 * Reads all of a client's operations back and compares them with its journal.
 *
 * @throws Error when the server cannot be read, or the journal is empty.
 */
export async function verifyOperations({ service, entries }: {
  readonly service: Service;
  readonly entries: readonly Entry[];
}): Promise<Verification> {
  const summary = summarise(entries);
  const received = (await downloadAll(service)).filter(({ clientId }) => clientId === summary.clientId);
  return { ...summary, ...compare(entries, received) };
}

/** Whether no acknowledged operation was lost, doubled or changed, and none came from nowhere. */
export function isIntact({ missing, duplicated, altered, unknown }: Verification): boolean {
  return missing === 0 && duplicated === 0 && altered === 0 && unknown === 0;
}

/** Compares a journal with what the server holds of its client. */
export function compare(entries: readonly Entry[], received: readonly ReceivedOperation[]): Omit<Verification, keyof Summary> {
  const ids = readIds(entries);
  const times = new Map<string, number>();
  const altered: string[] = [];
  for (const operation of received) {
    // The content names its id as well: a copy stored under another id is a duplicate too.
    const id = namedInContent(operation.payload) ?? operation.id;
    times.set(id, (times.get(id) ?? 0) + 1);
    if (id !== operation.id || !isAsSent(operation)) altered.push(operation.id);
  }
  const missing = [...ids.acknowledged].filter((id) => !times.has(id));
  const duplicated = [...times].filter(([, count]) => count > 1).map(([id]) => id);
  const unknown = [...times.keys()].filter((id) => !ids.sent.has(id));
  return {
    present: received.length,
    missing: missing.length,
    duplicated: duplicated.length,
    altered: altered.length,
    unacknowledgedPresent: [...times.keys()].filter((id) => ids.sent.has(id) && !ids.acknowledged.has(id)).length,
    unknown: unknown.length,
    examples: [...missing, ...duplicated, ...altered, ...unknown].slice(0, namedAtMost),
  };
}

async function downloadAll(service: Service): Promise<ReceivedOperation[]> {
  const all: ReceivedOperation[] = [];
  let sinceSeq = 0;
  for (;;) {
    const { ops, hasMore } = await service.download(sinceSeq);
    all.push(...ops);
    sinceSeq = ops.at(-1)?.serverSeq ?? sinceSeq;
    if (!hasMore) return all;
  }
}

function isAsSent(operation: ReceivedOperation): boolean {
  const sent: Readonly<Record<string, unknown>> = { ...operationOf(operation.id) };
  const received: Readonly<Record<string, unknown>> = { ...operation };
  return Object.entries(sent).every(([name, value]) => isDeepStrictEqual(received[name], value));
}

function namedInContent(payload: unknown): string | undefined {
  if (typeof payload !== 'object' || payload === null || !('operation' in payload)) return undefined;
  return typeof payload.operation === 'string' ? payload.operation : undefined;
}
