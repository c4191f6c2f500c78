import { conditionsNodeOf, isConditionsNode } from '../../../../src/contract/names.js';
import type { RunResult } from '../../../../src/contract/status.js';
import { goBack, listOf, noWayBackStep, otherWay, questionsOf } from './description.js';
import type { Attempted, HostModel } from './hostModel.js';
import type { Scenario } from './scenario.js';

/** One thing that was sent to a run, each under a name of its own, so that what the run makes of it can be told apart. */
export interface Sent {
  readonly question: string;
  readonly answer: string;
  readonly by: string;
  /** The number of the run that it was sent to. */
  readonly run: number;
  /** It came too early, too late, for something else or without what it needs. */
  readonly mustNotCount: boolean;
  readonly onTheWayBack: boolean;
}

/** Holds what happens on a host against what is true of every run. */
export interface Rules {
  /** What was broken, in words. */
  readonly broken: readonly string[];
  /** To be called for each attempt, before it acts. */
  readonly before: (attempt: Attempted, host: HostModel) => void;
  /** To be called for each question as it opens. */
  readonly asked: (question: { readonly id: string; readonly choices: readonly string[] }, host: HostModel) => void;
  /** To be called where a run has ended, and where its server has lost it. @param open - The questions that it still asks. */
  readonly atEnd: (result: RunResult | undefined, host: HostModel, open: readonly string[]) => void;
}

/** @param sent - Everything that was sent until now, in order. */
export function createRules(scenario: Scenario, sent: readonly Sent[]): Rules {
  const list = listOf(scenario.runbook);
  const broken: string[] = [];
  const stepAt = (index: number) => {
    const node = list[index]?.node;
    return node?.kind === 'step' ? node : undefined;
  };
  const isUndoable = (index: number) => stepAt(index)?.undo === true;
  let run = 0;

  const saidEver = (answer: string, matches: (question: string) => boolean) => sent.filter((each) => !each.mustNotCount && each.answer === answer && matches(each.question));
  const said = (answer: string, matches: (question: string) => boolean) => saidEver(answer, matches).filter((each) => each.run === run);
  const undoSkipped = (id: string) => said('skip', (question) => question.startsWith(`${id}.failed.`)).some(({ onTheWayBack }) => onTheWayBack);
  /** What the setting decides, it decides for a node that, or whose conditions, gave the reason, and once. */
  const automatic = ({ run: { decisions } }: HostModel) => decisions.filter(({ by, outcome }) => by === 'lockstep.yaml' && outcome === 'counted');
  const hasTimeSaidNo = ({ run: { outcomes } }: HostModel) => outcomes.some(({ state, note }) => state === 'failed' && note?.startsWith('no-go, time') === true);
  const mayLoseWrites = () => said('discard-writes', () => true).length > 0;

  function went(id: string, answer: string, people: number): boolean {
    const agreed = groupBy(said(answer, (question) => isOpeningOf(question, id)), ({ question }) => question);
    return [...agreed.values()].some((each) => new Set(each.map(({ by }) => by)).size >= people);
  }

  function assertQuestionsAnswered(id: string, index: number, { run: { goesOnFrom, outcomes } }: HostModel): void {
    for (const earlier of list.slice(goesOnFrom, index)) {
      for (const { id: question, question: { kind, people, needed } } of questionsOf(earlier)) {
        const last = outcomes.findLast((outcome) => outcome.id === question)?.state;
        if (needed && !went(question, kind === 'gate' ? 'go' : 'acknowledged', people)) broken.push(`${id} was done, and nobody had said yes to ${question}`);
        if (last !== (needed ? 'done' : 'not needed')) broken.push(`${id} was done, and ${question} was ${last}`);
      }
    }
  }

  function beforeStep(attempt: Attempted, index: number, host: HostModel): void {
    const { node: id } = attempt;
    if (host.run.kind === 'back') broken.push(`${id} was done by a run that goes back`);
    if (host.attempts.some(({ phase }) => phase === 'undo')) broken.push(`${id} was done although the undoing had begun`);
    if (host.attempts.some((earlier) => earlier.what === id && earlier.fault === undefined)) broken.push(`${id} was done again although it had been done`);
    const { decisions } = host.run;
    const turn = decisions.findLastIndex(({ outcome, answer }) => outcome === 'counted' && (answer === 'no-go' || answer === 'rollback'));
    const goOn = decisions.findLastIndex(({ outcome, answer, question }) => outcome === 'counted' && answer === 'continue' && question.startsWith('past-'));
    if (turn > goOn) broken.push(`${id} was done after ${decisions[turn]?.answer} to ${decisions[turn]?.question}`);
    for (const earlier of list.slice(0, index)) {
      if (earlier.node.kind === 'step' && earlier.node.needed && !host.attempts.some(({ what }) => what === earlier.id)) broken.push(`${id} was done before ${earlier.id}`);
    }
    if (stepAt(index)?.needed === false) broken.push(`${id} was done, and its when does not hold`);
    assertQuestionsAnswered(id, index, host);
    if (id === 'start-new' && host.oldWritable) broken.push('the new database starts while the old one is writable');
  }

  function beforeUndo({ node: id, isOtherWay }: Attempted, index: number, host: HostModel): void {
    if (!isUndoable(index)) broken.push(`${id} was undone and has no undo`);
    if (host.attempts.some(({ what, fault }) => what === `undo ${id}` && fault === undefined)) broken.push(`${id} was undone again although it had been undone`);
    if (!host.journal.some((entry) => entry.kind === 'began' && entry.node === id) && !host.attempts.some(({ what }) => what === id)) {
      broken.push(`${id} was undone and had never begun`);
    }
    const standing = list.filter((each, at) => at > index && isUndoable(at) && host.applied.has(each.id) && !undoSkipped(each.id));
    if (standing.length > 0) broken.push(`${id} was undone before ${standing.map((each) => each.id).join(', ')}`);
    const wasAsked = host.run.kind === 'back' ? went(goBack, 'go', 1) : said('no-go', () => true).length + said('rollback', () => true).length + automatic(host).length > 0;
    if (!wasAsked && !hasTimeSaidNo(host)) broken.push(`${id} was undone, and nobody had asked for it`);
    if (isOtherWay && said(otherWay, (question) => question.startsWith(`${id}.failed.`)).length === 0) broken.push(`${id} was undone by its other way, and nobody had chosen that`);
    if (isOtherWay && host.carriedOver && !mayLoseWrites()) broken.push(`${id} was undone by its other way, which lacks what was carried over`);
    if (id !== 'stop-old') return;
    if (host.newWritable && !undoSkipped('start-new')) broken.push('the old database starts while the new one is writable');
    const mark = host.journal.some(({ kind }) => kind === 'mark');
    if (mark && !host.carriedOver && !mayLoseWrites()) broken.push('the old database starts without what users wrote on the new one');
  }

  /** The engine starts a node anew for an answer, or because the run went on where it stood. */
  function beforeOpening({ what, node: actsUnder, opening }: Attempted, host: HostModel): void {
    // What asks for conditions is the node that waits for them.
    const node = isConditionsNode(actsUnder) ? actsUnder.slice(0, -conditionsNodeOf('').length) : actsUnder;
    if (opening === 1 || node === 'begin-way-back') return;
    const reasons =
      said('retry', (question) => question.startsWith(`${node}.failed.`)).length +
      said(otherWay, (question) => question.startsWith(`${node}.failed.`)).length +
      said('first-way', (question) => question.startsWith(`${node}.failed.`)).length +
      said('provided', (question) => question.startsWith(`${node}.secret.`)).length +
      said('continue', (question) => question.startsWith('past-')).length +
      said('choose-again', () => true).length +
      // The way back is chosen anew where what was carried over lacks something.
      host.attempts.filter((attempt) => attempt.run === run && attempt.node === actsUnder && attempt.fault === 'void').length +
      (list.some(({ id }) => id === node) || what === 'ensureConditions' ? 1 + scenario.interruptions.length : 0);
    if (reasons < opening - 1) broken.push(`${what} was started ${opening} times for ${reasons} answers`);
  }

  function checkDecisions(host: HostModel): void {
    const counted = host.run.decisions.filter(({ outcome }) => outcome === 'counted');
    checkAutomatic(host);
    for (const { question, answer, by } of counted) {
      if (by === 'lockstep.yaml') continue;
      const origin = sent.find((each) => each.run === run && each.by === by && each.question === question && each.answer === answer);
      if (origin === undefined) broken.push(`${answer} to ${question} by ${by} counted, and nobody had sent it`);
      else if (origin.mustNotCount) broken.push(`${answer} to ${question} by ${by} counted, and must not`);
    }
    for (const [question, answers] of groupBy(counted, (decision) => decision.question)) {
      const people = list.flatMap(questionsOf).find(({ id }) => isOpeningOf(question, id))?.question.people ?? 1;
      if (question !== 'rollback' && answers.length > people) broken.push(`${question} was answered ${answers.length} times`);
      if (new Set(answers.map(({ by, answer }) => `${by} ${answer}`)).size < answers.length) broken.push(`${question} was answered twice by the same person`);
    }
  }

  function checkAutomatic(host: HostModel): void {
    for (const [index, { question, answer }] of automatic(host).entries()) {
      const node = list.find(({ id }) => question.startsWith(`${id}.failed.`))?.id;
      const gaveReason = host.attempts.some((attempt) => attempt.run === run && node !== undefined && [node, conditionsNodeOf(node)].includes(attempt.node) && attempt.phase === 'do' && attempt.fault === 'trigger');
      if (!scenario.automaticRollback) broken.push(`${question} was answered by a setting that is not set`);
      if (answer !== 'rollback' || !gaveReason) broken.push(`the setting answered ${answer} to ${question}`);
      if (automatic(host).slice(0, index).some((earlier) => earlier.question.startsWith(`${node}.failed.`))) broken.push(`the setting overruled a person at ${question}`);
    }
  }

  function checkHost({ state, outcome }: RunResult, host: HostModel): void {
    const undone = host.attempts.filter((attempt) => attempt.phase === 'undo' && attempt.run === run);
    for (const [what, attempts] of groupBy(undone, (attempt) => attempt.what)) {
      if (attempts.filter(({ effective }) => effective).length > 1) broken.push(`${what} took effect more than once`);
    }
    for (const { what, fault } of undone) if (fault?.startsWith('cut off') === true) broken.push(`${what} was ended in the middle`);
    if (host.attempts.at(-1)?.what !== 'closeRun') broken.push(`the last act was ${host.attempts.at(-1)?.what}`);
    if (state !== 'rolled back' && undone.length > 0) broken.push(`the run ended as ${state}, with undos`);
    for (const [index, { id, node }] of list.entries()) {
      if (node.kind !== 'step') continue;
      if (state === 'rolled back' && isUndoable(index) && host.applied.has(id)) {
        if (!undoSkipped(id)) broken.push(`${id} still stands after the way back`);
        else if (!outcome.includes('NOT undone')) broken.push(`the outcome does not name ${id}, which still stands`);
      }
      const skipped = saidEver('skip', (question) => question.startsWith(`${id}.failed.`)).length > 0;
      if (state === 'succeeded' && node.needed && !host.applied.has(id) && !skipped) broken.push(`the run succeeded without ${id}`);
    }
    const last = noWayBackStep(scenario.runbook);
    if (last !== undefined && state !== 'succeeded' && host.attempts.some(({ what }) => what === last)) broken.push(`the run ended as ${state} past ${last}, from which there is no way back`);
    const mayLeave = host.run.kind === 'back' || last !== undefined ? ['stop', 'no-go', 'rollback'] : ['stop'];
    const wasLeft = mayLeave.some((answer) => said(answer, () => true).length > 0) || (last !== undefined && (hasTimeSaidNo(host) || automatic(host).length > 0));
    if (state === 'stopped' && !wasLeft) broken.push('the run stopped, and nobody had asked for it');
    if (state === 'rolled back' && !host.oldWritable && !undoSkipped('stop-old')) broken.push('no database serves after the way back');
  }

  return {
    broken,
    asked({ id, choices }, host) {
      run = host.runNumber;
      if (choices.includes(otherWay) && host.carriedOver && !mayLoseWrites()) broken.push(`${id} offers a way that lacks what was carried over`);
    },
    before(attempt, host) {
      const index = list.findIndex(({ id }) => id === attempt.node);
      run = attempt.run;
      beforeOpening(attempt, host);
      if (attempt.what === `undo ${attempt.node}`) beforeUndo(attempt, index, host);
      else if (attempt.what === attempt.node && index >= 0) beforeStep(attempt, index, host);
    },
    atEnd(result, host, open) {
      run = host.runNumber;
      checkDecisions(host);
      if (result === undefined) return;
      if (open.length > 0) broken.push(`the run ended and still asks ${open.join(', ')}`);
      checkHost(result, host);
    },
  };
}

/** `n1`, then `n1.2`, `n1.3` …; not `n1.failed.1`. */
export function isOpeningOf(question: string, id: string): boolean {
  return question === id || (question.startsWith(`${id}.`) && /^\d+$/.test(question.slice(id.length + 1)));
}

function groupBy<T>(all: readonly T[], keyOf: (each: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const each of all) groups.set(keyOf(each), [...(groups.get(keyOf(each)) ?? []), each]);
  return groups;
}
