import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { createActivities, createClaimFile, createHostLook, createSecretVault, readCalls, secretSocketPath } from '../activities/index.js';
import { createConfigReader, type LoadedConfig } from '../config/load.js';
import { createRun } from '../host/processes/runner.js';
import { createSystem } from '../host/system.js';
import type { ServerSettings } from './connection.js';
import { disableCoreDumps } from './coreDumps.js';
import { createLog, installRuntime, type Logger } from './log.js';
import { createReadiness } from './serviceManager.js';
import { startUpHost } from './startUpHost.js';
import { runWorker } from './worker.js';
import { builtBundle } from './workflowBundle.js';

/** What a process that serves this host is told. */
export interface ServeHostSettings {
  readonly loaded: LoadedConfig;
  readonly server: ServerSettings;
  readonly lockstepVersion: string;
  /** systemd waits to be told that the worker is up. */
  readonly notifies: boolean;
  /** Wired in around every activity: the rehearsal's fault points. */
  readonly activityInterceptors?: readonly ActivityInterceptorsFactory[];
}

/**
 * Runs the worker of the host that the configuration names, until the signal. Once in a process: it
 * installs the SDK's runtime.
 *
 * @throws PermanentFailure where the worker refuses to start; its words say why.
 */
export async function serveHost(settings: ServeHostSettings, signal: AbortSignal): Promise<void> {
  const log = createLog();
  const runtime = installRuntime(log);
  try {
    await serve(settings, log, signal);
  } finally {
    await runtime.close();
  }
}

async function serve(settings: ServeHostSettings, log: Logger, signal: AbortSignal): Promise<void> {
  const { config, path } = settings.loaded;
  const { server, lockstepVersion, notifies, activityInterceptors = [] } = settings;
  const run = createRun();
  await disableCoreDumps(run);
  const vault = createSecretVault(config.secrets.sittingMinutes * 60_000);
  const now = () => new Date();
  const { read: readClaim } = createClaimFile(config.stateDirectory);
  const loadConfig = createConfigReader(path);
  const { bootId } = await createSystem({ run }).readBootId();
  await runWorker(
    {
      host: config.host,
      bootId,
      server,
      bundle: builtBundle(),
      createActivities: ({ isRunning }) => createActivities({ configPath: path, lockstepVersion, vault, isRunning }),
      activityInterceptors,
      vault,
      secretSocketPath: secretSocketPath(config),
      readCalls: (claim) => readCalls(config, claim),
      readClaim,
      lookAfterHost: (client, ended) => startUpHost(client, { host: config.host, readClaim, ...createHostLook({ loadConfig, signal: ended, now }), now, log }, ended),
      tellUp: createReadiness(run, notifies),
      log,
    },
    signal,
  );
}
