import type { NodeOutcome } from '../../contract/calls.js';
import { formatSeconds } from '../../contract/facts.js';
import { isAlertNode, isConditionsNode } from '../../contract/names.js';
import type { RecordedDecision } from '../../contract/questions.js';
import type { RecordedNode, RunRecord } from '../../contract/record.js';
import { lastGoneOn, type JournalEntry } from '../wrapper/journal.js';

/** What the journal does not say of itself. */
export type RecordFrame = Pick<RunRecord, 'lockstepVersion' | 'runbook' | 'host' | 'workflowId' | 'runId' | 'startedBy' | 'state' | 'outcome' | 'summary' | 'auditLog'>;

type Ended = Extract<JournalEntry, { kind: 'ended' }>;
type Began = Extract<JournalEntry, { kind: 'began' }>;

/** Makes the run record from the journal: what is claimed there was written down when it happened. */
export function makeRecord(frame: RecordFrame, journal: readonly JournalEntry[]): RunRecord {
  const opened = journal.find((entry) => entry.kind === 'opened');
  const decisions = journal.filter((entry) => entry.kind === 'decision').map(({ kind, ...decision }): RecordedDecision => decision);
  return {
    schema: 1,
    ...frame,
    startedAt: opened?.at ?? '',
    endedAt: journal.at(-1)?.at ?? '',
    configDigest: opened?.configDigest ?? '',
    nodes: recordNodes(journal),
    decisions,
    ...(frame.state === 'rolled back' ? { wayBack: measureWayBack(journal) } : {}),
    engine: measureEngine(journal),
  };
}

/** The plan's rollback procedure takes 30 to 60 minutes. */
const planSecondsForWayBack = 60 * 60;

/** From the decision to go back to the end of the run; where somebody has gone on in between, from the one after that. */
function measureWayBack(journal: readonly JournalEntry[]): NonNullable<RunRecord['wayBack']> {
  const from = journal.slice(lastGoneOn(journal) + 1).find((entry) => entry.kind === 'began' && entry.node === 'begin-way-back')?.at ?? '';
  return { seconds: Math.max(0, Date.parse(journal.at(-1)?.at ?? '') - Date.parse(from)) / 1000, planSeconds: planSecondsForWayBack };
}

function recordNodes(journal: readonly JournalEntry[]): readonly RecordedNode[] {
  const order: string[] = [];
  const outcomes = new Map<string, NodeOutcome>();
  const begins = new Map<string, Began[]>();
  const ends = new Map<string, Ended[]>();
  for (const entry of journal) {
    if (entry.kind !== 'began' && entry.kind !== 'ended' && entry.kind !== 'node') continue;
    if (isConditionsNode(entry.node)) continue;
    if (!order.includes(entry.node)) order.push(entry.node);
    if (entry.kind === 'node') {
      const { kind, at, node, ...outcome } = entry;
      const facts = outcome.facts ?? outcomes.get(node)?.facts;
      // What a step found stays in the record when it is undone later.
      outcomes.set(node, { id: node, ...outcome, ...(facts === undefined ? {} : { facts }) });
    } else if (entry.kind === 'began') {
      begins.set(entry.node, [...(begins.get(entry.node) ?? []), entry]);
    } else {
      ends.set(entry.node, [...(ends.get(entry.node) ?? []), entry]);
    }
  }
  return order.map((id) => recordNode(id, outcomes.get(id), begins.get(id) ?? [], ends.get(id) ?? []));
}

function recordNode(id: string, outcome: NodeOutcome | undefined, begins: readonly Began[], ends: readonly Ended[]): RecordedNode {
  const first = begins[0];
  const last = ends.at(-1);
  const acted = ends.filter(({ result }) => result !== 'secret needed');
  return {
    id,
    title: outcome?.title ?? first?.title ?? id,
    plan: outcome?.plan ?? first?.plan ?? '',
    state: outcome?.state ?? (last?.result === 'done' ? 'done' : 'failed'),
    attempts: begins.length - (ends.length - acted.length),
    seconds: ends.reduce((sum, { seconds }) => sum + seconds, 0),
    figures: isRecord(last?.figures) ? last.figures : {},
    facts: outcome?.facts ?? [],
    failures: acted.flatMap(({ message }) => (message === undefined ? [] : [message])),
    ...(outcome?.note === undefined ? {} : { note: outcome.note }),
    ...(first === undefined ? {} : { startedAt: first.at }),
    ...(last === undefined ? {} : { endedAt: last.at }),
  };
}

/** The engine's own share: from the end of one step to the beginning of the next, where nothing was waited for between. */
function measureEngine(journal: readonly JournalEntry[]): RunRecord['engine'] {
  const gaps: number[] = [];
  const acted = new Set<string>();
  let inSteps = 0;
  let lastEnd: number | undefined;
  for (const entry of journal) {
    // People are told beside whatever goes on.
    if ('node' in entry && isAlertNode(entry.node)) continue;
    // A node that ends without having acted is a question or a wait, some of which end by time alone.
    const waited = entry.kind === 'node' && entry.state !== 'not needed' && !acted.has(entry.node);
    if (entry.kind === 'decision' || waited) lastEnd = undefined;
    if (entry.kind === 'began') {
      acted.add(entry.node);
      if (lastEnd !== undefined) gaps.push(Date.parse(entry.at) - lastEnd);
    }
    if (entry.kind === 'ended') {
      inSteps += entry.seconds;
      lastEnd = entry.result === 'done' ? Date.parse(entry.at) : undefined;
    }
  }
  const sorted = [...gaps].sort((a, b) => a - b);
  return {
    secondsInSteps: inSteps,
    secondsBetweenSteps: gaps.reduce((sum, gap) => sum + gap, 0) / 1000,
    medianMillisecondsBetweenSteps: sorted[Math.floor(sorted.length / 2)] ?? 0,
  };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The record as a page to read. */
export function renderRecord(record: RunRecord): string {
  const rows = record.nodes.map(
    (node) =>
      `| ${node.title} | ${node.plan} | ${node.state} | ${node.seconds.toFixed(1)} | ${node.attempts} | ${cell([
        ...node.facts.map(([label, value]) => `${label}: ${value}`),
        ...(node.note === undefined ? [] : [node.note]),
        ...node.failures,
      ])} |`,
  );
  const decided = record.decisions.map(
    (decision) => `| ${decision.at} | ${cell([decision.question])} | ${cell([decision.answer])} | ${cell([decision.by])} | ${cell([decision.reason ?? ''])} | ${decision.outcome} |`,
  );
  return [
    `# ${record.runbook} on ${record.host}: ${record.state}`,
    '',
    record.outcome ?? '',
    '',
    ...record.summary.map(([label, value]) => `- ${label}: **${value}**`),
    '',
    `Run ${record.runId} (${record.workflowId}), started by ${record.startedBy} (as claimed) at ${record.startedAt}, ended at ${record.endedAt ?? ''}.`,
    `Lockstep ${record.lockstepVersion}; lockstep.yaml at the start: SHA-256 ${record.configDigest}.`,
    ...(record.auditLog === undefined ? [] : [`Audit log by then: seq=${record.auditLog.sequence} chain=${record.auditLog.chain}.`]),
    ...(record.wayBack === undefined ? [] : [renderWayBack(record.wayBack)]),
    `In steps ${record.engine.secondsInSteps.toFixed(1)} s, between steps ${record.engine.secondsBetweenSteps.toFixed(1)} s (median ${record.engine.medianMillisecondsBetweenSteps} ms).`,
    '',
    '## Steps',
    '',
    '| Step | Plan | State | Seconds | Attempts | Figures |',
    '|---|---|---|---|---|---|',
    ...rows,
    '',
    '## Decisions',
    '',
    'Who decided is recorded as claimed.',
    '',
    '| At | Question | Answer | By | Reason | Outcome |',
    '|---|---|---|---|---|---|',
    ...decided,
    '',
  ].join('\n');
}

function renderWayBack({ seconds, planSeconds }: NonNullable<RunRecord['wayBack']>): string {
  return `The way back took ${formatSeconds(seconds)}; the plan allows 30 to 60 minutes${seconds > planSeconds ? ': it took longer' : ''}.`;
}

function cell(words: readonly string[]): string {
  return words.filter((word) => word !== '').join('; ').replaceAll('|', '\\|').replaceAll('\n', ' ');
}
