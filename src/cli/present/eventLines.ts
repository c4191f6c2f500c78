import { formatMinute, formatSeconds } from '../../contract/facts.js';
import { isTurnPhase } from '../../contract/names.js';
import type { NodeStatus, RunStatus } from '../../contract/status.js';
import type { RunningStep } from './statusLines.js';
import { commandFor } from './questionLines.js';
import { inWords } from './text.js';

/**
 * What happened between two answers of a run, one line each: for logs and pipes. Nothing is broken or
 * coloured, so that a line stays a line.
 *
 * @param before - The answer before; undefined at the first.
 */
export function describeChanges(before: RunStatus | undefined, after: RunStatus, flags = ''): string[] {
  const earlier = new Map(before?.nodes.map((node) => [node.id, node]));
  const asked = new Set(before?.questions.map(({ id }) => id));
  const events: { at: string; lines: readonly string[] }[] = [];
  const tell = (at: string, ...lines: readonly string[]): void => void events.push({ at, lines });
  for (const node of after.nodes) {
    const was = earlier.get(node.id);
    if (was?.state !== node.state && node.state !== 'pending') tell(timeOfState(node), describeNode(node));
  }
  const told = new Set(before?.decisions.map((decision) => JSON.stringify(decision)));
  for (const decision of after.decisions) {
    if (told.has(JSON.stringify(decision))) continue;
    const reason = decision.reason === undefined ? '' : ` (${decision.reason})`;
    const what = `${decision.question}: ${decision.answer} by ${decision.by}${reason}: ${decision.outcome}`;
    tell(decision.at, `${timeOf(decision.at)} decision    ${what}`);
  }
  for (const question of after.questions) {
    if (asked.has(question.id)) continue;
    const evidence = question.evidence.length === 0 ? '' : ` [${inWords(question.evidence)}]`;
    const commands = question.choices.map((answer) => `                     ${commandFor(question, answer, flags)}`);
    const due = question.dueAt === undefined ? '' : ` (due ${formatMinute(question.dueAt)})`;
    tell(question.openedAt, `${timeOf(question.openedAt)} question    ${question.title}${due}${evidence}`, ...commands);
  }
  // Sorting keeps the order of what has the same time: the list's.
  events.sort((one, other) => one.at.localeCompare(other.at));
  const state = before?.state === after.state ? [] : [`${timeOf(lastTimeIn(after))} run         ${after.state}`];
  return [...events.flatMap(({ lines }) => lines), ...state];
}

/**
 * An attempt that follows a failed one, in one line: while it is repeated a step changes nothing in what
 * the run tells, and nobody would know why it takes so long.
 *
 * @param before - What was seen before; each failure is told once.
 */
export function describeRetry(before: RunningStep | undefined, { attempt, lastFailure }: RunningStep, now: Date): string[] {
  if (attempt <= 1 || lastFailure === undefined || before?.attempt === attempt) return [];
  return [`${timeOf(now.toISOString())} again       attempt ${attempt}; the one before: ${lastFailure}`];
}

/**
 * That another run has its turn on the host, in one line: a run that waits for that changes nothing in what it tells.
 *
 * @param before - What was seen before; it is told once.
 */
export function describeTurn(before: RunningStep | undefined, { progress }: RunningStep, now: Date): string[] {
  if (progress === undefined || !isTurnPhase(progress.phase) || before?.progress?.phase === progress.phase) return [];
  return [`${timeOf(now.toISOString())} turn        ${progress.phase}`];
}

function describeNode(node: NodeStatus): string {
  const took =
    isOver(node) && node.endedAt !== undefined && node.startedAt !== undefined && (node.kind === 'step' || node.kind === 'child') && node.state !== 'not needed'
      ? ` in ${formatSeconds(Math.max(0, (Date.parse(node.endedAt) - Date.parse(node.startedAt)) / 1000))}`
      : '';
  const words = [...(node.note === undefined || node.note === '' ? [] : [node.note]), ...(node.facts?.length ? [inWords(node.facts)] : [])].join('; ');
  return `${timeOf(timeOfState(node))} ${node.state.padEnd(11)} ${node.title}${took}${words === '' ? '' : `: ${words}`}`;
}

function isOver({ state }: NodeStatus): boolean {
  return state !== 'running' && state !== 'open' && state !== 'undoing';
}

/** When a node came into the state that it is in. */
function timeOfState(node: NodeStatus): string {
  return (isOver(node) ? node.endedAt : node.startedAt) ?? '';
}

/** The time of the last thing that the run tells of; a run has no clock of its own between two events. */
function lastTimeIn({ nodes, startedAt }: RunStatus): string {
  return nodes.flatMap((node) => [node.startedAt, node.endedAt]).filter((at) => at !== undefined).sort().at(-1) ?? startedAt;
}

function timeOf(iso: string): string {
  return iso.slice(11, 19).padEnd(8);
}
