import { z } from 'zod';
import { alertSchema, type Alert, type Severity } from '../../contract/alerts.js';

const deliverySchema = z.strictObject({
  attempts: z.number().int().min(0),
  takenAt: z.string().optional(),
  /** What the other side said although it took it. */
  remark: z.string().optional(),
  failingSince: z.string().optional(),
  failedAt: z.string().optional(),
  reason: z.string().optional(),
  givenUpAt: z.string().optional(),
});

/** How far an alert has come on one channel; times are ISO times. */
export type Delivery = Readonly<z.infer<typeof deliverySchema>>;

/** The form of an alert's file in the outbox. */
export const entrySchema = z.strictObject({
  alert: alertSchema,
  /** By the channel's name. */
  channels: z.record(z.string(), deliverySchema),
  /** Nothing more is done for it: every channel has taken it, it was given up on some, or no channel was for it. */
  settled: z.strictObject({ at: z.string(), how: z.enum(['taken', 'given up', 'no channel']) }).optional(),
  /** Of one that was given up: somebody has read it here, as claimed. */
  acknowledged: z.strictObject({ at: z.string(), by: z.string() }).optional(),
});

/** An alert with what became of it. */
export type Entry = Readonly<z.infer<typeof entrySchema>>;

/** A channel, as far as it matters for what becomes of an alert. */
export interface Addressee {
  readonly name: string;
  readonly takes: (severity: Severity) => boolean;
}

/** An alert that nothing was done for yet. */
export function toEntry(alert: Alert): Entry {
  return { alert, channels: {} };
}

/** Whether a channel still has to take an alert. */
export function isOwed(entry: Entry, channel: Addressee): boolean {
  const delivery = entry.channels[channel.name];
  return entry.settled === undefined && channel.takes(entry.alert.severity) && delivery?.takenAt === undefined && delivery?.givenUpAt === undefined;
}

const firstDelaySeconds = 10;
const longestDelaySeconds = 300;

/**
 * Whether a channel is to be tried now: 10 s after its first failure, then twice as long each time, up to 5 minutes.
 *
 * A clock that was set back since makes it due: else nothing would be tried until the clock has caught up.
 */
export function isDue({ channels }: Entry, { name }: Addressee, now: Date): boolean {
  const { failedAt, attempts } = channels[name] ?? { attempts: 0 };
  if (failedAt === undefined) return true;
  const sinceSeconds = (now.getTime() - Date.parse(failedAt)) / 1000;
  return sinceSeconds < 0 || sinceSeconds >= Math.min(longestDelaySeconds, firstDelaySeconds * 2 ** Math.min(10, attempts - 1));
}

/** So many attempts there are at least: of a host that was off, or whose clock jumped, the age alone says nothing. */
const fewestAttempts = 10;

/** What a channel's attempt makes of an entry. */
export function withAttempt(entry: Entry, { name }: Addressee, end: { readonly taken: true; readonly remark?: string } | { readonly taken: false; readonly reason: string }, { now, giveUpAfterDays }: { readonly now: Date; readonly giveUpAfterDays: number }): Entry {
  const { attempts: before = 0, failingSince } = entry.channels[name] ?? {};
  const attempts = before + 1;
  const at = now.toISOString();
  const ageDays = (now.getTime() - Date.parse(entry.alert.at)) / 86_400_000;
  const delivery: Delivery = end.taken
    ? { attempts, takenAt: at, ...(end.remark === undefined ? {} : { remark: end.remark }) }
    : { attempts, failedAt: at, failingSince: failingSince ?? at, reason: end.reason, ...(ageDays > giveUpAfterDays && attempts >= fewestAttempts ? { givenUpAt: at } : {}) };
  return { ...entry, channels: { ...entry.channels, [name]: delivery } };
}

/** Settles an entry that no channel is owed to any more; else it stays as it is. */
export function settle(entry: Entry, channels: readonly Addressee[], now: Date): Entry {
  if (entry.settled !== undefined || channels.some((channel) => isOwed(entry, channel))) return entry;
  const ends = Object.values(entry.channels);
  const how = ends.some(({ givenUpAt }) => givenUpAt !== undefined) ? 'given up' : ends.some(({ takenAt }) => takenAt !== undefined) ? 'taken' : 'no channel';
  return { ...entry, settled: { at: now.toISOString(), how } };
}
