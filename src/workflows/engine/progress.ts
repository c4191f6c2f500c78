import type { NodeOutcome } from '../../contract/calls.js';
import type { Facts } from '../../contract/facts.js';
import type { OpenQuestion } from '../../contract/questions.js';
import type { CompactStatus, NodeState, NodeStatus, RunState } from '../../contract/status.js';
import { type Node, partsOf, type Runbook } from './nodes.js';

/** How far a run is: the state of each node on its recorded list. */
export interface Progress {
  state: RunState;
  outcome?: string;
  readonly nodes: () => readonly NodeStatus[];
  readonly section: () => string;
  /** Sets a node's state, with the time of the change. */
  readonly mark: (id: string, state: NodeState, more?: { facts?: Facts; note?: string; dueAt?: string }) => void;
  /** Adds steps that are not of the list: those of the way back. */
  readonly add: (section: string, steps: readonly (Pick<NodeStatus, 'id' | 'title' | 'plan'> & { readonly usersOffline?: boolean })[]) => void;
  /** Drops the nodes that are not on the recorded list. */
  readonly keepOnly: (nodes: readonly string[]) => void;
  readonly stateOf: (id: string) => NodeState | undefined;
  readonly noteOf: (id: string) => string | undefined;
  /** What ended, in order. */
  readonly outcomes: () => readonly NodeOutcome[];
  readonly isAhead: (question: string) => boolean;
  readonly compact: (questions: readonly OpenQuestion[]) => CompactStatus;
}

/** A node with the section it stands in. */
export interface Placed<Acts> {
  readonly node: Node<Acts>;
  readonly section: string;
}

/** All nodes of a runbook in order, each with its section. */
export function placedNodes<Acts>(runbook: Runbook<Acts>): readonly Placed<Acts>[] {
  return runbook.sections.flatMap((section) => section.nodes.map((node) => ({ node, section: section.title })));
}

/** Starts with every node pending. */
export function createProgress<Acts>(placed: readonly Placed<Acts>[]): Progress {
  const statuses = new Map<string, NodeStatus>();
  for (const { node, section } of placed) {
    for (const shown of partsOf(node)) {
      statuses.set(shown.id, {
        id: shown.id,
        section,
        title: shown.title,
        plan: shown.plan,
        kind: shown.kind,
        state: 'pending',
        usersOffline: 'usersOffline' in shown && (shown.usersOffline ?? false),
      });
    }
  }
  const outcomes: NodeOutcome[] = [];
  // None before the recorded list is known: that list and not the code's says where a run begins.
  let current = '';

  const progress: Progress = {
    state: 'running',
    nodes: () => [...statuses.values()],
    section: () => current,
    mark(id, state, more = {}) {
      const before = statuses.get(id);
      if (!before) return;
      const now = new Date().toISOString();
      const { endedAt, ...begun } = before;
      const starts = state === 'running' || state === 'open' || state === 'undoing';
      if (starts) current = before.section;
      statuses.set(id, {
        ...begun,
        ...more,
        state,
        ...(starts ? { startedAt: before.startedAt ?? now } : { endedAt: now }),
      });
      const { dueAt } = before;
      if (!starts) outcomes.push({ id, title: before.title, plan: before.plan, state, ...more, ...(dueAt === undefined ? {} : { dueAt, endedAt: now }) });
    },
    add(section, steps) {
      for (const { id, title, plan, usersOffline = false } of steps) {
        if (!statuses.has(id)) statuses.set(id, { id, section, title, plan, kind: 'step', state: 'pending', usersOffline });
      }
    },
    stateOf: (id) => statuses.get(id)?.state,
    noteOf: (id) => statuses.get(id)?.note,
    outcomes: () => outcomes,
    keepOnly(nodes) {
      const kept = new Set(nodes);
      for (const { node } of placed) {
        if (kept.has(node.id)) continue;
        for (const { id } of partsOf(node)) statuses.delete(id);
      }
    },
    isAhead: (question) => statuses.get(question.split('.')[0] ?? '')?.state === 'pending',
    compact: (questions) => ({
      state: progress.state,
      section: current,
      done: [...statuses.values()].filter((node) => node.state !== 'pending' && node.endedAt !== undefined).length,
      of: statuses.size,
      questions: questions.map(({ id, title, choices, dueAt }) => ({ id, title, choices, ...(dueAt === undefined ? {} : { dueAt }) })),
      since: new Date().toISOString(),
    }),
  };
  return progress;
}
