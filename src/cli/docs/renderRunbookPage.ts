import { extraWords, failedUndoWords, nothingToGoBackFrom, offlineWords, peopleWords, sizeWords, type NodeDescription, type RunbookDescription } from '../../workflows/describe.js';

/**
 * A runbook's page in Markdown, made from the list that the engine walks, so that the page cannot say
 * anything else than what is done. Pure.
 *
 * @param runbook - As `describeRunbook` gives it without settings: the page speaks for every host.
 */
export function renderRunbookPage(runbook: RunbookDescription): string {
  const nodes = runbook.sections.flatMap((section) => section.nodes);
  return [
    `# ${runbook.name}: ${runbook.title}`,
    '',
    `Made by \`npm run docs\` from the runbook's own list in \`src/workflows/${runbook.name}.ts\`. The section numbers are the plan's.`,
    '',
    '```sh',
    `lockstep plan ${runbook.name}             # the same list, with what this host's settings leave out: --config FILE`,
    `lockstep start ${runbook.name} --watch    # begin, look on, answer`,
    '```',
    '',
    `${sizeWords(runbook)}. ${runbook.undoes === undefined ? offlineWords(nodes) : `Users are offline while the last \`${runbook.undoes}\` on the host is undone`}.`,
    ...runbook.sections.flatMap(({ title, plan, nodes: own }, index) => ['', `## ${index + 1}. ${title} (plan ${plan})`, '', ...renderTable(own)]),
    '',
    '## The way back',
    '',
    ...renderWayBack(runbook),
    '',
  ].join('\n');
}

const signs = { step: '•', gate: '?', acknowledgement: '?', wait: '◷', child: '▷' } as const;

const kinds = {
  step: '',
  gate: 'go or no-go',
  acknowledgement: 'acknowledged or no-go',
  wait: 'waits; now or no-go before that',
  child: 'a run of its own',
} as const;

function renderTable(nodes: readonly NodeDescription[]): string[] {
  return [
    '| | Node | Id | Plan | |',
    '|---|---|---|---|---|',
    ...nodes.map((node) => {
      const sign = `${node.usersOffline ? '▌' : ''}${signs[node.kind]}`;
      return row([sign, node.title, `\`${node.id}\``, node.plan, notesOf(node).join('; ')]);
    }),
  ];
}

function notesOf(node: NodeDescription): string[] {
  return [
    ...(kinds[node.kind] === '' ? [] : [node.choices === undefined ? kinds[node.kind] : node.choices.join(' or ')]),
    ...(node.together === undefined ? [] : [`asked together: ${node.together}`]),
    ...(node.unless === undefined ? [] : [`left out where ${node.unless}`]),
    ...extraWords(node),
    ...peopleWords(node.people),
    ...(node.notTheStarter === true ? ['not by the one who started the run'] : []),
    ...(node.requires.length === 0 ? [] : [`requires ${node.requires.join(', ')}`]),
    ...(node.undo === undefined ? [] : [`undo: ${node.undo}`]),
    ...(node.skippable ? ['may be skipped with a reason when it fails'] : []),
  ];
}

function renderWayBack({ holdsHost, undoes, undone, carryOver, afterRollback, noWayBackFrom, undoesNothing }: RunbookDescription): string[] {
  if (holdsHost === false) return [nothingToGoBackFrom.replace('"lockstep rollback"', '`lockstep rollback`')];
  if (undoesNothing === true) return ['There is none, and nothing to go back from. `lockstep rollback`, or "rollback" where a step has failed, ends the run and leaves the host as it is.'];
  if (noWayBackFrom !== undefined && undone.length === 0) return [`There is none. A no-go, \`lockstep rollback\`, or "rollback" where a step has failed leaves the host as it is, until "${noWayBackFrom}" begins. From then on the run goes to its end.`];
  const undos = undone.filter(({ undo }) => undo !== undefined).reverse();
  return [
    undoes === undefined
      ? `${noWayBackFrom === undefined ? '' : `Until "${noWayBackFrom}" begins; from then on the run goes to its end. `}A no-go, \`lockstep rollback\`, or "rollback" where a step has failed: what was begun is undone, in this order.`
      : `After its own list, whatever the last \`${undoes}\` on this host began is undone, in this order. A no-go before that changes nothing.`,
    '',
    '| Undo | Of |',
    '|---|---|',
    ...undos.map((node) => row([node.undo ?? '', `\`${node.id}\``])),
    ...afterRollback.map((node) => row([node.title, 'at the end'])),
    '',
    failedUndoWords,
    '',
    ...undos.flatMap(({ id, undo, otherwise }) =>
      otherwise === undefined
        ? []
        : [
            `Where "${undo ?? ''}" (\`${id}\`) fails, the run parks and offers \`${otherwise.answer}\` besides, with a reason: ${otherwise.title}. \`first-way\` leaves that again where it fails in its turn. After \`carry-over\` it is not offered: it would lack what users wrote.`,
            '',
          ],
    ),
    ...renderPastNoReturn(undoes, carryOver),
  ];
}

/** Of a runbook that may have let users write on the new volume. */
function renderPastNoReturn(undoes: string | undefined, carryOver: readonly NodeDescription[]): string[] {
  if (carryOver.length === 0) return [];
  return [
    'That alone is the way back until users may have written on the new volume, which the journal on the host says. From then on the run asks first:',
    '',
    '- `carry-over`: go back with what they wrote. These steps come before the undos; the old data directory is kept, beside the new one that takes its place:',
    ...carryOver.map(({ title, id, usersOffline }) => `  1. ${usersOffline ? '▌' : ''}${title} (\`${id}\`)`),
    '\n  Where one of them fails, `choose-again` leaves them, with a reason: the run asks this anew. It does so by itself where the database was started on the volume since it was copied.',
    '- `discard-writes`: go back without it. It needs a reason, and is the only way in which anything that users wrote is ever left behind; it stays on the closed volume.',
    ...(undoes === undefined ? ['- `continue`: go on where the run stands; not once anything was undone.'] : []),
    '- `stop`: end the run, with the service on the new volume. Not once anything was undone.',
  ];
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', String.raw`\|`)).join(' | ')} |`;
}
