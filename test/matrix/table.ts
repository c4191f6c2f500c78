import { faults, nameOf, type Place } from './cells.js';
import { passes, type Column } from './column.js';
import { formatShare } from './judge.js';

/** The matrix as a page of docs/, each column with the day on which it was measured. */
export function renderPage(places: readonly Place[], columns: readonly Column[]): string {
  const cells = columns.reduce((sum, column) => sum + column.cells.length, 0);
  return [
    '# The crash matrix',
    '',
    `Made by \`npm run matrix -- --write docs/crash-matrix.md\`, last on ${columns.map(({ on }) => on).toSorted().at(-1) ?? 'no day'}; not to be edited by hand.`,
    '',
    'Every place of a migration, of the rollback that carries over what users wrote, and of the way back of a migration that is left before its switch, times what can break there: ' +
      'in each column these three run to their ends on a disposable host, and the fault strikes at every place once, while a client keeps sending. ' +
      '`ok`: the fault struck, the run went on, and in the end everything was as an undisturbed run leaves it: ' +
      'the states of all nodes, the key slots, what Compose has selected, the digests of every row that the client had not sent, each audit event once, no acknowledged operation lost, nothing left behind. ' +
      '"During" is the middle of the time that a step takes undisturbed.',
    '',
    `${cells} of ${places.length * faults.length} cells struck (${places.length} places, ${faults.length} faults); ${columns.filter(passes).length} of ${faults.length} columns end as an undisturbed run.`,
    '',
    renderMatrix(places, columns),
    'Goes on after: from the start of the worker that came after to its next action; of a frozen worker, from its thaw to its step going on. ' +
      'Measured on a host with one processor and without a time limit to pass.',
    '',
  ].join('\n');
}

/** The matrix as a table in Markdown. */
export function renderMatrix(places: readonly Place[], columns: readonly Column[]): string {
  const head = ['place', ...columns.map(({ fault }) => fault)];
  const rows = places.map((place) => [`\`${nameOf(place)}\``, ...columns.map((column) => mark(column, place))]);
  const foot = [
    ['**ends as an undisturbed run**', ...columns.map((column) => (passes(column) ? 'yes' : 'NO'))],
    ['**goes on after, median / worst**', ...columns.map(({ resume }) => (resume === undefined ? '' : `${resume.median.toFixed(1)} s / ${resume.worst.toFixed(1)} s`))],
    ['**read by copy and verification, there and back, for each byte of data, of an undisturbed run**', ...columns.map(({ shares }) => shares.map(({ share }) => formatShare(share)).join(', '))],
    ...(columns.some(({ repeated }) => repeated.length > 0) ? [['**failed, and alone again**', ...columns.map(({ repeated }) => repeated.map(({ place, differing }) => `${place}: ${differing.length === 0 ? 'passes' : 'fails'}`).join(', '))]] : []),
    ['**measured on**', ...columns.map(({ on, commit }) => `${on}, ${commit}`)],
    ['**minutes**', ...columns.map(({ minutes }) => minutes.toFixed(1))],
  ];
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...[...rows, ...foot].map(line), ''].join('\n');
}

function mark(column: Column, place: Place): string {
  const name = nameOf(place);
  if (column.broken.includes(name) || column.differing.some((words) => words.startsWith(`${name}: `))) return 'FAILED';
  if (column.missing.includes(name)) return 'MISSING';
  return passes(column) ? 'ok' : 'ran';
}
