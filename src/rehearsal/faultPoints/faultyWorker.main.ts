import { readEnvironment } from '../../config/environment.js';
import { loadConfig } from '../../config/load.js';
import { readServerSettings } from '../../worker/connection.js';
import { serveHost } from '../../worker/serveHost.js';
import { createFaultPoints } from './interceptor.js';

/** A host's worker that asks a director at each fault point: `faultyWorker.main.js URL`. */
const [url = ''] = process.argv.slice(2);
const environment = readEnvironment();
const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());
await serveHost(
  {
    loaded: await loadConfig(environment.configPath),
    server: readServerSettings(environment.temporalConfigFile),
    lockstepVersion: 'rehearsal',
    notifies: environment.notifies,
    activityInterceptors: [createFaultPoints(url)],
  },
  stop.signal,
);
