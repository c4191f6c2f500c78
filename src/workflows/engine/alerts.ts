import { ActivityFailure } from '@temporalio/workflow';
import { alertNodeOf } from '../../contract/names.js';
import type { RunContext } from './context.js';
import { actOn, type EngineActs } from './host.js';

/** What people are told without having asked. */
export interface Alert {
  readonly severity: 'info' | 'warning' | 'critical';
  /** Goes on after the run's name: `is parked: …`. */
  readonly subject: string;
  readonly text: string;
  /** Unique in its run: told once, whatever is repeated. */
  readonly key: string;
}

/** Tells people, and does not wait for it: a run goes on where nobody can be reached. */
export function alertPeople(context: RunContext, { severity, subject, text, key }: Alert): void {
  // Attempts of the same node end one another.
  const call = context.beside({ id: alertNodeOf(key), title: `Tell people: ${subject}`, plan: '' });
  const told = actOn<EngineActs>(context.input.host, call).alertPeople({ severity, subject: `${call.workflowId} ${subject}`, text, key });
  void told.catch((error: unknown) => {
    // It was tried for minutes, and the host has written down why it failed; nobody is asked about it.
    if (!(error instanceof ActivityFailure)) throw error;
  });
}

const longestTitle = 80;

/** The first words of a sentence, for a subject. */
export function firstWordsOf(title: string): string {
  if (title.length <= longestTitle) return title;
  return `${title.slice(0, title.lastIndexOf(' ', longestTitle) + 1 || longestTitle).trimEnd()} …`;
}
