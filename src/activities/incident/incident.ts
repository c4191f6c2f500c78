import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { draftAuthorityNotification, draftUserNotification } from '../../contract/breachTemplates.js';
import { defaultCompromise } from '../../contract/settings.js';
import { readAuditEntries, readAuditFiles } from '../../host/audit/auditEntries.js';
import { auditPositionPath, readAuditPosition } from '../../host/audit/auditPosition.js';
import { verifyAuditLog } from '../../host/audit/auditVerification.js';
import { ifPresent } from '../../host/failure.js';
import { ensureTextFile } from '../../host/files/textFile.js';
import type { Login } from '../../host/logins.js';
import { changes, reads, type Attempt } from '../activity.js';
import { assessBreach, awareSince, readItems, renderIncidentReport, timeliness } from './incidentReport.js';
import { describeEvent, isFailure, reviewUnlockEvents } from './unlockReview.js';

/** What history and a question's evidence take; the whole list is a file. */
const mostLines = 20;
const day = 24 * 3600 * 1000;

const files = {
  unlocks: 'unlocks.txt',
  logins: 'logins.txt',
  authority: 'notification-authority.md',
  users: 'notification-users.md',
  report: 'incident-report.md',
} as const;

/** What a suspected compromise of a passphrase needs of the host: evidence, drafts and the report; the plan's 5.3. */
export const incidentActivities = {
  /** Every unlock, failed unlock, and change of keys or of the host's claim, with what is unusual marked. */
  reviewUnlocks: reads(async (attempt) => {
    const { config, directory } = attempt;
    const since = reviewedSince(attempt);
    const { events, knowsAddresses } = reviewUnlockEvents(await readAuditEntries(config.auditLog), {
      since,
      runIds: await readRunIds(attempt),
      localHour: (at) => at.getHours(),
    });
    const unusual = events.filter((event) => event.unusual.length > 0);
    const file = join(directory, files.unlocks);
    await ensureTextFile({ path: file, content: `${events.map(describeEvent).join('\n')}\n`, mode: 0o600 });
    return {
      since: since.toISOString(),
      log: await describeLog(attempt),
      events: events.length,
      unlocks: events.filter(({ event }) => event === 'VOLUME_UNLOCK').length,
      failed: events.filter(({ event }) => isFailure(event)).length,
      people: [...new Set(events.map(({ by }) => by))].sort(),
      unusual: unusual.length,
      // The latest are the ones that a suspicion is about.
      lines: unusual.slice(-mostLines).map((event) => describeEvent(event).slice(0, 200)),
      knowsAddresses,
      file,
    };
  }),

  /** Who logged in to the host meanwhile, and from where. */
  readLogins: reads(async (attempt) => {
    const since = reviewedSince(attempt);
    const { sessions, accepted, refused, refusedFrom, lacking, lines } = await attempt.tools.logins.read({ since, now: attempt.now() });
    const file = join(attempt.directory, files.logins);
    await ensureTextFile({ path: file, content: `${lines.join('\n')}\n`, mode: 0o600 });
    return {
      since: since.toISOString(),
      sessions: sessions.length,
      accepted: accepted.length,
      refused,
      refusedFrom,
      lacking,
      lines: countLogins([...sessions, ...accepted]).slice(0, mostLines),
      file,
    };
  }),

  /** The notifications of the authority and of users, with blanks for what only people know. */
  draftNotifications: changes('NOTIFICATIONS_DRAFT', async (attempt) => {
    const { config, directory } = attempt;
    const awareAt = awareSince(await attempt.readJournal()) ?? attempt.now().toISOString();
    const facts = {
      application: config.deployment.application.title,
      host: config.host,
      awareAt,
      // The law's time, whatever lockstep.yaml says.
      notifyBy: new Date(Date.parse(awareAt) + defaultCompromise.remediationSeconds * 1000).toISOString(),
      statusPage: config.maintenance.statusPage,
    };
    const authority = join(directory, files.authority);
    const users = join(directory, files.users);
    await ensureTextFile({ path: authority, content: draftAuthorityNotification(facts), mode: 0o600 });
    await ensureTextFile({ path: users, content: draftUserNotification(facts), mode: 0o600 });
    return { authority, users, notifyBy: facts.notifyBy };
  }),

  /** The report, from the journal: what was done when, by whom, against its deadline. */
  writeIncidentReport: changes('INCIDENT_REPORT', async (attempt) => {
    const { call, config, directory } = attempt;
    const journal = await attempt.readJournal();
    const items = readItems(journal);
    const file = join(directory, files.report);
    const frame = { ...call, host: config.host, files: Object.entries(files).filter(([name]) => name !== 'report').map(([name, path]) => [name, join(directory, path)] as const) };
    await ensureTextFile({ path: file, content: renderIncidentReport(frame, journal), mode: 0o600 });
    const late = items.filter((item) => timeliness(item).startsWith('late'));
    return { file, items: items.length, late: late.length, notDone: items.filter(({ state }) => state === 'failed' || state === 'skipped').length, verdict: assessBreach(items).verdict };
  }),
};

function reviewedSince({ config, now }: Pick<Attempt, 'config' | 'now'>): Date {
  return new Date(now().getTime() - config.compromise.reviewDays * day);
}

/** A directory is named after its run: the runbook, a dash, the id. */
async function readRunIds({ config }: Pick<Attempt, 'config'>): Promise<readonly string[]> {
  const names = (await ifPresent(readdir(join(config.stateDirectory, 'runs')))) ?? [];
  return names.map((name) => name.slice(name.indexOf('-') + 1));
}

/** Whether the log can be believed, its rotated files included. */
async function describeLog({ config, now }: Pick<Attempt, 'config' | 'now'>): Promise<string> {
  const path = config.auditLog;
  // Before the files: other runs go on meanwhile, and what they write after the look at the files would be missing there.
  const noted = await readAuditPosition(auditPositionPath(config));
  const files = await readAuditFiles(path);
  if (files.length === 0) return `${path} is not there: no unlock can be shown`;
  const { verdict, lines, findings } = verifyAuditLog(files, { noted, now: now() });
  if (verdict === 'intact') return `${path}, ${lines} lines, each following from the one before`;
  const [finding] = findings;
  return `${finding?.file ?? path} is NOT intact: ${finding?.line === undefined ? '' : `line ${finding.line} `}${finding?.reason ?? verdict}; see "lockstep audit verify"`;
}

/** Who came from where how often, the most frequent first. */
function countLogins(logins: readonly Login[]): readonly string[] {
  const counts = new Map<string, { count: number; last: string }>();
  for (const { by, from = 'the console', at } of logins) {
    const key = `${by} from ${from}`;
    const before = counts.get(key);
    counts.set(key, { count: (before?.count ?? 0) + 1, last: before === undefined || at > before.last ? at : before.last });
  }
  return [...counts].toSorted((one, other) => other[1].count - one[1].count).map(([who, { count, last }]) => `${who}: ${count}, last ${last}`.slice(0, 200));
}
