import { z } from 'zod';
import type { DatabaseConnection, PostgresSession } from './postgresSession.js';

const heldSchema = z.object({ processId: z.number(), snapshot: z.string() });

/** Longer than any dump; a session that a dead worker left is ended by its name long before. */
const longestSeconds = 24 * 60 * 60;

/**
 * Exports a snapshot and holds it while it is used, so that a dump (`pg_dump --snapshot`) and the
 * counts kept beside it are of the same moment.
 *
 * @param use - Given the snapshot's id; it has to be imported before this returns.
 * @returns What `use` returned.
 */
export async function withSnapshot<Result>(
  session: PostgresSession,
  connection: DatabaseConnection & { readonly signal?: AbortSignal },
  use: (snapshot: string) => Promise<Result>,
): Promise<Result> {
  const { signal } = connection;
  const sql = `
    SET statement_timeout = 0;
    SET idle_in_transaction_session_timeout = 0;
    BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
    SELECT json_build_object('processId', pg_backend_pid(), 'snapshot', pg_export_snapshot());
    SELECT pg_sleep(${longestSeconds});`;
  let announce: (line: string) => void = () => undefined;
  const announced = new Promise<string>((resolve) => (announce = resolve));
  const holding = session.runSql(connection, sql, { timeout: 'unlimited', onLine: announce, ...(signal ? { signal } : {}) });
  const endedEarly = holding.then((): never => {
    throw new Error(`the session that holds the snapshot in ${connection.container} ended by itself`);
  });
  const held = heldSchema.parse(JSON.parse(await Promise.race([announced, endedEarly])));
  try {
    return await use(held.snapshot);
  } finally {
    // Ending docker's client would leave the session, and its old snapshot, in the server.
    await session.runSql(connection, "SELECT pg_terminate_backend(:'processId'::int);", { variables: { processId: String(held.processId) } });
    // Ended from outside, psql fails as it should.
    await Promise.allSettled([holding, endedEarly]);
  }
}
