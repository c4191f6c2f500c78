import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createDatabase, DatabaseUnavailable } from '../../../../../src/rehearsal/deployment/application/database.js';
import { startPostgres, type PostgresServer } from '../postgresServer.js';

let postgres: PostgresServer;
beforeAll(async () => {
  postgres = await startPostgres();
}, 30_000);
afterAll(() => postgres.remove());

it('survives a session that ends between two statements, and rolls its transaction back', async () => {
  const log: string[] = [];
  const database = createDatabase({ url: postgres.url, log: (level, message) => log.push(`${level} ${message}`) });
  const work = database.transaction(async (query) => {
    const [session] = await query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    await query("INSERT INTO users (email) VALUES ('lost@example.com')");
    await postgres.psql(`SELECT pg_terminate_backend(${session?.pid ?? 0})`);
    await sleep(100);
    await query('SELECT 1');
  });
  await expect(work).rejects.toThrow(DatabaseUnavailable);
  expect(await database.query('SELECT id FROM users')).toEqual([]);
  expect(log.map((line) => line.split(':')[0])).toEqual(['ERROR database unavailable', 'INFO database available again']);
  await database.close();
});
