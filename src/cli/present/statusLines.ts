import type { People } from '../../config/peopleSchema.js';
import { formatSeconds } from '../../contract/facts.js';
import { isTurnPhase } from '../../contract/names.js';
import type { NodeStatus, Progress, RunStatus } from '../../contract/status.js';
import { renderProgress } from './progressBar.js';
import { dueWords, renderQuestion } from './questionLines.js';
import { inWords, spread, wrapHanging } from './text.js';
import { signOf, stateWord, type Theme } from './theme.js';

/** The attempt that runs now, as the server knows it between two answers of the run. */
export interface RunningStep {
  readonly attempt: number;
  /** Started on a worker; otherwise it waits for one, or for its next attempt. */
  readonly started: boolean;
  readonly progress?: Progress;
  /** Why the attempt before failed. */
  readonly lastFailure?: string;
  /** ISO time of the next attempt. */
  readonly nextAttemptAt?: string;
}

/** How a run is shown. */
export interface StatusView {
  readonly width: number;
  /** Rows at most; default all that there is to say. */
  readonly height?: number;
  readonly now: Date;
  readonly theme: Theme;
  readonly running?: RunningStep;
  /** Added to each command that is shown, such as ` --host db2`. */
  readonly flags?: string;
  /** Known on the host alone: who can answer a question for a secret. */
  readonly people?: People;
}

/** How much is shown of a section, from most to least; the first that fits is taken. */
const details = ['all with figures', 'current with figures', 'current', 'around the current node'] as const;
type Detail = (typeof details)[number];

/** Beyond that the eye loses the row on its way to the figure at its end. */
const widest = 120;

/** A run as lines: head, sections with their nodes, open questions with what to type. */
export function renderStatus(status: RunStatus, given: StatusView): string[] {
  const view = { ...given, width: Math.min(given.width, widest) };
  const head = [...renderHead(status, view), ...renderTurn(status, view)];
  const tail = renderQuestions(status, view);
  const room = (view.height ?? Infinity) - head.length - tail.length;
  const levels = view.height === undefined ? details.slice(0, 1) : details.slice(1);
  let body: string[] = [];
  for (const detail of levels) {
    body = renderSections(status, detail, view);
    if (body.length <= room) break;
  }
  return [...head, ...fit(body, room, view.theme), ...tail];
}

/** What does not fit is at least counted. */
function fit(lines: readonly string[], room: number, theme: Theme): readonly string[] {
  if (lines.length <= room) return lines;
  const kept = lines.slice(0, Math.max(0, room - 1));
  return room <= 0 ? [] : [...kept, theme.dim(`  … and ${lines.length - kept.length} more lines`)];
}

function renderHead(status: RunStatus, { width, now, theme }: StatusView): string[] {
  const ended = lastTime(status.nodes.map(({ endedAt }) => endedAt));
  const until = isOver(status) && ended !== undefined ? Date.parse(ended) : now.getTime();
  const elapsed = formatSeconds(Math.max(0, (until - Date.parse(status.startedAt)) / 1000));
  const offline = offlineSeconds(status, new Date(until));
  const since = [
    `started ${status.startedAt.slice(0, 19).replace('T', ' ')} UTC by ${status.startedBy}`,
    ...(offline === undefined ? [] : [`users offline ${formatSeconds(offline)}`]),
  ].join(', ');
  return [
    ...spread('', `${theme.bold(status.runbook)} on ${theme.bold(status.host)}  ${stateWord(status.state, theme)}`, elapsed, width),
    ...wrapHanging('', theme.dim(since), width),
    ...(status.outcome === undefined ? [] : wrapHanging('', status.outcome, width)),
    '',
  ];
}

/** What a run waits for before it has its host, or while a question is open: no node of its list shows that. */
function renderTurn({ nodes }: RunStatus, { running, width, theme }: StatusView): string[] {
  if (running?.progress === undefined || !running.started || nodes.some(({ state }) => state === 'running' || state === 'undoing')) return [];
  return isTurnPhase(running.progress.phase) ? [...wrapHanging('', theme.warning(running.progress.phase), width), ''] : [];
}

/** The run has come to an end, whatever it was. */
export function isOver({ outcome }: RunStatus): boolean {
  return outcome !== undefined;
}

/**
 * How long users were offline so far: from the first node that takes the service away to the last
 * one's end.
 *
 * @returns Seconds; undefined where no such node has begun.
 */
export function offlineSeconds({ nodes }: RunStatus, now: Date): number | undefined {
  const offline = nodes.filter((node) => node.usersOffline);
  const from = offline.map(({ startedAt }) => startedAt).find((at) => at !== undefined);
  if (from === undefined) return undefined;
  const over = offline.every(({ state }) => !['pending', 'running', 'open', 'failed', 'undoing'].includes(state));
  const until = over ? lastTime(offline.map(({ endedAt }) => endedAt)) : undefined;
  return Math.max(0, ((until === undefined ? now.getTime() : Date.parse(until)) - Date.parse(from)) / 1000);
}

function lastTime(times: readonly (string | undefined)[]): string | undefined {
  return times.filter((at) => at !== undefined).sort().at(-1);
}

/** The most urgent in full. Of the others, where not all of them fit, what they ask and by when. */
function renderQuestions({ questions }: RunStatus, view: StatusView): string[] {
  const urgentFirst = questions.toSorted((one, other) => (one.dueAt ?? '').localeCompare(other.dueAt ?? ''));
  const full = urgentFirst.map((question) => ['', ...renderQuestion(question, view)]);
  const room = view.height === undefined ? Infinity : Math.floor((view.height * 2) / 3);
  if (full.flat().length <= room) return full.flat();
  const [first = [], ...others] = full;
  const { theme, width, now } = view;
  const lines = urgentFirst.slice(1).flatMap(({ id, title, dueAt }) => spread(`${theme.warning('┃')} `, `${title} ${theme.dim(id)}`, theme.dim(dueWords(dueAt, now) ?? ''), width));
  return [...first, ...(others.length === 0 ? [] : ['', ...fit(lines, Math.max(2, room - first.length - 1), theme)])];
}

interface Section {
  readonly title: string;
  readonly nodes: readonly NodeStatus[];
}

function renderSections(status: RunStatus, detail: Detail, view: StatusView): string[] {
  const sections = groupBySection(status.nodes);
  return sections.flatMap((section) => {
    const current = section.nodes.some(isCurrent);
    if (detail !== 'all with figures' && !current) return [summarise(section, view)].flat();
    const around = detail === 'around the current node' ? section.nodes.filter((node) => isCurrent(node)) : section.nodes;
    return [
      ...(detail === 'all with figures' && section !== sections[0] ? [''] : []),
      ...renderSectionHead(section, view),
      ...around.flatMap((node) => renderNode(withoutEcho(node, status), detail === 'all with figures' || detail === 'current with figures', view)),
    ];
  });
}

/** While a failure is asked about, the question below says why. */
function withoutEcho(node: NodeStatus, { questions }: RunStatus): NodeStatus {
  const { note, ...rest } = node;
  return note === undefined || !questions.some((question) => question.node === node.id) ? node : rest;
}

function groupBySection(nodes: readonly NodeStatus[]): readonly Section[] {
  const sections = new Map<string, NodeStatus[]>();
  for (const node of nodes) sections.set(node.section, [...(sections.get(node.section) ?? []), node]);
  return [...sections].map(([title, inSection]) => ({ title, nodes: inSection }));
}

/** A person looks for what goes on and for what went wrong. */
function isCurrent({ state }: NodeStatus): boolean {
  return ['running', 'open', 'failed', 'undoing'].includes(state);
}

/** One line for a section that is done, or still to come. */
function summarise(section: Section, { width, theme }: StatusView): string[] {
  const over = section.nodes.filter(({ state }) => state !== 'pending').length;
  const of = section.nodes.length;
  const sign = signOf(over === 0 ? 'pending' : over < of ? 'running' : worstOf(section), theme);
  const count = over === 0 ? `${of} to do` : over < of ? `${over} of ${of}` : durationOf(section);
  return spread(`${sign} `, over === 0 ? theme.dim(section.title) : section.title, theme.dim(count), width);
}

function worstOf({ nodes }: Section): NodeStatus['state'] {
  return (['undone', 'skipped'] as const).find((state) => nodes.some((node) => node.state === state)) ?? 'done';
}

function durationOf({ nodes }: Section): string {
  const from = nodes.map(({ startedAt }) => startedAt).find((at) => at !== undefined);
  const until = lastTime(nodes.map(({ endedAt }) => endedAt));
  return from === undefined || until === undefined ? '' : formatSeconds(Math.max(0, (Date.parse(until) - Date.parse(from)) / 1000));
}

function renderSectionHead(section: Section, { width, theme }: StatusView): string[] {
  const offline = section.nodes.some((node) => node.usersOffline && isCurrent(node));
  const over = section.nodes.filter(({ state }) => state !== 'pending' && state !== 'running' && state !== 'open').length;
  const words = `${theme.bold(section.title)}${offline ? `  ${theme.warning('users offline')}` : ''}`;
  return spread('  ', words, theme.dim(`${over} of ${section.nodes.length}`), width);
}

function renderNode(node: NodeStatus, withFigures: boolean, view: StatusView): string[] {
  const { theme, width, now, running } = view;
  const first = `  ${signOf(node.state, theme)} `;
  const title = node.state === 'pending' || node.state === 'not needed' ? theme.dim(node.title) : node.title;
  const elapsed = theme.dim(elapsedOf(node, now));
  const due = node.kind === 'child' && node.state === 'running' ? dueWords(node.dueAt, now) : undefined;
  const remarks = [...noteOf(node, theme), ...(due === undefined ? [] : [theme.warning(due)]), ...(withFigures && node.facts?.length ? [theme.dim(inWords(node.facts))] : [])];
  const attempt = running !== undefined && (node.state === 'running' || node.state === 'undoing') ? renderRunning(running, view) : [];
  const inOneLine = spread(first, [title, ...remarks].join('   '), elapsed, width);
  if (inOneLine.length === 1) return [...inOneLine, ...attempt];
  return [...spread(first, title, elapsed, width), ...remarks.flatMap((remark) => wrapHanging('      ', remark, width)), ...attempt];
}

function noteOf({ state, note = '' }: NodeStatus, theme: Theme): string[] {
  if (note === '') return [];
  return [state === 'failed' ? theme.bad(note) : theme.dim(note)];
}

function elapsedOf({ startedAt, endedAt, state, kind }: NodeStatus, now: Date): string {
  if (startedAt === undefined || state === 'pending' || state === 'not needed') return '';
  const over = endedAt !== undefined && !['running', 'open', 'undoing'].includes(state);
  // How long a person thought is of no interest afterwards.
  if (over && kind !== 'step' && kind !== 'child') return '';
  return formatSeconds(Math.max(0, ((over ? Date.parse(endedAt) : now.getTime()) - Date.parse(startedAt)) / 1000));
}

function renderRunning(running: RunningStep, { width, now, theme }: StatusView): string[] {
  const { attempt, started, progress, lastFailure, nextAttemptAt } = running;
  const inSeconds = nextAttemptAt === undefined ? 0 : (Date.parse(nextAttemptAt) - now.getTime()) / 1000;
  const waiting = inSeconds > 0 ? `next attempt in ${formatSeconds(inSeconds)}` : 'waits for the worker of its host';
  const words = [
    ...(attempt > 1 ? [`attempt ${attempt}`] : []),
    ...(started ? [] : [waiting]),
    ...(attempt > 1 && lastFailure !== undefined ? [`the one before: ${lastFailure}`] : []),
  ].join('; ');
  return [
    ...(words === '' ? [] : wrapHanging('      ', theme.warning(words), width)),
    ...(progress === undefined || !started ? [] : renderProgress(progress, width - 6, theme).map((line) => `      ${line}`)),
  ];
}
