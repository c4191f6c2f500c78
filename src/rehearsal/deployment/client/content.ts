import { createHash } from 'node:crypto';
import type { UploadedOperation } from '../application/requests.js';

/**
 * The operation of an id. All of its content follows from the id, so that what comes back can be
 * compared with what was sent although only ids are journalled.
 *
 * @param id - `CLIENT-NUMBER`, as made by {@link operationId}.
 */
export function operationOf(id: string): UploadedOperation {
  const number = Number(id.slice(id.lastIndexOf('-') + 1));
  const entityId = `note-${number % 500}`;
  return {
    id,
    opType: number < 500 ? 'CRT' : 'UPD',
    entityType: 'NOTE',
    entityId,
    entityIds: [entityId],
    payload: { operation: id, number, text: textOf(id) },
    vectorClock: { [id.slice(0, id.lastIndexOf('-'))]: number },
    clientTimestamp: 1_700_000_000_000 + number,
  };
}

/** The id of a client's n-th operation. */
export function operationId(clientId: string, number: number): string {
  return `${clientId}-${number}`;
}

/** 64 to 1,024 characters that differ from operation to operation. */
function textOf(id: string): string {
  const pieces = 1 + (createHash('sha256').update(id).digest()[0] ?? 0) % 16;
  return Array.from({ length: pieces }, (_, piece) => createHash('sha256').update(`${id} ${piece}`).digest('hex')).join('');
}
