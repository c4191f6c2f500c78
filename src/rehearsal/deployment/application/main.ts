// The application is a program of its own, alone in its container: Lockstep's own reading of the
// environment is not at hand there.
import { env } from 'node:process';
import { createDatabase } from './database.js';
import { createLog } from './log.js';
import { createApplication } from './server.js';
import { readSettings } from './settings.js';

// Answers under way may finish; Docker's stop must not wait for idle connections.
const stopMilliseconds = 1_500;

const log = createLog();
const settings = readSettings(env);
const database = createDatabase({ url: settings.databaseUrl, log });
const server = createApplication({ settings, database, log });

server.listen(settings.port, () => log('INFO', `listening on port ${settings.port}`));
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop(signal));

function stop(signal: string): void {
  log('INFO', `stopping on ${signal}`);
  setTimeout(() => process.exit(0), stopMilliseconds).unref();
  server.close(() => {
    database.close().then(
      () => process.exit(0),
      () => process.exit(0),
    );
  });
  server.closeIdleConnections();
}
