import type { ChannelSettings } from '../../config/alertsSchema.js';
import type { Severity } from '../../contract/alerts.js';
import { createRequest, type Request } from '../http.js';
import { createRun, type Run } from '../processes/runner.js';
import type { Channel } from './channel.js';
import { createCommandChannel } from './command.js';
import { createSmtpChannel } from './smtp.js';
import { createUnattendedSecretReader, type ReadSecret } from './unattendedSecret.js';
import { createWebhookChannel } from './webhook.js';

/** A channel, and what goes there. */
export interface ConfiguredChannel extends Channel {
  readonly takes: (severity: Severity) => boolean;
}

/** What channels need of the host. */
export interface ChannelTools {
  readonly readSecret?: ReadSecret;
  readonly request?: Request;
  readonly run?: Run;
  /** Where systemd put the credentials of this process; absent where it was given none. */
  readonly credentialsDirectory?: string | undefined;
}

/** The channels that lockstep.yaml names, each under a name of its own: what has gone through one is recorded under that. */
export function createChannels(channels: readonly ChannelSettings[], tools: ChannelTools = {}): readonly ConfiguredChannel[] {
  const { request = createRequest(), run = createRun(), credentialsDirectory } = tools;
  const { readSecret = createUnattendedSecretReader({ run, credentialsDirectory }) } = tools;
  const given = channels.map((settings) => ({ ...createChannel(settings, { readSecret, request, run }), takes: (severity: Severity) => settings.only?.includes(severity) !== false }));
  return given.map((channel, index) => {
    const before = given.slice(0, index).filter(({ name }) => name === channel.name).length;
    return before === 0 ? channel : { ...channel, name: `${channel.name} #${before + 1}` };
  });
}

function createChannel(settings: ChannelSettings, tools: { readonly readSecret: ReadSecret; readonly request: Request; readonly run: Run }): Channel {
  switch (settings.kind) {
    case 'smtp':
      return createSmtpChannel(settings, tools);
    case 'webhook':
      return createWebhookChannel(settings, tools);
    case 'command':
      return createCommandChannel(settings, tools);
  }
}
