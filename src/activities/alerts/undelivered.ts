import { isOwed, type Addressee, type Entry } from './entry.js';

/** What of the alerts a channel has not taken. */
export interface Undelivered {
  readonly channel: string;
  readonly count: number;
  /** The last attempt's; absent where none was made yet. */
  readonly reason?: string;
  /** ISO time of the first of the failures in a row, or, where nothing was tried, at which the first of the alerts was raised. */
  readonly since: string;
}

/** What has not got out, by channel. */
export function summariseUndelivered(entries: readonly Entry[], channels: readonly Addressee[]): readonly Undelivered[] {
  return channels.flatMap((channel) => {
    const owed = entries.filter((entry) => isOwed(entry, channel));
    const [first] = owed;
    if (first === undefined) return [];
    const tried = owed.flatMap(({ channels: ends }) => ends[channel.name] ?? []).filter(({ failedAt }) => failedAt !== undefined);
    const last = tried.toSorted((one, other) => (one.failedAt ?? '').localeCompare(other.failedAt ?? '')).at(-1);
    const since = tried.flatMap(({ failingSince }) => failingSince ?? []).toSorted()[0] ?? first.alert.at;
    return [{ channel: channel.name, count: owed.length, since, ...(last?.reason === undefined ? {} : { reason: last.reason }) }];
  });
}

/** The alerts that some channel never took, that are tried no more, and that nobody has read on the host. */
export function givenUp(entries: readonly Entry[]): readonly Entry[] {
  return entries.filter(({ settled, acknowledged }) => settled?.how === 'given up' && acknowledged === undefined);
}
