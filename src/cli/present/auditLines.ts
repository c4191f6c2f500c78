import { basename } from 'node:path';
import { formatCount, formatCountOf, type Fact } from '../../contract/facts.js';
import type { AuditFinding } from '../../host/audit/auditFinding.js';
import type { AuditReport } from '../../host/audit/auditVerification.js';
import { tabulate, wrapHanging } from './text.js';
import type { Theme } from './theme.js';

/** How a report is shown. */
export interface AuditView {
  readonly theme: Theme;
  /** Columns. */
  readonly width: number;
  /** Whoever asks has named anchors. */
  readonly isAnchored: boolean;
  /** The worker's own note of the last line was compared. */
  readonly isNoted: boolean;
}

/** Findings beyond these are counted: a log of another program has one for each line. */
const shownFindings = 20;

/** The verdict on an audit log, what was read, and what was found. */
export function renderAuditReport(report: AuditReport, { theme, width, ...view }: AuditView): string[] {
  const { verdict, findings, notes } = report;
  const left = findings.length - shownFindings;
  return [
    theme.bold((verdict === 'intact' ? theme.good : theme.bad)(verdict.toUpperCase())),
    ...tabulate([...factsOf(report), ['anchors', anchorsOf(report, view)]], 2, width),
    ...(findings.length === 0 ? [] : ['']),
    ...findings.slice(0, shownFindings).flatMap((finding) => wrapHanging(`  ${theme.bad('✖')} `, wordsOf(finding), width)),
    ...(left > 0 ? [`    and ${formatCount(left)} more; --json has them all`] : []),
    ...(notes.length === 0 ? [] : ['']),
    ...notes.flatMap((note) => wrapHanging(`  ${theme.warning('!')} `, note, width)),
  ];
}

function factsOf({ files, lines, first, last }: AuditReport): readonly Fact[] {
  const span: readonly Fact[] =
    first === undefined || last === undefined
      ? []
      : [
          ['from', `${first.at}  seq=${first.sequence}`],
          ['to', `${last.at}  seq=${last.sequence}`],
          ['chain', last.chain],
        ];
  return [...files.map(({ path, lines: count }, index): Fact => [index === 0 ? (files.length === 1 ? 'file' : 'files') : '', `${path}  ${formatCountOf(count, 'line')}`]), ['lines', formatCount(lines)], ...span];
}

function anchorsOf({ anchors }: AuditReport, { isAnchored, isNoted }: Pick<AuditView, 'isAnchored' | 'isNoted'>): string {
  if (!isAnchored) return `none${isNoted ? " but the worker's own note, which is no safer than the log" : ''}: see --anchors`;
  const older = anchors.olderThanFiles === 0 ? '' : `, ${formatCount(anchors.olderThanFiles)} older than these files`;
  return `${formatCountOf(anchors.agreeing, 'agrees', 'agree')}${older}`;
}

function wordsOf({ kind, file, line, reason }: AuditFinding): string {
  const place = file === undefined ? '' : `${basename(file)}${line === undefined ? '' : `, line ${line}`}: `;
  return `${kind}: ${place}${reason}`;
}
