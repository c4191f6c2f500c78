import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { operationId, operationOf } from './content.js';
import type { Entry, Journal } from './journal.js';
import type { Service } from './service.js';
import { readClientId, readIds, summarise, type Summary } from './summary.js';

const largeBatchEvery = 8;
const largeBatchOps = 5;

/** What a client sends with, and for how long. */
export interface SendingOptions {
  readonly service: Service;
  readonly journal: Journal;
  /** When aborted, the client gets its last batch through, if it can, and ends. */
  readonly stop: AbortSignal;
  /** Also asked before each batch; for example whether a stop file exists. */
  readonly shouldStop?: () => Promise<boolean>;
  /** Between two uploads, and before one is sent again; default 250 ms. */
  readonly intervalMilliseconds?: number;
  /** How long the last batch is tried after a stop; default 10 s. */
  readonly finishSeconds?: number;
  readonly now?: () => number;
}

/**
 * Sends operations, one batch at a time, until it is told to stop. A batch is sent again with the same
 * ids until it is acknowledged, whatever became of the earlier attempts; ids are journalled before
 * they are sent, and counted as acknowledged only once that is on disk. A client that was killed goes
 * on with its journal.
 *
 * @returns What its journal says at the end.
 * @throws Error when the server finds fault with an operation.
 */
export async function sendOperations(options: SendingOptions): Promise<Summary> {
  const { journal, stop, intervalMilliseconds = 250, finishSeconds = 10, now = Date.now } = options;
  const entries: Entry[] = [...journal.earlier];
  const note = async (entry: Entry) => {
    await journal.append(entry);
    entries.push(entry);
  };
  if (entries.length === 0) await note({ kind: 'began', at: now(), clientId: `client-${randomUUID()}` });
  const clientId = readClientId(entries);
  const earlier = readIds(entries);
  let pending = [...earlier.sent].filter((id) => !earlier.acknowledged.has(id));
  let next = earlier.sent.size;
  let batch = 0;
  let stoppingSince: number | undefined;

  for (;;) {
    if (stop.aborted || (await options.shouldStop?.())) stoppingSince ??= now();
    if (stoppingSince !== undefined && (pending.length === 0 || now() - stoppingSince > finishSeconds * 1000)) break;
    if (pending.length === 0) {
      batch += 1;
      const size = batch % largeBatchEvery === 0 ? largeBatchOps : 1;
      pending = Array.from({ length: size }, (_, index) => operationId(clientId, next + index));
      next += size;
      await note({ kind: 'sent', at: now(), ids: pending });
    }
    const outcome = await options.service.upload(clientId, pending.map(operationOf));
    await note({ ...outcome, at: now(), ...('ids' in outcome ? { ids: [...outcome.ids] } : {}) } as Entry);
    if (outcome.kind === 'acknowledged') {
      const acknowledged = new Set(outcome.ids);
      pending = pending.filter((id) => !acknowledged.has(id));
    }
    if (!stop.aborted || pending.length > 0) await pause(intervalMilliseconds, stop);
  }
  await note({ kind: 'stopped', at: now() });
  return summarise(entries);
}

/** A stop ends the pause early, once: afterwards the pauses of the last attempts are whole again. */
async function pause(milliseconds: number, stop: AbortSignal): Promise<void> {
  const options = stop.aborted ? {} : { signal: stop };
  await sleep(milliseconds, undefined, options).catch((error: unknown) => {
    if (!stop.aborted) throw error;
  });
}
