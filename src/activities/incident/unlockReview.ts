import { formatMinute } from '../../contract/facts.js';
import type { AuditEntry } from '../../host/audit/auditEntries.js';

/** An event that concerns keys or the volume, with what is unusual about it. */
export interface ReviewedEvent extends AuditEntry {
  readonly unusual: readonly string[];
}

/** What a review came to. */
export interface UnlockReview {
  /** In the order of their times. */
  readonly events: readonly ReviewedEvent[];
  /** Events before the period have addresses: without any, none can be told to be new. */
  readonly knowsAddresses: boolean;
}

/** How events are looked at. */
export interface ReviewTerms {
  readonly since: Date;
  /** The ids of the runs that have left a journal on this host. */
  readonly runIds: readonly string[];
  /** The hour of the day where the host is, 0 to 23. */
  readonly localHour: (at: Date) => number;
}

/**
 * Looks for unauthorised unlocks (the plan's 5.3, "Review audit logs for unauthorized unlocks"): marks nights,
 * addresses that were not seen before the period, failed tries, and what no run of this host did.
 *
 * @param entries - All that there are, also those before the period.
 */
export function reviewUnlockEvents(entries: readonly AuditEntry[], { since, runIds, localHour }: ReviewTerms): UnlockReview {
  const known = new Set(entries.filter(({ at }) => at < since).flatMap(({ from }) => (from === undefined ? [] : [from])));
  const events = entries.filter(({ at, event }) => at >= since && concerns(event));
  const markOf = ({ at, event, from, details }: AuditEntry): readonly string[] => {
    const hour = localHour(at);
    const runId = details['id']?.split('/')[0];
    return [
      ...(isFailure(event) ? ['failed'] : []),
      ...(event === 'RECOVERY_KEY_TYPED' ? ['the recovery key, at a prompt for another'] : []),
      ...(hour >= nightBegins || hour < nightEnds ? ['at night'] : []),
      ...(from !== undefined && known.size > 0 && !known.has(from) ? ['address not seen before'] : []),
      ...(runId !== undefined && runIds.includes(runId) ? [] : ['by no run of this host']),
    ];
  };
  return { events: events.map((entry) => ({ ...entry, unusual: markOf(entry) })), knowsAddresses: known.size > 0 };
}

/** A passphrase that opened nothing: at the volume, or where a key is proven. */
export function isFailure(event: string): boolean {
  return event.endsWith('_FAILED') || event === 'PASSPHRASE_WRONG';
}

/** One event in a line: `2026-11-01 23:10 UTC VOLUME_UNLOCK by ann from 192.0.2.7: at night`. */
export function describeEvent({ at, event, by, from, unusual }: ReviewedEvent): string {
  return `${formatMinute(at.toISOString())} ${event} by ${by}${from === undefined ? '' : ` from ${from}`}${unusual.length === 0 ? '' : `: ${unusual.join(', ')}`}`;
}

/** Whoever has typed a passphrase, right or wrong, and what was done with the volume's own key. */
const passphraseEvents: readonly string[] = ['VOLUME_UNLOCK', 'VOLUME_UNLOCK_FAILED', 'PASSPHRASE_WRONG', 'RECOVERY_KEY_TYPED', 'EMERGENCY_ACCESS', 'VOLUME_REENCRYPT'];

const nightBegins = 22;
const nightEnds = 6;

/** A beginning says nothing that its end does not, and one that waits has not happened yet. */
function concerns(event: string): boolean {
  if (event.endsWith('_BEGIN') || event.endsWith('_WAITS')) return false;
  return passphraseEvents.includes(event) || event.startsWith('KEY_') || event.startsWith('HOST_');
}
