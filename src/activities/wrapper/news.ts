import type { Call } from '../../contract/calls.js';
import type { RecordedDecision } from '../../contract/questions.js';
import type { Who } from '../activity.js';
import type { Journal, JournalEntry } from './journal.js';

/** What a run tells with a call and the journal does not have yet: a retried attempt tells the same again. */
export function newsFor({ earlier }: Journal, { news }: Call, at: string): readonly JournalEntry[] {
  if (news.decisions.length + news.nodes.length === 0) return [];
  const keyOf = (entry: { at: string; kind: string }) => JSON.stringify({ ...entry, at: entry.kind === 'node' ? '' : entry.at });
  const known = new Set(earlier.map(keyOf));
  const isNew = (entry: { at: string; kind: string }) => !known.has(keyOf(entry));
  return [
    ...news.decisions.map((decision) => ({ kind: 'decision', ...decision }) as const).filter(isNew),
    ...news.nodes.map(({ id, ...outcome }) => ({ kind: 'node', at, node: id, ...outcome }) as const).filter(isNew),
  ];
}

/** An audit event of a decision: who chose what, and whether that counted. */
export interface DecisionEvent {
  /** The same decision has the same, however often it is told. */
  readonly id: string;
  readonly details: Readonly<Record<string, string>>;
  readonly who: Who;
  readonly decision: RecordedDecision;
}

/** The decisions that a call tells of, for the audit log; what nobody could read as one is in the journal alone. */
export function decisionEvents({ runId, news }: Call): readonly DecisionEvent[] {
  return news.decisions.filter(({ outcome }) => outcome !== 'malformed').map((decision) => toEvent(runId, decision));
}

function toEvent(runId: string, decision: RecordedDecision): DecisionEvent {
  const { at, question, answer, by, reason, login, outcome } = decision;
  return {
    decision,
    id: [runId, question, 'decision', at, 'DECISION', answer, by, outcome].join('/'),
    details: { node: question.split('.')[0] ?? question, question, answer, outcome, ...(reason === undefined ? {} : { reason }), ...(login === undefined ? {} : { login }), decided: at },
    who: { by },
  };
}
