/** A sample user, numbered by its place in the list from 1. */
export interface UserRow {
  readonly email: string;
  readonly passwordHash: string | null;
  /** A gzipped state. */
  readonly snapshot: Buffer;
}

// All times are counted from here, so that the rows do not depend on when they are made.
const epoch = "timestamptz '2026-01-01 00:00:00+00'";
// Whoever goes through these operations by page or by snapshot is the test account: keep it small.
const firstUserWithAttachments = 3;

const lastSeqSql = `UPDATE user_sync_state s SET last_seq = o.last_seq
  FROM (SELECT user_id, max(server_seq) AS last_seq FROM operations GROUP BY user_id) o
  WHERE o.user_id = s.user_id AND o.last_seq > s.last_seq;`;

/**
 * Users, their devices, passkeys, snapshots and ordinary operations, all or nothing.
 *
 * @returns Statements for one call of psql.
 */
export function baseSql({ seed, users, operationCount }: {
  readonly seed: number;
  readonly users: readonly UserRow[];
  readonly operationCount: number;
}): string {
  const accounts = users.map(({ email, passwordHash, snapshot }, index) =>
    `(${index + 1}, '${email}', ${passwordHash === null ? 'NULL' : `'${passwordHash}'`}, '\\x${snapshot.toString('hex')}'::bytea)`);
  return `
BEGIN;
CREATE TEMP TABLE sample_user (n integer, email text, password_hash text, snapshot bytea) ON COMMIT DROP;
INSERT INTO sample_user VALUES ${accounts.join(',\n')};
INSERT INTO users (email, password_hash, is_verified, created_at)
  SELECT email, password_hash, true, ${epoch} + n * interval '1 hour' FROM sample_user ORDER BY n;
CREATE TEMP TABLE sample_id ON COMMIT DROP AS SELECT s.n, u.id FROM sample_user s JOIN users u USING (email);
INSERT INTO user_sync_state (user_id, last_seq, last_snapshot_seq, snapshot_data, snapshot_at)
  SELECT i.id, 0, 1, s.snapshot, ${epoch} + interval '40 days' FROM sample_user s JOIN sample_id i USING (n) ORDER BY i.id;
INSERT INTO sync_devices (user_id, client_id, device_name, last_seen_at)
  SELECT id, format('device-%s-%s', n, d), (ARRAY['desktop', 'phone'])[d], ${epoch} + n * interval '1 day'
  FROM sample_id, generate_series(1, 2) d ORDER BY n, d;
INSERT INTO passkeys (user_id, credential_id, public_key, counter, created_at)
  SELECT id, sha512(('${seed} credential ' || n)::bytea), sha512(('${seed} key ' || n)::bytea), n, ${epoch} + n * interval '1 hour'
  FROM sample_id ORDER BY n;
INSERT INTO operations (id, user_id, client_id, server_seq, op_type, entity_type, entity_id, entity_ids, payload,
  payload_bytes, vector_clock, client_timestamp, received_at)
SELECT md5('${seed} operation ' || o), id, device, seq, CASE WHEN seq > 20 THEN 'UPD' ELSE 'CRT' END, 'TASK', task, ARRAY[task], payload,
  octet_length(payload::text), jsonb_build_object(device, seq), extract(epoch FROM at) * 1000, at
FROM (
  SELECT o, i.id, (o - 1) / ${users.length} + 1 AS seq, format('device-%s-%s', i.n, o % 2 + 1) AS device,
    'task-' || ((o - 1) / ${users.length} % 20 + 1) AS task, ${epoch} + o * interval '10 minutes' AS at,
    jsonb_build_object('title', 'Task ' || o, 'notes', (SELECT string_agg(encode(sha512(('${seed} notes ' || o || ' ' || p)::bytea), 'hex'), '')
      FROM generate_series(1, 1 + o % 8) p)) AS payload
  FROM generate_series(1, ${operationCount}) o JOIN sample_id i ON i.n = (o - 1) % ${users.length} + 1
) sample ORDER BY o;
${lastSeqSql}
COMMIT;
`;
}

/**
 * The next batch of operations with 16 KiB of text that does not compress, spread over all users but
 * the first two.
 *
 * @returns Statements for one call of psql.
 */
export function attachmentsSql({ seed, userCount, count }: {
  readonly seed: number;
  readonly userCount: number;
  readonly count: number;
}): string {
  const owners = userCount - firstUserWithAttachments + 1;
  return `
SET synchronous_commit = off;
BEGIN;
CREATE TEMP TABLE owner ON COMMIT DROP AS
  SELECT row_number() OVER (ORDER BY u.id) - 1 AS n, u.id, s.last_seq, (SELECT count(*) FROM operations o
    WHERE o.user_id = u.id AND o.entity_type = 'ATTACHMENT') AS before
  FROM (SELECT id FROM users ORDER BY id LIMIT ${owners} OFFSET ${firstUserWithAttachments - 1}) u
  JOIN user_sync_state s ON s.user_id = u.id;
INSERT INTO operations (id, user_id, client_id, server_seq, op_type, entity_type, entity_id, entity_ids, payload,
  payload_bytes, vector_clock, client_timestamp, received_at)
SELECT md5('${seed} attachment ' || n || ' ' || a), id, 'attachments', last_seq + k, 'CRT', 'ATTACHMENT', 'attachment-' || a,
  ARRAY['attachment-' || a], payload, octet_length(payload::text), '{"attachments": 1}', extract(epoch FROM at) * 1000, at
FROM (
  SELECT w.n, w.id, w.last_seq, b / ${owners} + 1 AS k, w.before + b / ${owners} + 1 AS a,
    ${epoch} + interval '50 days' + (w.before + b / ${owners}) * interval '1 second' AS at,
    jsonb_build_object('data', (SELECT string_agg(encode(sha512(('${seed} data ' || w.n || ' ' || (w.before + b / ${owners} + 1) || ' ' || p)::bytea), 'hex'), '')
      FROM generate_series(1, 128) p)) AS payload
  FROM generate_series(0, ${count - 1}) b JOIN owner w ON w.n = b % ${owners}
) sample;
${lastSeqSql}
COMMIT;
`;
}

/** Leaves the database as one that has been running for a while: statistics taken, everything on disk. */
export const finishSql = 'ANALYZE; CHECKPOINT;';
