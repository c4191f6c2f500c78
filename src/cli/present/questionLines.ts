import type { People } from '../../config/peopleSchema.js';
import { formatMinute, formatSeconds } from '../../contract/facts.js';
import { secretAnswers, type OpenQuestion } from '../../contract/questions.js';
import { describeHolders } from './peopleLines.js';
import { spread, tabulate, wrapHanging } from './text.js';
import type { Theme } from './theme.js';

/** What is to be typed to answer a question, for one of its choices. */
export function commandFor(question: Pick<OpenQuestion, 'id' | 'kind' | 'reasonFor'>, answer: string, flags = ''): string {
  const reason = question.reasonFor.includes(answer) ? ' --reason "…"' : '';
  if (isTyped(question, answer)) return `lockstep unlock${flags}`;
  const verb = verbs[answer];
  return verb === undefined
    ? `lockstep decide ${question.id} ${answer}${reason}${flags}`
    : `lockstep ${verb} ${question.id}${reason}${flags}`;
}

/** Secrets are typed, and never a signal. */
function isTyped({ kind }: Pick<OpenQuestion, 'kind'>, answer: string): boolean {
  return kind === 'secret' && answer === secretAnswers.typed;
}

/** The recovery passphrase as it is kept: a new one is on no paper yet. */
function fromPaper({ secret, isNewSecret }: OpenQuestion, flags: string): (readonly [string, string])[] {
  if (secret === undefined || isNewSecret === true || !/recoveryPassphrase$/i.test(secret)) return [];
  return [
    ['from its sheet', `lockstep unlock --from-sheet${flags}`],
    ['from shares', `lockstep unlock --from-shares${flags}`],
  ];
}

/** Answers that are commands of their own. */
const verbs: Readonly<Record<string, string>> = {
  go: 'go',
  'no-go': 'no-go',
  acknowledged: 'acknowledge',
  retry: 'retry',
  skip: 'skip',
  continue: 'continue',
  stop: 'stop',
};

/** How a question is shown. */
export interface QuestionView {
  readonly width: number;
  readonly now: Date;
  readonly theme: Theme;
  /** Added to each command, such as ` --host db2`. */
  readonly flags?: string;
  /** Known on the host alone: who can answer a question for a secret, and where that is kept. */
  readonly people?: People;
}

/** An open question as a block: what is asked, the figures to decide on, who can answer, and what to type. */
export function renderQuestion(question: OpenQuestion, { width, now, theme, flags = '', people }: QuestionView): string[] {
  const edge = (question.kind === 'parked' || question.kind === 'cancelled' ? theme.bad : theme.warning)('┃ ');
  const inner = width - 2;
  const open = `open ${formatSeconds(Math.max(0, (now.getTime() - Date.parse(question.openedAt)) / 1000))}`;
  const label = (answer: string) => (isTyped(question, answer) ? 'type it' : answer === question.recommended ? `${answer} (recommended)` : answer);
  const commands = question.choices.flatMap((answer) => [[label(answer), commandFor(question, answer, flags)] as const, ...(isTyped(question, answer) ? fromPaper(question, flags) : [])]);
  return [
    ...spread('', theme.bold(question.title), theme.dim(open), inner),
    ...tabulate(question.evidence, 2, inner),
    ...(people === undefined || question.secret === undefined ? [] : tabulate(describeHolders(people, question.secret, now), 2, inner)),
    ...agreement(question, inner),
    ...dueLine(question, now, theme, inner),
    ...(question.until === undefined
      ? []
      : wrapHanging('', theme.dim(`answers itself with "${question.until.answer}" at ${question.until.at}`), inner)),
    ...tabulate(commands, 2, inner).map((line) => theme.accent(line)),
  ].map((line) => `${edge}${line}`);
}

/** Its deadline by the reader's clock: `due 2026-01-01 03:00 UTC (in 40 min 00 s)`, `OVERDUE since …`; nothing without one. */
export function dueWords(dueAt: string | undefined, now: Date): string | undefined {
  if (dueAt === undefined) return undefined;
  const at = formatMinute(dueAt);
  const leftSeconds = (Date.parse(dueAt) - now.getTime()) / 1000;
  return leftSeconds > 0 ? `due ${at} (in ${formatSeconds(leftSeconds)})` : `OVERDUE since ${at} (${formatSeconds(-leftSeconds)})`;
}

function dueLine({ dueAt }: OpenQuestion, now: Date, theme: Theme, width: number): string[] {
  const words = dueWords(dueAt, now);
  if (words === undefined) return [];
  return wrapHanging('', words.startsWith('OVERDUE') ? theme.bad(words) : theme.warning(words), width);
}

function agreement({ people, agreed }: OpenQuestion, width: number): string[] {
  if (people === undefined) return [];
  const so = agreed === undefined || agreed.length === 0 ? 'nobody yet' : agreed.join(', ');
  return wrapHanging('  ', `${people} different people must agree; so far: ${so}. The next one answers as another user, or with --by NAME`, width);
}
