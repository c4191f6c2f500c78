import type { Alert, Severity } from '../../../../src/contract/alerts.js';
import { NotTaken, type Message } from '../../../../src/host/channels/channel.js';
import type { ConfiguredChannel } from '../../../../src/host/channels/channels.js';

/** An alert of a run. */
export function alertWith(id: string, more: Partial<Alert> = {}): Alert {
  return {
    id,
    at: '2026-11-01T20:00:00.000Z',
    severity: 'critical',
    subject: `${id} is parked`,
    text: 'type "lockstep status"',
    host: 'h1',
    run: { workflowId: 'h1/migrate', runId: 'run-1', node: 'copy-data' },
    ...more,
  };
}

/** A channel that keeps what it took, and does as it is told meanwhile. */
export interface TestChannel extends ConfiguredChannel {
  readonly taken: Message[];
  attempts: number;
  /** Why it takes nothing; undefined where it takes all. */
  fault: string | undefined;
  /** What it waits for before it answers. */
  until: Promise<unknown>;
}

/** @param takes - Default: everything. */
export function createTestChannel(name: string, takes: (severity: Severity) => boolean = () => true): TestChannel {
  const channel: TestChannel = {
    name,
    takes,
    taken: [],
    attempts: 0,
    fault: undefined,
    until: Promise.resolve(),
    async send(message) {
      channel.attempts += 1;
      await channel.until;
      if (channel.fault !== undefined) throw new NotTaken(channel.fault);
      channel.taken.push(message);
      return {};
    },
  };
  return channel;
}
