import { credentialsOf, readEnvironment } from '../../config/environment.js';
import { loadConfig } from '../../config/load.js';
import { readServerSettings } from '../../worker/connection.js';
import { serveHost } from '../../worker/serveHost.js';
import { createFaultPoints } from './interceptor.js';

/** A host's worker that asks a director at each fault point: `faultyWorker.main.js URL`. */
const [url = ''] = process.argv.slice(2);
const environment = readEnvironment();
const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());
void serve();

/** A function, since the script that it is bundled into knows no `await` at its top. */
async function serve(): Promise<void> {
  const loaded = await loadConfig(environment.configPath);
  const server = readServerSettings(environment);
  await serveHost({ loaded, server, lockstepVersion: 'rehearsal', notifies: environment.notifies, ...credentialsOf(environment), activityInterceptors: [createFaultPoints(url)] }, stop.signal);
}
