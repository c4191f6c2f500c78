import { breachConditions, isNotifiable } from '../../contract/breach.js';
import { formatMinute, formatSeconds, type Facts } from '../../contract/facts.js';
import type { JournalEntry } from '../wrapper/journal.js';

/** What the journal does not say of itself. */
export interface IncidentFrame {
  readonly host: string;
  readonly workflowId: string;
  readonly runId: string;
  readonly startedBy: string;
  /** Files that were written for the incident, to be named: label and path. */
  readonly files: Facts;
}

/** One thing that had to be done, as the report has it. */
export interface IncidentItem {
  readonly id: string;
  readonly title: string;
  readonly plan: string;
  readonly state: string;
  readonly dueAt: string;
  readonly endedAt: string;
  /** Who said what; of a run of its own, what it came to. */
  readonly by?: string;
  readonly answer?: string;
  readonly words: string;
}

/** How the incident stands under GDPR, by what was answered. */
export interface BreachAssessment {
  readonly verdict: 'not notifiable' | 'notifiable' | 'not assessed';
  /** What was answered to each condition. */
  readonly answers: readonly string[];
}

/** When the response began: a lost run that this one goes on with had begun earlier. */
function beganAt(journal: readonly JournalEntry[]): string | undefined {
  const opened = journal.find((entry) => entry.kind === 'opened');
  return opened?.adopted?.reached === undefined ? opened?.at : opened.adopted.startedAt;
}

/** From when deadlines count: people may have known of it before the response began (GDPR Art. 33(1)). */
export function awareSince(journal: readonly JournalEntry[]): string | undefined {
  return journal.find((entry) => entry.kind === 'opened')?.options?.awareSince ?? beganAt(journal);
}

/** Everything that had a deadline and is over, once and as it ended last, in the order in which it was done. */
export function readItems(journal: readonly JournalEntry[]): readonly IncidentItem[] {
  const last = new Map(journal.flatMap((entry) => (entry.kind === 'node' ? [[entry.node, entry] as const] : [])));
  return [...last.values()]
    .flatMap((entry): readonly IncidentItem[] => {
      if (entry.dueAt === undefined || entry.endedAt === undefined) return [];
      const { node: id, title, plan, state, note = '', dueAt, endedAt } = entry;
      // Its own openings, `id` and `id.2`: what was said where it had failed is not what it came to.
      const decision = journal.findLast((each) => each.kind === 'decision' && each.outcome === 'counted' && each.question.replace(/\.\d+$/, '') === id);
      const said = state === 'done' && decision?.kind === 'decision' ? { by: decision.by, answer: decision.answer, words: decision.reason ?? '' } : { words: note };
      return [{ id, title, plan, state, dueAt, endedAt, ...said }];
    })
    .toSorted((one, other) => one.endedAt.localeCompare(other.endedAt));
}

/** By the three conditions of the plan's 5.3: only three times yes is not notifiable. */
export function assessBreach(items: readonly IncidentItem[]): BreachAssessment {
  const conditions = Object.values(breachConditions).map(({ id, title }) => ({ title, answered: items.findLast((item) => item.id === id && item.answer !== undefined) }));
  const answers = conditions.map(({ title, answered }) => (answered === undefined ? `${title} Not answered.` : `${title} ${answered.answer ?? ''}, ${answered.by ?? ''}: ${answered.words}`));
  const no = conditions.some(({ answered }) => answered?.answer === 'no');
  if (!no && conditions.some(({ answered }) => answered === undefined)) return { verdict: 'not assessed', answers };
  return { verdict: isNotifiable(conditions.map(({ answered }) => answered?.answer)) ? 'notifiable' : 'not notifiable', answers };
}

/** The report of a suspected compromise, as a page to read: made from the journal alone. */
export function renderIncidentReport({ host, workflowId, runId, startedBy, files }: IncidentFrame, journal: readonly JournalEntry[]): string {
  const items = readItems(journal);
  const { verdict, answers } = assessBreach(items);
  const findings = journal.flatMap((entry) => (entry.kind === 'node' && entry.dueAt === undefined && entry.facts !== undefined ? [entry] : []));
  const notified = items.filter(({ id }) => id.startsWith('notify-'));
  return [
    `# Key compromise response on ${host}: report`,
    '',
    `Begun ${beganAt(journal) ?? ''} by ${startedBy} (as claimed), run ${runId} (${workflowId}). Deadlines count from ${awareSince(journal) ?? ''}, when it became known. Who did what is recorded as claimed.`,
    '',
    '## Assessment (GDPR Art. 33 and 34; plan 5.3)',
    '',
    `**${verdict}**`,
    '',
    ...answers.map((answer) => `- ${answer}`),
    '',
    '## Notifications',
    '',
    ...(notified.length === 0 ? ['None was recorded.'] : notified.map((item) => `- ${item.title}: ${outcomeOf(item)}`)),
    '',
    '## What was done, and when',
    '',
    '| Done | Item | Plan | Due | | Who | Words |',
    '|---|---|---|---|---|---|---|',
    ...items.map((item) => row([formatMinute(item.endedAt), item.title, item.plan, formatMinute(item.dueAt), timeliness(item), item.by ?? '', [item.answer ?? '', item.words].filter((words) => words !== '').join(': ')])),
    '',
    '## Findings',
    '',
    ...findings.flatMap(({ title, facts = [] }) => [`### ${title}`, '', ...facts.map(([label, value]) => `- ${label}: ${value}`), '']),
    '## Files',
    '',
    ...files.map(([label, path]) => `- ${label}: ${path}`),
    '',
  ].join('\n');
}

/** Whether it was done by its deadline: `in time`, `late by 1 h 05 min`. */
export function timeliness({ state, dueAt, endedAt }: Pick<IncidentItem, 'state' | 'dueAt' | 'endedAt'>): string {
  if (state !== 'done') return 'NOT done';
  const lateSeconds = (Date.parse(endedAt) - Date.parse(dueAt)) / 1000;
  return lateSeconds <= 0 ? 'in time' : `late by ${formatSeconds(lateSeconds)}`;
}

function outcomeOf(item: IncidentItem): string {
  return item.state === 'done' ? `${item.answer ?? ''}, ${formatMinute(item.endedAt)}, ${timeliness(item)}, ${item.by ?? ''}: ${item.words}` : `NOT done (${item.words})`;
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', String.raw`\|`).replaceAll('\n', ' ')).join(' | ')} |`;
}
