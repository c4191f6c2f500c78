import type { Cell } from './chain.js';
import { nameOf, type Fault, type Place } from './cells.js';

/** One fault at every place. */
export interface Column {
  readonly fault: Fault;
  readonly cells: readonly Cell[];
  /** Places where it did not happen. */
  readonly missing: readonly string[];
  /** What of the end differs from an undisturbed run's. */
  readonly differing: readonly string[];
  /** Bytes read over all attempts as a share of an undisturbed run's. */
  readonly shares: readonly { readonly node: string; readonly share: number; readonly holds: boolean }[];
  /** Seconds from the start of the worker that came after to its next action. */
  readonly resume?: { readonly median: number; readonly worst: number };
  readonly minutes: number;
}

/** The matrix as Markdown. */
export function renderMatrix(places: readonly Place[], columns: readonly Column[]): string {
  const head = ['place', ...columns.map(({ fault }) => fault)];
  const rows = places.map((place) => [`\`${nameOf(place)}\``, ...columns.map((column) => mark(column, place))]);
  const foot = [
    ['ends as an undisturbed run', ...columns.map(({ differing }) => (differing.length === 0 ? 'yes' : 'NO'))],
    ['goes on after, median / worst', ...columns.map(({ resume }) => (resume === undefined ? '' : `${resume.median.toFixed(1)} s / ${resume.worst.toFixed(1)} s`))],
    ['read by copy and verification, of an undisturbed run', ...columns.map(({ shares }) => shares.map(({ share }) => `${Math.round(share * 100)} %`).join(', '))],
    ['minutes', ...columns.map(({ minutes }) => minutes.toFixed(1))],
  ];
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...[...rows, ...foot].map(line), ''].join('\n');
}

function mark({ cells, differing }: Column, place: Place): string {
  if (!cells.some((cell) => nameOf(cell.place) === nameOf(place))) return 'MISSING';
  return differing.length === 0 ? 'ok' : 'ran';
}
