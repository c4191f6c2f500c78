import { PassThrough } from 'node:stream';
import { z } from 'zod';
import { countingSql, parseFigures, type DatabaseFigures } from './postgresFigures.js';
import type { DatabaseConnection, PostgresSession } from './postgresSession.js';

const heldSchema = z.object({ processId: z.number(), snapshot: z.string() });

/** What was made of a snapshot, and what the database held in it. */
export interface Snapshotted<Result> {
  readonly result: Result;
  /** Sequences have no snapshot and are read as they stand. */
  readonly figures: DatabaseFigures;
}

/**
 * Exports a snapshot, holds it while it is used (`pg_dump --snapshot`), and counts in it meanwhile, so
 * that a dump and the figures kept beside it are of the same moment.
 *
 * The session waits for its next words on standard input: where the worker dies, or Docker's client,
 * they end, and so does the session with its snapshot.
 *
 * @param use - Given the snapshot's id; it has to be imported before this returns.
 */
export async function withSnapshot<Result>(
  session: PostgresSession,
  connection: DatabaseConnection & { readonly signal?: AbortSignal },
  use: (snapshot: string) => Promise<Result>,
): Promise<Snapshotted<Result>> {
  const { signal } = connection;
  const script = new PassThrough();
  const lines: string[] = [];
  let announce: (line: string) => void = () => undefined;
  const announced = new Promise<string>((resolve) => (announce = resolve));
  const onLine = (line: string): void => {
    lines.push(line);
    announce(line);
  };
  script.write(`${openingSql}\n${countingSql}\n`);
  const holding = session.runSql(connection, script, { timeout: 'unlimited', onLine, ...(signal ? { signal } : {}) });
  const endedEarly = holding.then((): never => {
    throw new Error(`the session that holds the snapshot in ${connection.container} ended by itself`);
  });
  const held = heldSchema.parse(JSON.parse(await Promise.race([announced, endedEarly])));
  let result: Result;
  try {
    result = await Promise.race([use(held.snapshot), endedEarly]);
  } catch (error) {
    // It may be counting still, for as long as the tables are large.
    await session.runSql(connection, "SELECT pg_terminate_backend(:'processId'::int);", { variables: { processId: String(held.processId) } });
    script.end();
    await Promise.allSettled([holding, endedEarly]);
    throw error;
  }
  script.end('COMMIT;\n');
  await Promise.allSettled([endedEarly]);
  await holding;
  return { result, figures: parseFigures(lines.slice(1)) };
}

const openingSql = `
SET statement_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT json_build_object('processId', pg_backend_pid(), 'snapshot', pg_export_snapshot());`;
