/**
 * The application's tables in their real shape: a serial user id, operations numbered per user, one
 * row of state with the gzipped snapshot, devices and passkeys that go with their user.
 *
 * It can be run at every start. The advisory lock keeps two starts from creating the same table at
 * once, which `IF NOT EXISTS` alone does not.
 */
export const schemaSql = `
BEGIN;
SET LOCAL client_min_messages = warning;
SELECT pg_advisory_xact_lock(1900);
CREATE TABLE IF NOT EXISTS users (
  id serial PRIMARY KEY,
  email text NOT NULL UNIQUE,
  password_hash text,
  is_verified boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE IF NOT EXISTS operations (
  id text PRIMARY KEY,
  user_id integer NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  client_id text NOT NULL,
  server_seq integer NOT NULL,
  op_type text NOT NULL,
  entity_type text NOT NULL,
  entity_id text,
  entity_ids text[] NOT NULL DEFAULT '{}',
  payload jsonb NOT NULL,
  payload_bytes bigint NOT NULL DEFAULT 0,
  vector_clock jsonb NOT NULL,
  schema_version integer NOT NULL DEFAULT 1,
  client_timestamp bigint NOT NULL,
  received_at timestamptz NOT NULL DEFAULT now(),
  is_payload_encrypted boolean NOT NULL DEFAULT false,
  UNIQUE (user_id, server_seq)
);
CREATE INDEX IF NOT EXISTS operations_entity_ids ON operations USING gin (entity_ids);
CREATE INDEX IF NOT EXISTS operations_user_entity ON operations (user_id, entity_type, entity_id, server_seq);
CREATE INDEX IF NOT EXISTS operations_user_received ON operations (user_id, received_at);
CREATE TABLE IF NOT EXISTS user_sync_state (
  user_id integer PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
  last_seq integer NOT NULL DEFAULT 0,
  last_snapshot_seq integer,
  snapshot_data bytea,
  snapshot_at timestamptz
);
CREATE TABLE IF NOT EXISTS sync_devices (
  user_id integer NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  client_id text NOT NULL,
  device_name text,
  last_seen_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (user_id, client_id)
);
CREATE TABLE IF NOT EXISTS passkeys (
  id serial PRIMARY KEY,
  user_id integer NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  credential_id bytea NOT NULL UNIQUE,
  public_key bytea NOT NULL,
  counter bigint NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS passkeys_user ON passkeys (user_id);
COMMIT;
`;
