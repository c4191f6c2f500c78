/**
 * What users are told, in the words of the plan's communication plan (3.3) with its placeholders
 * filled. Nothing is sent by Lockstep: a person, or a hook, takes the text from here.
 */
export interface Announcement {
  readonly subject: string;
  readonly body: string;
}

/**
 * The announcement of a week before.
 *
 * @param values.application - The name under which users know the service, such as `SuperSync`.
 * @param values.opensAt - ISO time at which the maintenance window opens; it is shown in the offset it is written in.
 * @param values.expectedMinutes - How long users will be offline at most.
 * @throws RangeError for a time that is not one.
 */
export function announceWeekBefore(values: {
  readonly application: string;
  readonly opensAt: string;
  readonly expectedMinutes: number;
}): Announcement {
  const from = toLocal(values.opensAt);
  const to = addMinutes(from, values.expectedMinutes);
  const end = to.date === from.date ? to.time : `${to.date} ${to.time}`;
  return {
    subject: `Scheduled Maintenance - ${values.application} Encryption Upgrade`,
    body: paragraphs(
      `We will be performing a security upgrade on ${from.date} from ${from.time} to ${end} ${from.zone} (estimated ${toDuration(values.expectedMinutes)}).`,
      list("What's happening:", [
        'Implementing encryption at rest for GDPR compliance',
        'All data will be migrated to encrypted storage',
        'No data loss expected (full backups in place)',
      ]),
      list('Impact:', [
        `${values.application} will be unavailable during the maintenance window`,
        'Your local data is safe - sync will resume automatically after maintenance',
        'No action required from you',
      ]),
      list('Why:', [
        'Enhances data protection with full database encryption',
        'Meets GDPR Article 32 encryption requirements',
        'Adds an additional layer of security',
      ]),
      'Questions? Reply to this email.',
    ),
  };
}

/**
 * What the status page says while users are offline.
 *
 * @param values.expectedCompletion - ISO time.
 * @param values.statusPage - A URL or a contact, as in lockstep.yaml.
 * @throws RangeError for a time that is not one.
 */
export function announceDuringMaintenance(values: {
  readonly application: string;
  readonly expectedCompletion: string;
  readonly statusPage: string;
}): Announcement {
  return {
    subject: `${values.application} Maintenance in Progress`,
    body: lines(
      `${values.application} is currently undergoing scheduled maintenance.`,
      `Expected completion: ${toMoment(values.expectedCompletion)}`,
      `Status updates: ${values.statusPage}`,
    ),
  };
}

/**
 * The announcement after completion. The plan's three ticks are claims, so each is ticked only where
 * the run has proven it.
 *
 * @param values.proven - What the run's own checks passed.
 */
export function announceCompletion(values: {
  readonly application: string;
  readonly proven: { readonly dataIntegrity: boolean; readonly syncOperations: boolean; readonly performance: boolean };
}): Announcement {
  const { dataIntegrity, syncOperations, performance } = values.proven;
  return {
    subject: `${values.application} Maintenance Complete`,
    body: paragraphs(
      'The encryption upgrade is complete and all systems are operational.',
      list('What changed:', [
        'Database now uses full-disk encryption (LUKS)',
        'All your data has been migrated successfully',
        'Sync operations have resumed normally',
      ]),
      list('Verification:', [
        `${tick(dataIntegrity)} Data integrity verified`,
        `${tick(syncOperations)} All sync operations tested`,
        `${tick(performance)} Performance within expected range`,
      ]),
      'Thank you for your patience!',
    ),
  };
}

/**
 * The announcement of extended maintenance, which ends the plan's rollback. The plan names it without
 * giving its text.
 *
 * @param values.available - Whether users can work again already, as was seen.
 */
export function announceExtendedMaintenance(values: {
  readonly application: string;
  readonly available: boolean;
  readonly statusPage: string;
}): Announcement {
  const { application, available, statusPage } = values;
  return {
    subject: `${application} Maintenance Extended`,
    body: paragraphs(
      'The encryption upgrade was not completed, and the previous storage is being used again.',
      list('Impact:', [
        available ? `${application} is available again` : `${application} remains unavailable until further notice`,
        'Your local data is safe - sync will resume automatically after maintenance',
        'No action required from you',
      ]),
      lines('The upgrade will be scheduled again, and you will be told in advance.', `Status updates: ${statusPage}`),
    ),
  };
}

/** A time of day where it was written: workflows and readers need no time zone database for it. */
interface LocalTime {
  readonly date: string;
  readonly time: string;
  readonly zone: string;
  /** Milliseconds since 1970 on the clock of the offset. */
  readonly clock: number;
}

function toLocal(isoTime: string): LocalTime {
  const [, sign, hours, minutes] = /([+-])(\d\d):?(\d\d)$/.exec(isoTime.slice('2026-01-31'.length)) ?? [];
  const offsetMinutes = (sign === '-' ? -1 : 1) * (Number(hours ?? 0) * 60 + Number(minutes ?? 0));
  return onClock(Date.parse(isoTime) + offsetMinutes * 60_000, offsetMinutes === 0 ? 'UTC' : `UTC${sign ?? ''}${hours ?? ''}:${minutes ?? ''}`);
}

function onClock(clock: number, zone: string): LocalTime {
  const text = new Date(clock).toISOString();
  return { date: text.slice(0, 10), time: text.slice(11, 16), zone, clock };
}

function addMinutes(local: LocalTime, minutes: number): LocalTime {
  return onClock(local.clock + minutes * 60_000, local.zone);
}

function toMoment(isoTime: string): string {
  const { date, time, zone } = toLocal(isoTime);
  return `${date} ${time} ${zone}`;
}

function toDuration(minutes: number): string {
  if (minutes < 60) return `${Math.round(minutes)} minutes`;
  const hours = Number((minutes / 60).toFixed(1));
  return hours === 1 ? '1 hour' : `${hours} hours`;
}

function tick(proven: boolean): string {
  return proven ? '[X]' : '[ ]';
}

function list(heading: string, items: readonly string[]): string {
  return lines(heading, ...items.map((item) => `- ${item}`));
}

function lines(...texts: readonly string[]): string {
  return texts.join('\n');
}

function paragraphs(...texts: readonly string[]): string {
  return texts.join('\n\n');
}
