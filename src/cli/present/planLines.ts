import { estimateOfflineSeconds, estimateOfPlanSeconds } from '../../contract/estimate.js';
import { formatBytes, formatSeconds } from '../../contract/facts.js';
import { extraWords, failedUndoWords, nothingToGoBackFrom, offlineWords, peopleWords, sizeWords, type NodeDescription, type RunbookDescription } from '../../workflows/describe.js';
import { spread, wrapHanging } from './text.js';
import type { Theme } from './theme.js';

const signs = { step: '•', gate: '?', acknowledgement: '?', wait: '◷', child: '▷' } as const;
const kinds = { step: '', gate: 'go or no-go', acknowledgement: 'acknowledgement', wait: 'wait', child: 'a run of its own' } as const;

/** How a plan is shown. */
export interface PlanView {
  readonly width: number;
  readonly theme: Theme;
  /** Of the database, for the estimates. */
  readonly sizeBytes?: number;
}

/** What disks write in sequence: a slow virtual one, and a good local one. */
const ratesToShow = [100, 500] as const;
const mebibyte = 1024 * 1024;

function estimateWords(sizeBytes: number | undefined): string {
  if (sizeBytes === undefined) return 'How long: 1.5 minutes for each GB by the plan; --size 50G estimates for a size, and the first steps of a run measure this host';
  const measured = ratesToShow.map((rate) => `${formatSeconds(estimateOfflineSeconds({ sizeBytes, bytesPerSecond: rate * mebibyte }))} where the disk writes ${rate} MiB/s`);
  return `How long, with ${formatBytes(sizeBytes)}: ${formatSeconds(estimateOfPlanSeconds(sizeBytes))} by the plan, about ${measured.join(' or ')}; the first steps of a run measure this host`;
}

/** A runbook as it would be walked: its sections and nodes, who is offline when, and how each step is undone. */
export function renderPlan(runbook: RunbookDescription, { width, theme, sizeBytes }: PlanView): string[] {
  const nodes = runbook.sections.flatMap((section) => section.nodes);
  // What the estimate is of: a copy.
  const copies = runbook.carryOver.length > 0 && nodes.some((node) => node.usersOffline && node.runs !== false);
  return [
    theme.bold(`${runbook.name}: ${runbook.title}`),
    sizeWords(runbook),
    ...wrapHanging('', runbook.undoes === undefined ? offlineWords(nodes) : `Users are offline while the last ${runbook.undoes} on the host is undone`, width),
    ...(copies ? wrapHanging('', estimateWords(sizeBytes), width) : []),
    ...(!copies && sizeBytes !== undefined ? wrapHanging('', `No estimate: the one that --size makes is for a migration, and says nothing of ${runbook.name}`, width) : []),
    ...runbook.sections.flatMap((section, index) => [
      '',
      ...spread(`${theme.bold(`${index + 1}.`)} `, theme.bold(section.title), theme.dim(`plan ${section.plan}`), width),
      ...section.nodes.flatMap((node, at) => [
        ...renderGroup(node, section.nodes[at - 1], width, theme),
        ...renderNode(node, width, theme),
      ]),
    ]),
    '',
    ...renderWayBack(runbook, width, theme),
  ];
}

function renderWayBack(runbook: RunbookDescription, width: number, theme: Theme): string[] {
  if (runbook.undoesNothing === true) return wrapHanging('', 'Nothing of it is undone: "lockstep rollback" ends the run and leaves the host as it is.', width);
  if (runbook.noWayBackFrom === undefined) return renderRollback(runbook, width, theme);
  if (runbook.undone.length > 0) return [...wrapHanging('', theme.warning(`No way back once "${runbook.noWayBackFrom}" begins: from then on the run goes to its end.`), width), '', ...renderRollback(runbook, width, theme)];
  return wrapHanging('', theme.warning(`No way back: a no-go leaves the host as it is, until "${runbook.noWayBackFrom}" begins; from then on the run goes to its end.`), width);
}

function renderRollback(runbook: RunbookDescription, width: number, theme: Theme): string[] {
  if (runbook.holdsHost === false) return wrapHanging('', nothingToGoBackFrom, width);
  return [
    theme.bold(runbook.undoes === undefined ? 'Rollback' : `Then the last ${runbook.undoes} on the host is undone`),
    ...renderUndos(runbook, width),
    ...runbook.afterRollback.flatMap((node) => renderNode(node, width, theme)),
    '',
    ...wrapHanging('', theme.dim(failedUndoWords), width),
    ...renderCarryOver(runbook, width, theme),
  ];
}

/** Those of its own nodes stand beside them; those of another runbook are named here. */
function renderUndos({ undoes, undone }: RunbookDescription, width: number): string[] {
  if (undoes === undefined) return wrapHanging('   ', 'The undos of what was begun, in reverse order; then:', width);
  return [
    ...wrapHanging('   ', 'The undos of what was begun, in reverse order:', width),
    ...undone.toReversed().flatMap(({ undo }) => (undo === undefined ? [] : wrapHanging('   • ', undo, width))),
    ...wrapHanging('   ', 'Then:', width),
  ];
}

function renderCarryOver({ carryOver }: RunbookDescription, width: number, theme: Theme): string[] {
  if (carryOver.length === 0) return [];
  return [
    ...wrapHanging('', theme.dim('Until users may have written on the new volume, rollback is a switch back to the untouched source.'), width),
    '',
    ...wrapHanging('   ', 'From then on what they wrote is carried over before the undos, or given up by a decision that says so:', width),
    ...carryOver.flatMap((node) => renderNode(node, width, theme)),
  ];
}

/** Questions that are open at the same time stand under one heading. */
function renderGroup(node: NodeDescription, before: NodeDescription | undefined, width: number, theme: Theme): string[] {
  if (node.together === undefined || node.together === before?.together) return [];
  return wrapHanging('   ', theme.dim(`${node.together}, asked together:`), width);
}

function renderNode(node: NodeDescription, width: number, theme: Theme): string[] {
  const left = node.runs === false;
  const mark = node.usersOffline ? theme.warning('▌') : ' ';
  const sign = left ? '–' : signs[node.kind];
  const kind = node.choices?.join(' or ') ?? kinds[node.kind];
  const title = kind === '' ? node.title : `${node.title} (${kind})`;
  const notes = notesOf(node).flatMap((note) => wrapHanging('       ', theme.dim(note), width));
  return [...spread(` ${mark} ${sign} `, left ? theme.dim(title) : title, theme.dim(node.plan), width), ...notes];
}

function notesOf(node: NodeDescription): string[] {
  return [
    ...(node.unless === undefined ? [] : [conditionOf(node.runs, node.unless)]),
    ...extraWords(node),
    ...peopleWords(node.people),
    ...(node.notTheStarter === true ? ['not by the one who started the run'] : []),
    ...(node.undo === undefined ? [] : [`undo: ${node.undo}`]),
    ...(node.requires.length === 0 ? [] : [`requires: ${node.requires.join(', ')}`]),
    ...(node.skippable ? ['may be skipped with a reason when it fails'] : []),
  ];
}

function conditionOf(runs: boolean | undefined, unless: string): string {
  if (runs === undefined) return `left out where ${unless}`;
  return runs ? `runs here; left out where ${unless}` : `left out here: ${unless}`;
}
