import { condition, workflowInfo } from '@temporalio/workflow';
import { formatMinute } from '../../contract/facts.js';
import { defaultReminders, type ReminderSettings } from '../../contract/settings.js';
import { alertPeople } from './alerts.js';
import type { Deadline, RunContext } from './context.js';
import { type Due, type Node, partsOf, secondsOf } from './nodes.js';

/** When a node has to be done; nothing of one without a deadline. */
export function dueAtOf(context: RunContext, due: Due | undefined): { readonly dueAt?: string } {
  if (due === undefined) return {};
  return { dueAt: new Date(Date.parse(context.countsFrom) + secondsOf(due, context.settings) * 1000).toISOString() };
}

/** Has people told of those deadlines that count before the run comes to them. */
export function tellFromStart<Acts>(context: RunContext, nodes: readonly Node<Acts>[]): void {
  const { settings, input } = context;
  const isWanted = ({ when }: Pick<Node<Acts>, 'when'>) => when?.holds({ settings, input }) !== false;
  for (const part of nodes.filter(isWanted).flatMap(partsOf).filter(isWanted)) {
    const { dueAt } = dueAtOf(context, 'due' in part ? part.due : undefined);
    if (dueAt !== undefined && 'due' in part && part.due.fromStart === true) context.deadlines.set(part.id, { title: part.title, at: dueAt });
  }
}

/** Has people told of a node's deadline for as long as something goes on. */
export async function within<R>(context: RunContext, { id, title }: { readonly id: string; readonly title: string }, dueAt: string | undefined, act: () => Promise<R>): Promise<R> {
  if (dueAt !== undefined) context.deadlines.set(id, { title, at: dueAt });
  try {
    return await act();
  } finally {
    context.deadlines.delete(id);
  }
}

/**
 * Tells people before each deadline of what is open, at it, and again and again after it: one message for all
 * that is due at a time. Goes on for as long as the run does; where nothing is due it leaves no trace in history.
 */
export async function watchDeadlines(context: RunContext): Promise<void> {
  const reminders = context.settings.reminders ?? defaultReminders;
  const toldAt = new Map<string, number>();
  const nextOf = ([id, deadline]: [string, Deadline]) => nextMoment(context.countsFrom, deadline, reminders, toldAt.get(id));
  const next = () => Math.min(...[...context.deadlines].map(nextOf));
  for (;;) {
    await condition(() => next() < Infinity);
    const at = next();
    // An answer may make another moment the next one.
    if (at > Date.now() && (await condition(() => next() !== at, at - Date.now(), { summary: 'until people are told of what is due' }))) continue;
    const now = Math.max(at, Date.now());
    const due = [...context.deadlines].filter((each) => nextOf(each) <= now);
    for (const [id] of due) toldAt.set(id, now);
    tell(context, due.map(([, deadline]) => deadline), new Date(now));
  }
}

/** The first moment at which people are told of a deadline; what was missed while nobody could be told is told once. */
function nextMoment(countsFrom: string, { at }: Deadline, { beforePercent, firstAfterSeconds, everySeconds }: ReminderSettings, toldAt: number | undefined): number {
  const start = Date.parse(countsFrom);
  const due = Date.parse(at);
  const first = start + ((due - start) * beforePercent) / 100;
  if (toldAt === undefined) return first;
  if (toldAt < due) return due;
  const second = due + firstAfterSeconds * 1000;
  if (toldAt < second) return second;
  const every = everySeconds * 1000;
  return second + (Math.floor((toldAt - second) / every) + 1) * every;
}

function tell(context: RunContext, due: readonly Deadline[], now: Date): void {
  const overdue = due.filter(({ at }) => Date.parse(at) <= now.getTime());
  const count = overdue.length > 0 ? overdue.length : due.length;
  const what = `${count} ${count === 1 ? 'item' : 'items'} ${overdue.length > 0 ? 'OVERDUE' : 'soon due'}`;
  alertPeople(context, {
    severity: overdue.length > 0 ? 'critical' : 'warning',
    subject: `has ${what}`,
    text: [...due.toSorted((one, other) => one.at.localeCompare(other.at)).map(lineOf(now)), `Look at it, and answer: lockstep watch ${workflowInfo().workflowId}, or the run's page in the Temporal UI`].join('\n'),
    key: `due-${now.toISOString()}`,
  });
}

function lineOf(now: Date): (deadline: Deadline) => string {
  return ({ title, at }) => `${Date.parse(at) <= now.getTime() ? 'OVERDUE since' : 'due'} ${formatMinute(at)}: ${title}`;
}
