import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Database } from './database.js';

const compress = promisify<string, Buffer>(gzip);
const pageRows = 500;

/** Entities by type and id, as the operations left them. */
export type State = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** A state while operations are applied to it. */
export type Entities = Map<string, Map<string, unknown>>;

/** A user's whole state at a place in the user's order. */
export interface Snapshot {
  readonly state: State;
  readonly serverSeq: number;
}

/** One operation, as far as it changes the state. */
export interface Change {
  readonly server_seq: number;
  readonly op_type: string;
  readonly entity_type: string;
  readonly entity_id: string;
  readonly payload: unknown;
}

/** Builds and keeps snapshots. */
export interface Snapshots {
  /**
   * Builds the state from all operations.
   *
   * @param upToSeq - The last operation that counts; absent, the latest.
   */
  build(userId: number, upToSeq?: number): Promise<Snapshot>;
  /** Keeps a snapshot, gzipped, as the user's restore point. */
  keep(userId: number, snapshot: Snapshot): Promise<void>;
}

/** {@link Snapshots} on the tables of schema.ts; operations are read a page at a time. */
export function createSnapshots({ database }: { readonly database: Database }): Snapshots {
  return {
    build: async (userId, upToSeq) => {
      const [row] = await database.query<{ last_seq: number }>('SELECT last_seq FROM user_sync_state WHERE user_id = $1', [userId]);
      const serverSeq = Math.min(upToSeq ?? Infinity, row?.last_seq ?? 0);
      const entities: Entities = new Map();
      let sinceSeq = 0;
      for (;;) {
        const changes = await database.query<Change>(changesSql, [userId, sinceSeq, serverSeq, pageRows]);
        const last = changes.at(-1);
        if (!last) return { state: toState(entities), serverSeq };
        for (const change of changes) applyChange(entities, change);
        sinceSeq = last.server_seq;
      }
    },
    keep: async (userId, { state, serverSeq }) => {
      await database.query(keepSql, [userId, serverSeq, await compress(JSON.stringify(state))]);
    },
  };
}

/** Applies one operation: CRT sets the entity, UPD merges into it, DEL removes it. */
export function applyChange(entities: Entities, change: Change): void {
  const ofType = entities.get(change.entity_type) ?? new Map<string, unknown>();
  entities.set(change.entity_type, ofType);
  const before = ofType.get(change.entity_id);
  if (change.op_type === 'DEL') ofType.delete(change.entity_id);
  else if (change.op_type === 'UPD' && isObject(before) && isObject(change.payload)) {
    ofType.set(change.entity_id, { ...before, ...change.payload });
  } else ofType.set(change.entity_id, change.payload);
}

/** The entities as plain JSON. */
export function toState(entities: Entities): State {
  return Object.fromEntries([...entities].map(([type, ofType]) => [type, Object.fromEntries(ofType)]));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const changesSql = `
SELECT server_seq, op_type, entity_type, entity_id, payload FROM operations
WHERE user_id = $1 AND server_seq > $2 AND server_seq <= $3 ORDER BY server_seq LIMIT $4`;

// A snapshot built from fewer operations, finished late, does not replace a newer one.
const keepSql = `
INSERT INTO user_sync_state AS kept (user_id, last_snapshot_seq, snapshot_data, snapshot_at) VALUES ($1, $2, $3, now())
ON CONFLICT (user_id) DO UPDATE SET last_snapshot_seq = excluded.last_snapshot_seq,
  snapshot_data = excluded.snapshot_data, snapshot_at = excluded.snapshot_at
WHERE coalesce(kept.last_snapshot_seq, 0) <= excluded.last_snapshot_seq`;
