import type { Condition } from '../contract/calls.js';
import { formatCountOf, formatSeconds } from '../contract/facts.js';
import type { RunInput } from '../contract/inputs.js';
import type { RunSettings } from '../contract/settings.js';
import { type Due, type Node, type Parallel, partsOf, type Question, type Runbook, secondsOf, type Unless } from './engine/nodes.js';

/** A runbook without its code: what `lockstep plan` prints and the documentation is made from. */
export interface RunbookDescription {
  readonly name: string;
  readonly title: string;
  readonly sections: readonly { readonly title: string; readonly plan: string; readonly nodes: readonly NodeDescription[] }[];
  /** It runs beside the run that holds the host, and has nothing to go back from. */
  readonly holdsHost?: false;
  /** The runbook whose last run is undone after its own list. */
  readonly undoes?: string;
  /** The title of the step from which on the run does not turn back, where there is one. */
  readonly noWayBackFrom?: string;
  /** Nothing of it is ever undone: leaving it leaves the host as it is. */
  readonly undoesNothing?: true;
  /** The nodes whose undos are the way back: its own, or those of the runbook that it undoes. */
  readonly undone: readonly NodeDescription[];
  /** What saves that which users wrote past the point of no return, before the undos. */
  readonly carryOver: readonly NodeDescription[];
  /** What proves and tells the way back, after all undos. */
  readonly afterRollback: readonly NodeDescription[];
}

/** A node in words. */
export interface NodeDescription {
  readonly id: string;
  readonly title: string;
  readonly plan: string;
  readonly kind: 'step' | 'gate' | 'acknowledgement' | 'wait' | 'child';
  readonly usersOffline: boolean;
  /** How it is undone. */
  readonly undo?: string;
  /** Another way of undoing it, which a person may choose by this answer where the first has failed. */
  readonly otherwise?: { readonly answer: string; readonly title: string };
  readonly requires: readonly Condition[];
  /** A person may leave it out when it fails. */
  readonly skippable: boolean;
  /** Why it is left out where one of its conditions does not hold; with settings that leave it out, those that do. */
  readonly unless?: string;
  /** Whether it runs with the given settings; absent where none were given. */
  readonly runs?: boolean;
  /** How many different people must agree; `configured` where that is the settings' matter and none were given. */
  readonly people?: number | 'configured';
  readonly notTheStarter?: boolean;
  /** How long there is from the start of the run; without settings the default. */
  readonly dueSeconds?: number;
  /** What can be answered, where that is not the usual. */
  readonly choices?: readonly string[];
  /** The runbook that it begins a run of. */
  readonly runbook?: string;
  /** Open at the same time as the other questions of the same group. */
  readonly together?: string;
}

/**
 * Describes a runbook. Pure: it runs nothing and reads nothing.
 *
 * @param view - Settings and input of a run to come; with them it tells which nodes would be left out.
 */
export function describeRunbook<Acts>(
  runbook: Runbook<Acts>,
  view?: { readonly settings: RunSettings; readonly input: RunInput },
): RunbookDescription {
  const describe = (node: Node<Acts>): readonly NodeDescription[] => {
    // Both have to hold: the group's, and the part's own.
    const group = node.kind === 'parallel' ? [node] : [];
    return partsOf(node).map((part) => ({ ...describeNode(part, view?.settings), ...describeConditions([...group, part], view), ...(group.length === 0 ? {} : { together: node.title }) }));
  };
  return {
    name: runbook.name,
    title: runbook.title,
    sections: runbook.sections.map(({ title, plan, nodes }) => ({ title, plan, nodes: nodes.flatMap(describe) })),
    ...(runbook.holdsHost === false ? { holdsHost: false } : {}),
    ...(runbook.undoes === undefined ? {} : { undoes: runbook.undoes.name }),
    ...describeNoWayBack(runbook),
    ...(runbook.undoesNothing === true ? { undoesNothing: true } : {}),
    undone: (runbook.undoes ?? runbook).sections.flatMap(({ nodes }) => nodes.flatMap(describe)),
    carryOver: ((runbook.undoes ?? runbook).carryOver ?? []).flatMap(describe),
    afterRollback: runbook.afterRollback.flatMap(describe),
  };
}

/** @param nodes - A node, and the group that it stands in. */
function describeConditions<Acts>(nodes: readonly Node<Acts>[], view: Parameters<Unless['holds']>[0] | undefined): Pick<NodeDescription, 'unless' | 'runs'> {
  const conditions = nodes.flatMap(({ when }) => (when === undefined ? [] : [when]));
  // Nobody can say before what a run will find.
  const unknown = nodes.flatMap(({ onlyIf }) => (onlyIf === undefined ? [] : [onlyIf]));
  if (conditions.length + unknown.length === 0) return {};
  const failing = view === undefined ? [] : conditions.filter(({ holds }) => !holds(view));
  const words = (those: readonly Pick<Unless, 'otherwise'>[], between: string) => [...new Set(those.map(({ otherwise }) => otherwise))].join(between);
  if (failing.length > 0) return { unless: words(failing, '; '), runs: false };
  return { unless: words([...conditions, ...unknown], ', or where '), ...(view === undefined || unknown.length > 0 ? {} : { runs: true }) };
}

function describeNoWayBack<Acts>({ sections, noWayBackFrom }: Runbook<Acts>): Pick<RunbookDescription, 'noWayBackFrom'> {
  const found = sections.flatMap(({ nodes }) => nodes).find(({ id }) => id === noWayBackFrom?.id);
  return found === undefined ? {} : { noWayBackFrom: found.title };
}

/** How many nodes there are, and how many of them wait for people, in words without an end. */
export function sizeWords({ sections }: Pick<RunbookDescription, 'sections'>): string {
  const nodes = sections.flatMap((section) => section.nodes);
  const waiting = nodes.filter(({ kind }) => kind === 'gate' || kind === 'acknowledgement').length;
  if (nodes.length === 1) return `1 node, which ${waiting === 1 ? 'waits' : 'does not wait'} for people`;
  return `${formatCountOf(nodes.length, 'node')}, ${waiting === 0 ? 'none' : waiting} of which ${waiting > 1 ? 'wait' : 'waits'} for people`;
}

/** From where to where users are offline, in words without an end, and how a list marks that. */
export function offlineWords(nodes: readonly NodeDescription[]): string {
  const offline = nodes.filter(({ usersOffline, runs }) => usersOffline && runs !== false);
  const first = offline[0];
  const last = offline.at(-1);
  if (first === undefined || last === undefined) return 'Users stay online throughout';
  const during = first === last ? `during "${first.title}"` : `from "${first.title}" to the end of "${last.title}"`;
  return `Users are offline ${during}: ${formatCountOf(offline.length, 'node')}, marked with ▌`;
}

/** What becomes of an undo that fails: the engine offers that for each (`engine/rollback.ts`). */
export const failedUndoWords = 'An undo that fails is tried again, or skipped by a person with a reason; the outcome of the run then says that it was NOT undone.';

/** Of a runbook that holds no host. */
export const nothingToGoBackFrom = 'It changes nothing of the service, and runs beside whatever run holds the host. "lockstep rollback" leaves it: it then ends as stopped, and names what was not done.';

/** How many people must agree, in words; nothing where one does. */
export function peopleWords(people: NodeDescription['people']): readonly string[] {
  if (people === undefined) return [];
  return [people === 'configured' ? 'as many different people must agree as lockstep.yaml says' : `${people} different people must agree`];
}

/** The deadline, and the run that is begun, in words; nothing where there is none. */
export function extraWords({ dueSeconds, runbook }: NodeDescription): readonly string[] {
  return [
    ...(dueSeconds === undefined ? [] : [`due within ${formatSeconds(dueSeconds)} of the start`]),
    ...(runbook === undefined ? [] : [`begins a run of ${runbook}, which goes on whatever becomes of this one`]),
  ];
}

function describePeople(people: Question['people'], settings: RunSettings | undefined): Pick<NodeDescription, 'people'> {
  const needed = typeof people !== 'function' ? people : settings === undefined ? 'configured' : people(settings);
  return needed === undefined ? {} : { people: needed };
}

/** What counts where no lockstep.yaml is at hand: every deadline has its default. */
const defaultSettings: RunSettings = { filesystemCopy: false, testAccount: false, firstHourSeconds: 0, daySeconds: 0 };

function describeDue(due: Due | undefined, settings = defaultSettings): Pick<NodeDescription, 'dueSeconds'> {
  return due === undefined ? {} : { dueSeconds: secondsOf(due, settings) };
}

function describeNode<Acts>(node: Exclude<Node<Acts>, Parallel>, settings: RunSettings | undefined): NodeDescription {
  const { id, title, plan } = node;
  const common = { id, title, plan, usersOffline: false, requires: [], skippable: false };
  switch (node.kind) {
    case 'step':
      return {
        ...common,
        kind: 'step',
        usersOffline: node.usersOffline ?? false,
        requires: node.requires ?? [],
        skippable: node.skippable ?? false,
        ...(node.undo === undefined ? {} : { undo: node.undo.title }),
        ...(node.undo?.otherwise === undefined ? {} : { otherwise: { answer: node.undo.otherwise.answer, title: node.undo.otherwise.title } }),
      };
    case 'question':
      return {
        ...common,
        kind: node.asks,
        usersOffline: node.usersOffline ?? false,
        requires: node.requires ?? [],
        ...describePeople(node.people, settings),
        ...(node.notTheStarter === undefined ? {} : { notTheStarter: node.notTheStarter }),
        ...(node.choices === undefined ? {} : { choices: node.choices }),
        ...describeDue(node.due, settings),
      };
    case 'child':
      return { ...common, kind: 'child', runbook: node.runbook, ...describeDue(node.due, settings) };
    case 'wait':
      return { ...common, kind: 'wait' };
  }
}
