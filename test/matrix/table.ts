import { faults, nameOf, type Place } from './cells.js';
import { passes, type Column } from './column.js';
import type { Course } from './courses/course.js';
import { formatShare } from './judge.js';

/** One course of the page, as far as it was measured. */
export interface CourseTable {
  readonly course: Pick<Course, 'title' | 'words'>;
  readonly places: readonly Place[];
  readonly columns: readonly Column[];
}

/** The matrix as a page of docs/, each column with the day on which it was measured. */
export function renderPage(tables: readonly CourseTable[]): string {
  const days = tables.flatMap(({ columns }) => columns.map(({ on }) => on)).toSorted();
  return [
    '# The crash matrix',
    '',
    `Made by \`npm run matrix -- --write docs/crash-matrix.md\`, last on ${days.at(-1) ?? 'no day'}; not to be edited by hand.`,
    '',
    'Places of runs, times what can break there: in each column the runs of a course come to their ends on a disposable host, one after the other, and the fault strikes at every place once, while a client keeps sending. ' +
      '`ok`: the fault struck, the run went on, and in the end everything was as an undisturbed run leaves it. ' +
      '"During" is the middle of the time that a step takes undisturbed. ' +
      'Goes on after: from the start of the worker that came after to its next action; of a frozen worker, from its thaw to its step going on. ' +
      'Measured on a host with one processor and without a time limit to pass.',
    '',
    ...tables.flatMap(renderCourse),
  ].join('\n');
}

function renderCourse({ course, places, columns }: CourseTable): readonly string[] {
  const cells = columns.reduce((sum, column) => sum + column.cells.length, 0);
  const unmeasured = faults.filter((fault) => !columns.some((column) => column.fault === fault));
  return [
    `## ${course.title}`,
    '',
    course.words,
    '',
    `${cells} of ${places.length * faults.length} cells struck (${places.length} places, ${faults.length} faults); ${columns.filter(passes).length} of ${faults.length} columns end as an undisturbed run.` +
      (unmeasured.length === 0 ? '' : ` Not measured, and nothing is claimed of them: ${unmeasured.join('; ')}.`),
    '',
    ...(columns.length === 0 ? [] : [renderMatrix(places, columns)]),
  ];
}

/** One course's table in Markdown. */
export function renderMatrix(places: readonly Place[], columns: readonly Column[]): string {
  const head = ['place', ...columns.map(({ fault }) => fault)];
  const rows = places.map((place) => [`\`${nameOf(place)}\``, ...columns.map((column) => mark(column, place))]);
  const foot = [
    ['**ends as an undisturbed run**', ...columns.map((column) => (passes(column) ? 'yes' : 'NO'))],
    ['**goes on after, median / worst**', ...columns.map(({ resume }) => (resume === undefined ? '' : `${resume.median.toFixed(1)} s / ${resume.worst.toFixed(1)} s`))],
    ...(columns.some(({ shares }) => shares.length > 0)
      ? [['**read by copy and verification, there and back, for each byte of data, of an undisturbed run**', ...columns.map(({ shares }) => shares.map(({ share }) => formatShare(share)).join(', '))]]
      : []),
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
  // A place that the list has got since a column was measured.
  if (!column.cells.some((cell) => nameOf(cell.place) === name)) return 'not measured';
  return passes(column) ? 'ok' : 'ran';
}
