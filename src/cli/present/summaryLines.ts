import { formatSeconds, type Fact } from '../../contract/facts.js';
import type { RunRecord } from '../../contract/record.js';
import type { RunStatus } from '../../contract/status.js';
import { tabulate, wrapHanging } from './text.js';
import { offlineSeconds } from './statusLines.js';
import { stateWord, type Theme } from './theme.js';

/** What a person wants to know when a run has ended: what it came to, the figures, where its record is. */
export function renderSummary(
  status: RunStatus,
  { width, theme, record }: { readonly width: number; readonly theme: Theme; readonly record?: { readonly path: string; readonly record: RunRecord } },
): string[] {
  return [
    ...wrapHanging('', `${stateWord(status.state, theme)}  ${status.outcome ?? ''}`, width),
    ...tabulate([...(record?.record.summary ?? []), ...timesOf(status)], 2, width),
    ...recordLines(record),
  ];
}

/** Where a run's record lies, if that is known. Never broken, so that it can be copied. */
export function recordLines(record: { readonly path: string } | undefined): string[] {
  return record === undefined ? [] : [`  run record: ${record.path}`];
}

function timesOf(status: RunStatus): readonly Fact[] {
  const ended = status.nodes.flatMap(({ endedAt }) => endedAt ?? []).sort().at(-1);
  const offline = offlineSeconds(status, new Date(ended ?? status.startedAt));
  return [
    ...(ended === undefined ? [] : [['whole run', formatSeconds((Date.parse(ended) - Date.parse(status.startedAt)) / 1000)] as const]),
    ...(offline === undefined ? [] : [['users offline', formatSeconds(offline)] as const]),
  ];
}
