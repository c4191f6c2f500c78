import type { Database, Query } from './database.js';
import type { Upload, UploadedOperation } from './requests.js';

/** What became of one uploaded operation. */
export interface UploadResult {
  readonly opId: string;
  readonly accepted: boolean;
  /** Its place in the user's order; absent when it was not accepted. */
  readonly serverSeq?: number;
  readonly error?: string;
}

/** An operation as it is downloaded. */
export interface StoredOperation extends UploadedOperation {
  readonly serverSeq: number;
  readonly clientId: string;
  readonly receivedAt: string;
}

/** One page of a user's operations. */
export interface Page {
  readonly ops: readonly StoredOperation[];
  readonly hasMore: boolean;
  readonly latestSeq: number;
}

/** Stores and reads operations. */
export interface Operations {
  /**
   * Stores a batch and returns after it is committed. An id that is there already is acknowledged
   * with the place it has, so that a client that saw no answer can send again.
   */
  upload(userId: number, upload: Upload): Promise<{ results: UploadResult[]; latestSeq: number }>;
  /** Operations after a place in the user's order, at most `limit` of them. */
  list(userId: number, sinceSeq: number, limit: number): Promise<Page>;
  /** Removes one operation, and its device when nothing of it is left; says whether it was there. */
  remove(userId: number, opId: string): Promise<boolean>;
}

/** {@link Operations} on the tables of schema.ts. */
export function createOperations({ database }: { readonly database: Database }): Operations {
  return {
    upload: (userId, upload) => database.transaction((query) => store(query, userId, upload)),
    list: async (userId, sinceSeq, limit) => {
      const latestSeq = await readLatestSeq(database.query, userId);
      const rows = await database.query<StoredOperation>(listSql, [userId, sinceSeq, limit + 1]);
      return { ops: rows.slice(0, limit), hasMore: rows.length > limit, latestSeq };
    },
    remove: (userId, opId) =>
      database.transaction(async (query) => {
        const [removed] = await query<{ client_id: string }>(
          'DELETE FROM operations WHERE user_id = $1 AND id = $2 RETURNING client_id',
          [userId, opId],
        );
        if (removed) await query(removeIdleDeviceSql, [userId, removed.client_id]);
        return removed !== undefined;
      }),
  };
}

async function store(query: Query, userId: number, { clientId, ops }: Upload) {
  // The row lock makes one upload per user at a time, so that numbers are given without gaps and in order of commit.
  await query('INSERT INTO user_sync_state (user_id) VALUES ($1) ON CONFLICT DO NOTHING', [userId]);
  const [state] = await query<{ last_seq: number }>('SELECT last_seq FROM user_sync_state WHERE user_id = $1 FOR UPDATE', [userId]);
  let latestSeq = state?.last_seq ?? 0;

  const stored = new Map<string, { userId: number; serverSeq: number }>();
  const known = await query<{ id: string; user_id: number; server_seq: number }>(
    'SELECT id, user_id, server_seq FROM operations WHERE id = ANY ($1)',
    [ops.map((op) => op.id)],
  );
  for (const row of known) stored.set(row.id, { userId: row.user_id, serverSeq: row.server_seq });

  const added: (UploadedOperation & { serverSeq: number; payloadBytes: number })[] = [];
  for (const op of ops) {
    if (stored.has(op.id)) continue;
    latestSeq += 1;
    stored.set(op.id, { userId, serverSeq: latestSeq });
    added.push({ ...op, serverSeq: latestSeq, payloadBytes: Buffer.byteLength(JSON.stringify(op.payload)) });
  }
  if (added.length > 0) {
    await query(insertSql, [userId, clientId, JSON.stringify(added)]);
    await query('UPDATE user_sync_state SET last_seq = $2 WHERE user_id = $1', [userId, latestSeq]);
    await query(touchDeviceSql, [userId, clientId]);
  }
  return { results: ops.map((op) => toResult(op.id, userId, stored.get(op.id))), latestSeq };
}

function toResult(opId: string, userId: number, stored: { userId: number; serverSeq: number } | undefined): UploadResult {
  if (stored?.userId === userId) return { opId, accepted: true, serverSeq: stored.serverSeq };
  return { opId, accepted: false, error: 'the id belongs to another account' };
}

async function readLatestSeq(query: Query, userId: number): Promise<number> {
  const [state] = await query<{ last_seq: number }>('SELECT last_seq FROM user_sync_state WHERE user_id = $1', [userId]);
  return state?.last_seq ?? 0;
}

const insertSql = `
INSERT INTO operations (user_id, client_id, id, server_seq, op_type, entity_type, entity_id, entity_ids,
  payload, payload_bytes, vector_clock, client_timestamp)
SELECT $1, $2, o.id, o."serverSeq", o."opType", o."entityType", o."entityId", o."entityIds",
  o.payload, o."payloadBytes", o."vectorClock", o."clientTimestamp"
FROM jsonb_to_recordset($3::jsonb) AS o (id text, "serverSeq" integer, "opType" text, "entityType" text,
  "entityId" text, "entityIds" text[], payload jsonb, "payloadBytes" bigint, "vectorClock" jsonb, "clientTimestamp" bigint)`;

const touchDeviceSql = `
INSERT INTO sync_devices (user_id, client_id) VALUES ($1, $2)
ON CONFLICT (user_id, client_id) DO UPDATE SET last_seen_at = now()`;

const removeIdleDeviceSql = `
DELETE FROM sync_devices WHERE user_id = $1 AND client_id = $2
AND NOT EXISTS (SELECT FROM operations WHERE user_id = $1 AND client_id = $2)`;

const listSql = `
SELECT id, server_seq AS "serverSeq", client_id AS "clientId", op_type AS "opType", entity_type AS "entityType",
  entity_id AS "entityId", entity_ids AS "entityIds", payload, vector_clock AS "vectorClock",
  client_timestamp::float8 AS "clientTimestamp", received_at AS "receivedAt"
FROM operations WHERE user_id = $1 AND server_seq > $2 ORDER BY server_seq LIMIT $3`;
