import { CancellationScope, condition, proxySinks, type Sinks, workflowInfo } from '@temporalio/workflow';
import { memoKey } from '../../../../src/contract/names.js';
import type { CompactStatus } from '../../../../src/contract/status.js';
import { type Node, type Question, type Runbook, type Step, wordsFor } from '../../../../src/workflows/engine/nodes.js';
import type { RunResult } from '../../../../src/contract/status.js';
import { workflowOf } from '../../../../src/workflows/engine/walk.js';
import type { TestActs } from '../runbooks/acts.js';
import { goBack, type Identified, listOf, noWayBackStep, otherWay, type QuestionDescription, type RunbookDescription, type StepDescription } from './description.js';

const { acknowledgement, gate, optionalStep, parallel, section, step, waitUntil } = wordsFor<TestActs>();

/** What the test hears of a run without asking: polls of thousands of runs would be most of the work. */
export interface Watching extends Sinks {
  readonly memo: { readonly changed: (status: CompactStatus) => void };
}

/** Walks the runbook that it is given, and tells each change of the memo, which is what people see. */
export async function generated(description: RunbookDescription, input: unknown): Promise<RunResult> {
  void CancellationScope.nonCancellable(tellChanges);
  return workflowOf(runbookOf(description))(input);
}

/** Goes back from the last run of that runbook. */
export async function generatedBack(description: RunbookDescription, input: unknown): Promise<RunResult> {
  void CancellationScope.nonCancellable(tellChanges);
  return workflowOf(runbookBackFrom(description))(input);
}

async function tellChanges(): Promise<never> {
  const { memo } = proxySinks<Watching>();
  let told: unknown;
  for (;;) {
    // Neither waiting nor telling leaves anything in history: the run is the one that users have.
    await condition(() => workflowInfo().memo?.[memoKey] !== told);
    told = workflowInfo().memo?.[memoKey];
    memo.changed(told as CompactStatus);
  }
}

function runbookOf(description: RunbookDescription): Runbook<TestActs> {
  const last = noWayBackStep(description);
  return {
    name: 'generated',
    title: 'Generated',
    sections: [section('All', '1', listOf(description).map(nodeOf))],
    ...(description.carriesOver ? { carryOver: [beside('save'), beside('exchange')] } : {}),
    ...(description.tellsWhenStopped ? { whenStopped: [beside('tell')] } : {}),
    ...(last === undefined ? {} : { noWayBackFrom: { id: last } }),
    afterRollback: [beside('prove')],
    summary: () => [],
  };
}

function runbookBackFrom(description: RunbookDescription): Runbook<TestActs> {
  return {
    name: 'generatedBack',
    title: 'Generated back',
    undoes: runbookOf(description),
    sections: [section('Decide', '1', [gate({ id: goBack, title: 'Go back?', plan: '' })])],
    afterRollback: [beside('prove')],
    ...(description.tellsWhenStopped ? { whenStopped: [beside('tell')] } : {}),
    summary: () => [],
  };
}

function nodeOf(identified: Identified): Node<TestActs> {
  const { id, node } = identified;
  switch (node.kind) {
    case 'step':
      return stepOf(id, node);
    case 'wait':
      return waitUntil({ id, title: id, plan: '', ...(node.needed ? {} : { when: never }), until: () => new Date(Date.now() + 300).toISOString() });
    case 'parallel':
      return parallel({
        id,
        title: id,
        plan: '',
        ...(node.needed ? {} : { when: never }),
        nodes: node.questions.map((question, index) => questionOf(`${id}q${index}`, question)),
      });
    case 'gate':
    case 'acknowledgement':
      return questionOf(id, node);
  }
}

function stepOf(id: string, { undo, otherwise, skippable, needed }: StepDescription): Step<unknown, TestActs> {
  return optionalStep({
    id,
    title: id,
    plan: '',
    skippable,
    do: (act) => act.act(),
    ...(needed ? {} : { when: never }),
    ...(undo ? { undo: { title: `undo ${id}`, do: (act) => act.act(), ...(otherwise ? { otherwise: { answer: otherWay, title: otherWay, do: (act) => act.act() } } : {}) } } : {}),
  });
}

function questionOf(id: string, { kind, people, needed, limited }: QuestionDescription): Question {
  const words = {
    id,
    title: id,
    plan: '',
    people,
    requires: ['database up'] as const,
    ...(needed ? {} : { when: never }),
    ...(limited ? { timeoutSeconds: 0.3 } : {}),
  };
  return kind === 'gate' ? gate(words) : acknowledgement(words);
}

function beside(id: string): Step<unknown, TestActs> {
  return step({ id, title: id, plan: '', do: (act) => act.act() });
}

const never = { holds: () => false, otherwise: 'generated without it' };
