import { givenUp, isOwed, summariseUndelivered, type Addressee, type Delivery, type Entry, type OutboxContents } from '../../activities/index.js';
import { formatCountOf } from '../../contract/facts.js';
import { wrapHanging } from './text.js';
import type { Theme } from './theme.js';

/** How lines about alerts are set. */
export interface AlertView {
  readonly width: number;
  readonly theme: Theme;
  readonly now: Date;
  /** Added to each command that is shown, such as ` --config FILE`. */
  readonly flags?: string;
}

/** What was just raised is still on its way: nobody is to be alarmed by that. */
const graceSeconds = 30;

/** How many of those that got out are shown. */
const mostShown = 10;

/** What alerts a person does not know of, in a line for each channel; nothing where all got out. For the end of a status. */
export function renderUndelivered({ entries, damaged }: OutboxContents, channels: readonly Addressee[], { width, theme, now, flags = '' }: AlertView): string[] {
  const see = `; see "lockstep alerts${flags}"`;
  const late = entries.filter(({ alert, channels: ends }) => Object.keys(ends).length > 0 || (now.getTime() - Date.parse(alert.at)) / 1000 > graceSeconds);
  const lost = givenUp(entries);
  return [
    ...summariseUndelivered(late, channels).map(({ channel, count, reason, since }) => {
      const why = reason === undefined ? `nothing was tried since ${timeOf(since)}: no worker sends on this host` : `${reason}, since ${timeOf(since)}`;
      return `${formatCountOf(count, 'alert has', 'alerts have')} not reached ${channel}: ${why}${see}`;
    }),
    ...(lost.length === 0 ? [] : [`${formatCountOf(lost.length, 'alert was', 'alerts were')} given up and never reached ${namesOf(lost)}${see}, and "lockstep alerts --acknowledge${flags}" once they are read`]),
    ...(damaged.length === 0 ? [] : [`${formatCountOf(damaged.length, 'file')} in the outbox of alerts can not be read${see}`]),
  ].flatMap((line) => wrapHanging('', theme.warning(line), width));
}

/** All that the outbox holds: where alerts go, what has not got out and why, and the last that did. */
export function renderAlerts({ entries, damaged }: OutboxContents, channels: readonly Addressee[], view: AlertView): string[] {
  const { width, theme } = view;
  const owed = entries.filter((entry) => channels.some((channel) => isOwed(entry, channel)));
  const lost = givenUp(entries);
  const others = entries.filter((entry) => !owed.includes(entry) && !lost.includes(entry)).toReversed();
  return [
    ...renderChannels(entries, channels, view),
    ...section(theme.bad('Not got out'), owed, (entry) => renderEntry(entry, channels, view)),
    ...section(theme.bad('Given up'), lost, (entry) => renderEntry(entry, channels, view)),
    ...section(theme.bad('Can not be read'), damaged, ({ path, reason }) => wrapHanging('  ', `${path}: ${reason}`, width)),
    ...section('Before', others.slice(0, mostShown), (entry) => renderEntry(entry, channels, view)),
    ...(others.length > mostShown ? [theme.dim(`  … and ${formatCountOf(others.length - mostShown, 'earlier one')}`)] : []),
  ];
}

/** Words for a host whose alerts go nowhere. */
export function noChannel(flags = ''): string {
  return `lockstep.yaml names no channel for alerts: nobody is told; write one under alerts.channels (docs/lockstep.sample.yaml shows how), then try it with "lockstep alerts --test${flags}"`;
}

function renderChannels(entries: readonly Entry[], channels: readonly Addressee[], { width, theme, flags }: AlertView): string[] {
  if (channels.length === 0) return wrapHanging('', theme.warning(noChannel(flags)), width);
  const undelivered = new Map(summariseUndelivered(entries, channels).map((summary) => [summary.channel, summary]));
  return channels.flatMap(({ name }) => {
    const summary = undelivered.get(name);
    if (summary === undefined) return wrapHanging(`${theme.good('✔')} `, `${name}: nothing waits`, width);
    const why = summary.reason === undefined ? 'nothing was tried yet' : `${summary.reason}, since ${timeOf(summary.since)}`;
    return wrapHanging(`${theme.bad('✖')} `, `${name}: ${formatCountOf(summary.count, 'alert has', 'alerts have')} not got out; ${why}`, width);
  });
}

function section<Item>(title: string, items: readonly Item[], render: (item: Item) => readonly string[]): string[] {
  return items.length === 0 ? [] : ['', title, ...items.flatMap(render)];
}

function renderEntry(entry: Entry, channels: readonly Addressee[], { width, theme }: AlertView): string[] {
  const { alert, settled, acknowledged } = entry;
  const color = { info: theme.dim, warning: theme.warning, critical: theme.bad }[alert.severity];
  const untried = channels.filter((channel) => isOwed(entry, channel) && entry.channels[channel.name] === undefined);
  return [
    `  ${timeOf(alert.at)}  ${color(alert.severity)}`,
    ...wrapHanging('      ', alert.subject, width),
    ...Object.entries(entry.channels).flatMap(([name, delivery]) => wrapHanging('      ', theme.dim(`${name}: ${describe(delivery)}`), width)),
    ...untried.flatMap(({ name }) => wrapHanging('      ', theme.dim(`${name}: not tried yet`), width)),
    ...(acknowledged === undefined ? [] : wrapHanging('      ', theme.dim(`read on the host by ${acknowledged.by} ${timeOf(acknowledged.at)}`), width)),
    ...(settled?.how === 'no channel' ? wrapHanging('      ', theme.dim('nobody was told: no channel was for it'), width) : []),
  ];
}

function describe({ takenAt, remark, reason, failedAt, attempts, givenUpAt }: Delivery): string {
  if (takenAt !== undefined) return `taken ${timeOf(takenAt)}${remark === undefined ? '' : `; ${remark}`}`;
  const last = failedAt === undefined ? '' : `${attempts === 1 ? '' : ', the last'} ${timeOf(failedAt)}`;
  return `${givenUpAt === undefined ? '' : 'given up: '}${reason ?? 'not taken'}; ${formatCountOf(attempts, 'attempt')}${last}`;
}

function namesOf(lost: readonly Entry[]): string {
  const names = lost.flatMap(({ channels }) => Object.entries(channels).flatMap(([name, { givenUpAt }]) => (givenUpAt === undefined ? [] : [name])));
  return [...new Set(names)].join(', ');
}

function timeOf(iso: string): string {
  return `${iso.slice(0, 16).replace('T', ' ')} UTC`;
}
