import { formatMinute } from '../../contract/facts.js';
import type { CompactStatus } from '../../contract/status.js';
import { commandFor } from './questionLines.js';
import { tabulate, wrapHanging } from './text.js';
import { stateWord, type Theme } from './theme.js';

/**
 * What the server alone knows of a run, while no worker answers for it.
 *
 * @param flags - Added to each command, such as ` --host db2`.
 */
export function renderCompact(
  compact: CompactStatus,
  { runbook, host, width, theme, flags = '' }: { readonly runbook: string; readonly host: string; readonly width: number; readonly theme: Theme; readonly flags?: string },
): string[] {
  const since = compact.since.slice(0, 19).replace('T', ' ');
  return [
    `${theme.bold(runbook)} on ${theme.bold(host)}  ${stateWord(compact.state, theme)}`,
    ...wrapHanging('', theme.warning(`No worker answers; this is what the server knew at ${since} UTC.`), width),
    ...wrapHanging('', `In section "${compact.section}", ${compact.done} of ${compact.of} nodes done.`, width),
    ...compact.questions.flatMap(({ id, title, choices, dueAt }) => [
      '',
      ...wrapHanging('? ', theme.bold(title), width),
      ...(dueAt === undefined ? [] : [`  due ${formatMinute(dueAt)}`]),
      ...tabulate(choices.map((answer) => [answer, commandFor({ id, kind: 'gate', reasonFor: [] }, answer, flags)]), 2, width),
    ]),
  ];
}
