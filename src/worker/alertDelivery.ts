import { setTimeout as sleep } from 'node:timers/promises';
import { createAlertSender, createOutbox, type DeliveryListener, type RaiseAlert } from '../activities/index.js';
import type { LoadedConfig } from '../config/load.js';
import type { Config } from '../config/schema.js';
import type { Alert } from '../contract/alerts.js';
import { createChannels, type ChannelTools } from '../host/channels/channels.js';
import { explainHostFault } from '../host/hostFault.js';
import type { Logger } from './log.js';

/** What a worker does about alerts. */
export interface AlertDelivery {
  /** Keeps an alert on the host, and has it sent at once; never fails. */
  readonly raise: RaiseAlert;
  /** Sends until the signal, whatever happens to lockstep.yaml, the disk or the Temporal server meanwhile. */
  readonly deliver: (signal: AbortSignal) => Promise<void>;
}

/** What the delivery needs. */
export interface AlertDeliveryDependencies {
  /** As the worker has started with it: the outbox is in its state directory, and its channels count until it was read again. */
  readonly config: Config;
  /** Reads lockstep.yaml anew, so that a channel that was mended counts at once. */
  readonly loadConfig: () => Promise<Pick<LoadedConfig, 'config'>>;
  readonly log: Logger;
  readonly tools?: ChannelTools;
  readonly now?: () => Date;
  /** How often the outbox is looked into where nothing was raised in this process; default 5. */
  readonly intervalSeconds?: number;
}

/** Makes the delivery of a host's alerts. */
export function createAlertDelivery({ config: first, loadConfig, log, tools = {}, now = () => new Date(), intervalSeconds = 5 }: AlertDeliveryDependencies): AlertDelivery {
  const outbox = createOutbox(first.stateDirectory);
  const sender = createAlertSender({ outbox, now, listener: createListener(log) });
  let wake: () => void = () => undefined;
  let { alerts } = first;
  let lastFault: string | undefined;

  async function readAlerts(): Promise<Config['alerts']> {
    try {
      ({ alerts } = (await loadConfig()).config);
      lastFault = undefined;
    } catch (error) {
      const fault = messageOf(error);
      if (fault !== lastFault) log.warn({ failure: fault }, 'lockstep.yaml can not be used; alerts go where it said last');
      lastFault = fault;
    }
    return alerts;
  }

  async function deliverOnce(signal: AbortSignal): Promise<void> {
    const { channels, giveUpAfterDays } = await readAlerts();
    await sender.deliver({ channels: createChannels(channels, tools), giveUpAfterDays, signal });
  }

  return {
    async raise(alert) {
      const { isNew, failure } = await outbox.raise(alert);
      if (isNew) log[levels[alert.severity]]({ alert: alert.id }, alert.subject);
      if (failure !== undefined) log.error({ alert: alert.id, failure: messageOf(failure) }, 'an alert could not be written; it is sent from memory, and lost where the worker ends before');
      wake();
    },

    async deliver(signal) {
      if (first.alerts.channels.length === 0) log.warn('lockstep.yaml names no channel for alerts: nobody would be told');
      const underWay = new Set<Promise<void>>();
      while (!signal.aborted) {
        const waking = new AbortController();
        wake = () => waking.abort();
        // Not waited for: what is raised meanwhile goes out at once through the other channels.
        const round = deliverOnce(signal)
          .catch((error: unknown) => log.error({ failure: messageOf(error) }, 'alerts could not be looked at; trying again'))
          .finally(() => underWay.delete(round));
        underWay.add(round);
        await sleep(intervalSeconds * 1000, undefined, { signal: AbortSignal.any([signal, waking.signal]) }).catch(() => undefined);
      }
      await Promise.all(underWay);
    },
  };
}

const levels = { info: 'info', warning: 'warn', critical: 'error' } as const;

/** A failure that repeats itself is logged once for each alert. */
function createListener(log: Logger): DeliveryListener {
  const told = new Map<string, string>();
  const keyOf = ({ id }: Alert, channel: string): string => `${channel}\n${id}`;
  return {
    taken(alert, channel, remark) {
      told.delete(keyOf(alert, channel));
      log.info({ alert: alert.id, channel, ...(remark === undefined ? {} : { remark }) }, 'an alert got out');
    },
    notTaken(alert, channel, reason, isGivenUp) {
      if (isGivenUp) log.error({ alert: alert.id, channel, reason }, 'an alert was given up');
      else if (told.get(keyOf(alert, channel)) !== reason) log.warn({ alert: alert.id, channel, reason }, 'an alert did not get out; trying again');
      if (isGivenUp) told.delete(keyOf(alert, channel));
      else told.set(keyOf(alert, channel), reason);
    },
    damaged: ({ path, reason }) => log.error({ path, reason }, 'a file in the outbox of alerts can not be read; it is passed over'),
    notRecorded: (alert, failure) => log.error({ alert: alert.id, failure: messageOf(failure) }, 'what became of an alert could not be written; another worker would send it again'),
    notRemoved: (alert, failure) => log.warn({ alert: alert.id, failure: messageOf(failure) }, 'an alert that is over could not be removed; it is tried again'),
  };
}

function messageOf(error: unknown): string {
  const explained = explainHostFault(error);
  return explained instanceof Error ? explained.message : String(explained);
}
