import type { Activities } from '../../src/activities/activities.js';
import { parseConfig } from '../../src/config/parse.js';
import { toRunSettings } from '../../src/config/settings.js';
import { hostConfig } from '../../src/rehearsal/hostConfig.js';
import { placedNodes } from '../../src/workflows/engine/progress.js';
import { partsOf, type Node, type Unless } from '../../src/workflows/engine/nodes.js';
import { stringify } from 'yaml';
import { nameOf, type Place } from './cells.js';
import type { Course, CourseRun } from './courses/course.js';

/** What a node's `when` looks at. */
type Told = Parameters<Unless['holds']>[0];

/** Every place of a course, each once, in the order in which its runs come to them: made from the lists themselves. */
export function allPlaces(course: Course): readonly Place[] {
  const text = stringify({ ...hostConfig({ firstHourSeconds: 1, daySeconds: 1 }), ...course.config() });
  const settings = toRunSettings(parseConfig(text, 'lockstep.yaml'));
  const places = course.runs.flatMap((run) => placesOf(run, { settings, input: { host: 'rehearsal', takeOver: false, resume: false, startedBy: 'e2e', ...run.input } }));
  return [...new Map(places.map((place) => [`${place.kind} ${nameOf(place)}`, place])).values()];
}

function placesOf(run: CourseRun, told: Told): readonly Place[] {
  const { runbook, noGoAt } = run;
  const act = ({ id }: { readonly id: string }): Place => ({ runbook: runbook.name, node: id, kind: 'do' });
  const nodes = placedNodes(runbook).map(({ node }) => node);
  const { undoes } = runbook;
  const begun = undoes === undefined ? nodes.slice(0, nodes.findIndex(({ id }) => id === noGoAt)) : placedNodes(undoes).map(({ node }) => node);
  return [
    act({ id: 'open-run' }),
    ...nodes.filter(isWanted(told)).flatMap((node) => partsOf(node).filter(isWanted(told)).map(({ id, kind }): Place => ({ runbook: runbook.name, node: id, kind: kind === 'step' ? 'do' : 'question' }))),
    ...(undoes === undefined && noGoAt === undefined ? [] : [act({ id: 'begin-way-back' })]),
    ...(undoes?.carryOver === undefined ? [] : [{ runbook: runbook.name, node: 'past-the-point-of-no-return', kind: 'question' } as const, ...undoes.carryOver.map(act)]),
    ...(undoes === undefined && noGoAt === undefined ? [] : [...undosOf(runbook.name, begun.filter(isWanted(told))), ...runbook.afterRollback.map(act)]),
    act({ id: 'close-run' }),
  ];
}

/** What the settings and the input leave out is no place. */
function isWanted(told: Told): (node: { readonly when?: Unless }) => boolean {
  return ({ when }) => when?.holds(told) !== false;
}

function undosOf(runbook: string, begun: readonly Node<Activities>[]): readonly Place[] {
  return begun.flatMap((node): readonly Place[] => (node.kind === 'step' && node.undo !== undefined ? [{ runbook, node: node.id, kind: 'undo' }] : [])).reverse();
}
