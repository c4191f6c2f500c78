/** A fault to be put into the engine by hand: what it is, and the text that makes it. */
export interface Mutation {
  readonly name: string;
  /** Below src/workflows/engine. */
  readonly file: string;
  readonly original: string;
  readonly mutated: string;
}

/** Faults against which the rules have to hold up: each of them would lose data, or go on against a person's word. */
export const mutations: readonly Mutation[] = [
  { name: 'what was done first is undone first', file: 'rollback.ts', original: '[...nodes].reverse().flatMap', mutated: '[...nodes].flatMap' },
  {
    name: 'a decision for another question answers the one that is open',
    file: 'inbox.ts',
    original: 'openings.get(decision.question)',
    mutated: '(openings.get(decision.question) ?? [...openings.values()][0])',
  },
  {
    name: 'a question that is asked again keeps its id',
    file: 'context.ts',
    original: 'return opening === 1 ? question : `${question}.${opening}`',
    mutated: 'return question',
  },
  { name: 'a run goes on after a no-go', file: 'visit.ts', original: 'const goesOn = onward.includes(answer);', mutated: 'const goesOn = onward.length > 0;' },
  { name: 'a run goes on after a no-go while it waits', file: 'visit.ts', original: "if (decision.answer === 'no-go') throw", mutated: "if (decision.answer === 'never') throw" },
  { name: 'time answers go', file: 'inbox.ts', original: "answer: asked.until?.answer ?? ''", mutated: "answer: asked.choices[0] ?? ''" },
  { name: 'one of two people is enough', file: 'inbox.ts', original: '(opening.asked.people ?? 1)', mutated: '1' },
  { name: 'the same person agrees twice', file: 'inbox.ts', original: "return 'same person'", mutated: "return 'counted'" },
  { name: 'a choice that needs a reason counts without', file: 'inbox.ts', original: "return 'reason missing'", mutated: "return 'counted'" },
  {
    name: 'the way back does not look whether users may have written',
    file: 'rollback.ts',
    original: 'if (usersMayWriteSince === undefined) return',
    mutated: "if (usersMayWriteSince !== 'never') return",
  },
  {
    name: 'the way back does not save what users wrote',
    file: 'walk.ts',
    original: 'way.carriesOver ? await carryOver(context, runbook.undoes ?? runbook) : way.isCarriedOver',
    mutated: 'way.carriesOver',
  },
  {
    name: 'each undo is done twice',
    file: 'rollback.ts',
    original: 'const { attempted, title, note } = await undoStep(context, step, undo, isCarriedOver);',
    mutated: 'await undoStep(context, step, undo, isCarriedOver); const { attempted, title, note } = await undoStep(context, step, undo, isCarriedOver);',
  },
  { name: 'only what the journal tells is undone', file: 'rollback.ts', original: 'new Set([...journal, ...context.begun])', mutated: 'new Set(journal)' },
  { name: 'only what history tells is undone', file: 'rollback.ts', original: 'new Set([...journal, ...context.begun])', mutated: 'new Set(context.begun)' },
  { name: 'a resumed run does its last step again', file: 'takeUp.ts', original: 'return last + 1;', mutated: 'return Math.max(0, last);' },
  { name: 'a resumed run begins at its beginning', file: 'takeUp.ts', original: 'return last + 1;', mutated: 'return 0;' },
  { name: 'a resumed run leaves out the step that was cut off', file: 'takeUp.ts', original: 'return last + 1;', mutated: 'return last + 2;' },
  { name: 'a run that goes back from another undoes nothing', file: 'walk.ts', original: 'find(adopted?.nodes ?? []', mutated: 'find([]' },
  { name: 'a rollback ends an undo', file: 'walk.ts', original: 'if (!context.mayTurnBack) return;', mutated: '' },
  { name: 'a question among others ignores its condition', file: 'visit.ts', original: 'if (isLeftOut(context, part)) return;', mutated: '' },
  { name: 'a setting overrules a person who went on', file: 'attempt.ts', original: 'context.isFirstTrigger(node.id) && context.settings', mutated: 'context.settings' },
  { name: 'a setting is not looked at', file: 'attempt.ts', original: 'context.settings.automaticRollback === true', mutated: 'true' },
  { name: 'the other way of an undo is gone after writes were carried over', file: 'rollback.ts', original: 'if (isCarriedOver) return', mutated: 'if (isCarriedOver && otherwise === undefined) return' },
  { name: 'the other way of an undo is gone by itself', file: 'rollback.ts', original: 'const first = await go(undo,', mutated: 'const first = await go(otherwise,' },
  { name: 'a run turns back from what cannot be undone', file: 'walk.ts', original: 'if (node.id === runbook.noWayBackFrom?.id) context.mayTurnBack = false;', mutated: '' },
  {
    name: 'a run that goes on turns back from what cannot be undone',
    file: 'walk.ts',
    original: 'context.mayTurnBack = left === undefined && !isPast(runbook, context, reached);',
    mutated: '',
  },
  { name: 'a failed step is taken for done', file: 'attempt.ts', original: "if (decision.answer === 'skip') return", mutated: "if (decision.answer !== 'rollback') return" },
];
