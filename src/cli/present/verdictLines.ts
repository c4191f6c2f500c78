import { formatCount, formatSeconds } from '../../contract/facts.js';
import type { RunRecord } from '../../contract/record.js';
import type { Theme } from './theme.js';

/** What the users' client found, as far as it is shown. */
export interface ShownVerdict {
  readonly acknowledged: number;
  readonly present: number;
  readonly missing: number;
  readonly duplicated: number;
  readonly altered: number;
  readonly refused: number;
  readonly longestGapSeconds: number;
}

/** Where a person looks next. */
export interface Looking {
  readonly recordPath: string;
  /** The run's page in Temporal's Web UI. */
  readonly runUrl: string;
  /** How the host is entered, or how one is kept that can be. */
  readonly how: string;
}

/** What a person wants to know after a rehearsal: the record's summary, and what the users say. */
export function renderVerdict(record: RunRecord, verdict: ShownVerdict, looking: Looking, theme: Theme): string[] {
  const lost = verdict.missing + verdict.duplicated + verdict.altered;
  const operations = `${formatCount(verdict.present)} of ${formatCount(verdict.acknowledged)} acknowledged operations are there, once`;
  const facts: (readonly [string, string])[] = [
    ...record.summary,
    ['users', lost === 0 ? theme.good(operations) : theme.bad(`${operations}; ${verdict.missing} missing, ${verdict.duplicated} doubled, ${verdict.altered} altered`)],
    ['longest wait for a write', formatSeconds(verdict.longestGapSeconds)],
    ['refused in maintenance', formatCount(verdict.refused)],
    ['engine', `${formatSeconds(record.engine.secondsInSteps)} in steps, ${formatSeconds(record.engine.secondsBetweenSteps)} between (median ${record.engine.medianMillisecondsBetweenSteps} ms)`],
    ['record on the host', looking.recordPath],
    ['the run in the UI', looking.runUrl],
    ['look around', looking.how],
  ];
  const width = Math.max(...facts.map(([label]) => label.length));
  return [theme.bold(`${record.runbook}: ${record.state}`), ...facts.map(([label, value]) => `  ${label.padEnd(width)}  ${value}`)];
}
