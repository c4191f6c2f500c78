import { formatMinute, type Facts } from '../../contract/facts.js';
import { secretAnswers, type OpenQuestion } from '../../contract/questions.js';
import type { RunStatus } from '../../contract/status.js';

/** The server takes 20 kB of details; facts are cut before rows are. */
const longestPageBytes = 18_000;

/** Plain signs: a browser without a font for pictures shows boxes for those. */
const signs = {
  pending: '·',
  running: '▶',
  open: '?',
  done: '✔',
  skipped: '»',
  'not needed': '–',
  failed: '✖',
  undoing: '◀',
  undone: '↶',
} as const;

/** The run's page in the Temporal UI, as Markdown: the open questions with what to answer, then the list. */
export function renderPage(status: RunStatus): string {
  const head = `**${status.runbook}** on **${status.host}**: **${status.state}**${status.outcome === undefined ? '' : `. ${status.outcome}`}`;
  const questions = status.questions.map((question) =>
    [
      `### ${question.title}`,
      ...question.evidence.map(([label, value]) => `- ${label}: **${value}**`),
      // Each a paragraph: else Markdown takes it for more of the line above.
      ...(question.evidence.length === 0 ? [] : ['']),
      ...(question.dueAt === undefined ? [] : [`Due: **${formatMinute(question.dueAt)}**`, '']),
      ...(question.recommended === undefined ? [] : [`Recommended: **${question.recommended}**`, '']),
      ...howToAnswer(question),
    ].join('\n'),
  );
  const list = (withFacts: boolean) => [
    '| | Step | Plan | |',
    '|---|---|---|---|',
    ...status.nodes.map(
      (node) =>
        `| ${signs[node.state]} | ${node.title} | ${node.plan} | ${withFacts ? cell(node.note, node.facts) : ''} |`,
    ),
  ];
  const page = (withFacts: boolean) => [head, ...questions, list(withFacts).join('\n')].join('\n\n');
  const full = page(true);
  return cut(sizeBytes(full) <= longestPageBytes ? full : page(false));
}

function sizeBytes(text: string): number {
  return new TextEncoder().encode(text).length;
}

/** A secret is typed on the host; everything else can be sent from here. */
function howToAnswer({ id, kind, choices, reasonFor }: OpenQuestion): readonly string[] {
  const sent = choices.filter((answer) => kind !== 'secret' || answer !== secretAnswers.typed);
  const decide = `Signal \`decide\` with \`{"question": "${id}", "answer": "${sent.join(' | ')}", "by": "your name"${reasonFor.length > 0 ? ', "reason": "why"' : ''}}\``;
  return kind === 'secret' ? [`On the host: \`lockstep unlock\`. Where nobody has it: ${decide}`] : [decide];
}

function cut(page: string): string {
  if (sizeBytes(page) <= longestPageBytes) return page;
  const kept = new TextEncoder().encode(page).slice(0, longestPageBytes);
  // A letter that was cut in two would show as a sign of its own.
  return new TextDecoder().decode(kept).replace(/\uFFFD+$/, '');
}

function cell(note: string | undefined, facts: Facts | undefined): string {
  const words = [...(note === undefined || note === '' ? [] : [note]), ...(facts ?? []).map(([label, value]) => `${label} ${value}`)];
  return words.join(', ').replaceAll('|', '\\|').replaceAll('\n', ' ');
}
