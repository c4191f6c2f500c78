import { formatCount, formatCountOf, formatMinute, type Facts } from '../../contract/facts.js';
import type { From } from '../engine/nodes.js';
import { step } from '../words.js';

export const reviewUnlocks = step({
  id: 'review-unlocks',
  title: 'The audit log: unlocks, failed ones, changes of keys, and what is unusual',
  plan: '5.3',
  do: (act) => act.reviewUnlocks(),
  show: ({ since, log, events, unlocks, failed, people, unusual, lines, knowsAddresses, file }) => [
    ['audit log', log],
    ['since', since],
    ['unlocks', `${formatCount(unlocks)}, and ${formatCount(failed)} failed, of ${formatCountOf(events, 'event')}`],
    ['by', people.length === 0 ? 'nobody' : people.join(', ')],
    ...(knowsAddresses ? [] : [['addresses', 'none is known from before: none can be told to be new'] as const]),
    ['unusual', unusual === 0 ? 'none' : formatCountOf(unusual, 'event')],
    ...lines.map((line) => ['unusual', line] as const),
    ...(unusual > lines.length ? [['unusual', `and ${formatCount(unusual - lines.length)} earlier ones`] as const] : []),
    ['all of them', file],
  ],
});

export const readLogins = step({
  id: 'read-logins',
  title: 'Who logged in to this host',
  plan: '5.3',
  do: (act) => act.readLogins(),
  show: ({ since, sessions, accepted, refused, refusedFrom, lacking, lines, file }) => [
    ['since', since],
    ['sessions', formatCount(sessions)],
    ['logins by SSH', `${formatCount(accepted)}; ${formatCount(refused)} refused, from ${formatCountOf(refusedFrom, 'address', 'addresses')}`],
    ...(lacking.length === 0 ? [] : [['not known here', `what ${lacking.join(', ')} would tell`] as const]),
    ...lines.map((line) => ['logins', line] as const),
    ['all of them', file],
  ],
});

export const draftNotifications = step({
  id: 'draft-notifications',
  title: 'Drafts for the authority (GDPR Art. 33) and users (Art. 34), should they be needed',
  plan: '5.3',
  do: (act) => act.draftNotifications(),
  show: ({ authority, users }) => [
    ['for the authority', authority],
    ['for users', users],
  ],
});

/** What an answer of no makes due, beside a question that comes before it: the law's time goes on while it is open. */
export function noticeEvidence(from: From): Facts {
  // A run of an earlier version has not found it.
  const notifyBy = (from(draftNotifications) as { readonly notifyBy?: string } | undefined)?.notifyBy;
  return notifyBy === undefined ? [] : [['a no means', `the authority is to be notified by ${formatMinute(notifyBy)} (Art. 33), unless a risk is unlikely`]];
}

/** What the audit log shows, beside a question. */
export function unlockEvidence(from: From): Facts {
  return reviewUnlocks.show?.(from(reviewUnlocks)) ?? [];
}

/** Who was on the host, beside a question. */
export function loginEvidence(from: From): Facts {
  return readLogins.show?.(from(readLogins)) ?? [];
}
