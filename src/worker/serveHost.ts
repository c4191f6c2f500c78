import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { createActivities, createClaimFile, createHostLook, createSecretVault, findPassphrasesInTheClear, readCalls, secretSocketPath } from '../activities/index.js';
import { createConfigReader, type LoadedConfig } from '../config/load.js';
import type { AnchorChannel } from '../host/audit/anchorPlaces.js';
import { createChannels, type ChannelTools } from '../host/channels/channels.js';
import { createRun } from '../host/processes/runner.js';
import { createSystem } from '../host/system.js';
import { createAlertDelivery } from './alertDelivery.js';
import { createAuditAnchors } from './auditAnchors.js';
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
  /** Where systemd put the credentials of this process; absent where it was given none. */
  readonly credentialsDirectory?: string;
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
  const { server, lockstepVersion, notifies, credentialsDirectory, activityInterceptors = [] } = settings;
  const run = createRun();
  await disableCoreDumps(run);
  for (const warning of await findPassphrasesInTheClear(config)) log.warn(warning);
  const vault = createSecretVault(config.secrets.sittingMinutes * 60_000);
  const now = () => new Date();
  const { read: readClaim } = createClaimFile(config.stateDirectory);
  const loadConfig = createConfigReader(path);
  const channelTools = { run, credentialsDirectory };
  const alerts = createAlertDelivery({ config, loadConfig: createConfigReader(path), log, tools: channelTools });
  const { bootId } = await createSystem({ run }).readBootId();
  const anchors = createAuditAnchors({ loadConfig: createConfigReader(path), log, channelsOf: ({ alerts: { channels } }) => anchorChannels(channels, channelTools), alerting: { host: config.host, raise: alerts.raise } });
  const worker = () =>
    runWorker(
      {
        host: config.host,
        bootId,
        server,
        bundle: builtBundle(),
        createActivities: ({ isRunning }) =>
          createActivities({
            ...{ configPath: path, lockstepVersion, vault, isRunning, host: config.host, raiseAlert: alerts.raise },
            ...(credentialsDirectory === undefined ? {} : { credentialsDirectory }),
            onTrouble: (words) => log.warn(words),
            onAudited: anchors.noticed,
          }),
        deliverAlerts: alerts.deliver,
        activityInterceptors,
        vault,
        secretSocketPath: secretSocketPath(config),
        readCalls: (claim) => readCalls(config, claim),
        readClaim,
        lookAfterHost: (client, isRunning, ended) => startUpHost(client, { host: config.host, readClaim, isRunning, ...createHostLook({ loadConfig, signal: ended, now }), now, raiseAlert: alerts.raise, bootId, log }, ended),
        tellUp: createReadiness(run, notifies),
        log,
      },
      signal,
    );
  await anchors.during(worker);
}

/** A channel that does not answer for that long is tried again with the next round. */
const anchorTimeoutSeconds = 60;

/** The ways to people, as anchors of the audit log go them. */
function anchorChannels(channels: LoadedConfig['config']['alerts']['channels'], tools: ChannelTools): readonly AnchorChannel[] {
  return createChannels(channels, tools).map(({ name, send }) => ({ name, send: (message) => send(message, AbortSignal.timeout(anchorTimeoutSeconds * 1000)) }));
}
