import type { Alert } from '../../contract/alerts.js';
import { reasonOf, type Message } from '../../host/channels/channel.js';
import type { ConfiguredChannel } from '../../host/channels/channels.js';
import { isDue, isOwed, settle, withAttempt, type Entry } from './entry.js';
import type { DamagedEntry, Outbox } from './outbox.js';

/** Where alerts go now, by lockstep.yaml. */
export interface DeliveryTerms {
  readonly channels: readonly ConfiguredChannel[];
  readonly giveUpAfterDays: number;
  /** Gives up what is being sent. */
  readonly signal: AbortSignal;
}

/** What a delivery tells of, for the log; each thing once. */
export interface DeliveryListener {
  readonly taken: (alert: Alert, channel: string, remark: string | undefined) => void;
  readonly notTaken: (alert: Alert, channel: string, reason: string, isGivenUp: boolean) => void;
  readonly damaged: (entry: DamagedEntry) => void;
  /** What became of an alert could not be written. */
  readonly notRecorded: (alert: Alert, failure: unknown) => void;
  /** An alert whose time to be kept is over could not be removed. */
  readonly notRemoved: (alert: Alert, failure: unknown) => void;
}

/** Sends what the outbox holds. */
export interface AlertSender {
  /** Sets every channel to work that is not at it, and returns when they have ended: one that is slow holds up no other. */
  readonly deliver: (terms: DeliveryTerms) => Promise<void>;
}

/** So long what is settled is kept: it is shown, and the same id raised again is known. */
const keptDays = 30;

/**
 * Delivers at least once: a crash between the other side's taking and its record on the disk sends the alert again, with
 * the same id in its data and in a mail's Message-ID.
 *
 * @param dependencies - `now` is the host's clock, which may be set; see {@link isDue} for what that does.
 */
export function createAlertSender({ outbox, listener, now }: { readonly outbox: Outbox; readonly listener: DeliveryListener; readonly now: () => Date }): AlertSender {
  const atWork = new Set<string>();
  const toldDamage = new Set<string>();
  const toldKept = new Set<string>();

  async function tidy({ channels }: DeliveryTerms): Promise<void> {
    const { entries, damaged } = await outbox.read();
    for (const entry of damaged) if (!toldDamage.has(entry.path)) listener.damaged(entry);
    for (const { path } of damaged) toldDamage.add(path);
    for (const entry of entries) {
      const { alert, settled } = entry;
      if (settled !== undefined && (now().getTime() - Date.parse(settled.at)) / 86_400_000 > keptDays) await forget(alert);
      // What was kept in memory alone is written by this as well, settled or not.
      else await outbox.change(alert.id, (current) => settle(current, channels, now()));
    }
  }

  /** A disk that has become read-only is what people have to hear of: what is over on it must not keep back what is new. */
  async function forget(alert: Alert): Promise<void> {
    try {
      await outbox.remove(alert.id);
    } catch (failure) {
      if (!toldKept.has(alert.id)) listener.notRemoved(alert, failure);
      toldKept.add(alert.id);
    }
  }

  /** Until all that is due has gone, or the other side does not take one: the others would fare alike. */
  async function work(channel: ConfiguredChannel, terms: DeliveryTerms): Promise<void> {
    if (atWork.has(channel.name)) return;
    atWork.add(channel.name);
    // Once it has taken one, whatever kept the others back is over.
    let isBack = false;
    try {
      for (;;) {
        const { entries } = await outbox.read();
        const next = entries.find((entry) => isOwed(entry, channel) && (isBack || isDue(entry, channel, now())));
        if (next === undefined || terms.signal.aborted || !(await send(channel, next, terms))) return;
        isBack = true;
      }
    } finally {
      atWork.delete(channel.name);
    }
  }

  async function send(channel: ConfiguredChannel, { alert }: Entry, { channels, giveUpAfterDays, signal }: DeliveryTerms): Promise<boolean> {
    const end = await channel.send(toMessage(alert), signal).then(
      ({ remark }) => ({ taken: true as const, ...(remark === undefined ? {} : { remark }) }),
      (error: unknown) => ({ taken: false as const, reason: reasonOf(error) }),
    );
    // The worker ends: that is no fault of the other side.
    if (!end.taken && signal.aborted) return false;
    let isGivenUp = false;
    const { failure } = await outbox.change(alert.id, (current) => {
      const changed = withAttempt(current, channel, end, { now: now(), giveUpAfterDays });
      isGivenUp = changed.channels[channel.name]?.givenUpAt !== undefined;
      return settle(changed, channels, now());
    });
    if (failure !== undefined) listener.notRecorded(alert, failure);
    if (end.taken) listener.taken(alert, channel.name, 'remark' in end ? end.remark : undefined);
    else listener.notTaken(alert, channel.name, end.reason, isGivenUp);
    return end.taken;
  }

  return {
    async deliver(terms) {
      await tidy(terms);
      await Promise.all(terms.channels.map((channel) => work(channel, terms)));
    },
  };
}

/** An alert in the form of a message: what a person sees first is how much it matters, and where. */
export function toMessage(alert: Alert): Message {
  const { id, at, severity, subject, text, host, run } = alert;
  const from = run === undefined ? [] : [`run ${run.workflowId}${run.node === undefined ? '' : `, ${run.node}`} (${run.runId})`];
  const origin = [`${severity}, host ${host}`, ...from, `${at.slice(0, 19).replace('T', ' ')} UTC`].join('\n');
  return { id, subject: `[${host}] ${severity === 'info' ? '' : `${severity}: `}${subject}`, text: `${text}\n\n${origin}\n`, data: alert };
}
