import { formatCount, formatSeconds } from '../../contract/facts.js';
import type { RunRecord } from '../../contract/record.js';
import { tabulate } from './text.js';
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

/** How a verdict is shown. */
export interface VerdictView {
  readonly theme: Theme;
  readonly width: number;
  /** Whoever looked on has seen the record's summary already. */
  readonly isSummaryTold: boolean;
}

/** What a person wants to know after a rehearsal: the record's summary, and what the users say. */
export function renderVerdict(record: RunRecord, verdict: ShownVerdict, looking: Looking, { theme, width, isSummaryTold }: VerdictView): string[] {
  const lost = verdict.missing + verdict.duplicated + verdict.altered;
  const operations = `${formatCount(verdict.present)} of ${formatCount(verdict.acknowledged)} acknowledged operations are there, once`;
  const facts: (readonly [string, string])[] = [
    ...(isSummaryTold ? [] : record.summary),
    ['users', lost === 0 ? theme.good(operations) : theme.bad(`${operations}; ${verdict.missing} missing, ${verdict.duplicated} doubled, ${verdict.altered} altered`)],
    ['longest wait for a write', formatSeconds(verdict.longestGapSeconds)],
    ['refused in maintenance', formatCount(verdict.refused)],
    ['engine', `${formatSeconds(record.engine.secondsInSteps)} in steps, ${formatSeconds(record.engine.secondsBetweenSteps)} between (median ${record.engine.medianMillisecondsBetweenSteps} ms)`],
    ['look around', looking.how],
  ];
  return [
    theme.bold(`${record.runbook}: ${record.state}`),
    ...tabulate(facts, 2, width),
    // Never broken, so that they can be copied.
    `  record on the host: ${looking.recordPath}`,
    `  the run in the UI: ${looking.runUrl}`,
  ];
}
