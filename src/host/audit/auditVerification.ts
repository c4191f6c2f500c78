import type { Anchor } from './anchor.js';
import type { AuditFile } from './auditFiles.js';
import { auditVerdicts, type AuditFinding, type AuditVerdict, type DatedPosition } from './auditFinding.js';
import { parseAuditLine, type AuditPosition } from './auditLine.js';
import { walkLines, type AuditWalk } from './auditWalk.js';

/** What the files of an audit log say together. */
export interface AuditReport {
  readonly verdict: AuditVerdict;
  /** In the order of their sequence. */
  readonly files: readonly { readonly path: string; readonly lines: number }[];
  /** Numbered lines of all files. */
  readonly lines: number;
  readonly first?: DatedPosition;
  readonly last?: DatedPosition;
  readonly findings: readonly AuditFinding[];
  /** What is no fault, and worth to know. */
  readonly notes: readonly string[];
  readonly anchors: { readonly agreeing: number; readonly olderThanFiles: number };
}

/** What is held against the files, besides themselves. */
export interface AuditEvidence {
  /** Of this host alone. */
  readonly anchors?: readonly Anchor[];
  /** The last line that the worker has noted, on the same host. */
  readonly noted?: AuditPosition | undefined;
  /** The files are all that the host has: what an anchor of the last twelve months knows has to be in them. */
  readonly isWhole?: boolean;
  /** To tell how far back the log goes, which the plan (5.3) wants to be twelve months. */
  readonly now: Date;
}

/**
 * Verifies files of one audit log: each line's form, number and chain, also from file to file, and the
 * anchors. Without anchors it shows damage and careless edits, not what somebody did who computed the
 * chain anew, or cut lines off at the end.
 *
 * @param files - In any order; each begins where another ends, or lines are missing.
 */
export function verifyAuditLog(files: readonly AuditFile[], { anchors = [], noted, isWhole = false, now }: AuditEvidence): AuditReport {
  const sorted = [...files].sort((one, other) => firstSequence(one) - firstSequence(other));
  const { findings, notes, positions, first, last } = walkLines(sorted);
  const known = { positions, first, last };
  const held = anchors.map((anchor) => {
    const compared = compare(anchor, `the anchor that ${anchor.host} sent at ${anchor.at}`, known);
    return compared === 'older' && isWhole && new Date(anchor.at) > retainedSince(now) ? goneTooSoon(anchor, first) : compared;
  });
  const own = noted === undefined ? [] : [compare(noted, "the worker's own note of its last event", known)];
  const all = [...findings, ...[...held, ...own].filter((each) => typeof each === 'object')];
  return {
    verdict: auditVerdicts.find((verdict) => all.some(({ kind }) => kind === verdict)) ?? 'intact',
    files: sorted.map(({ path, lines }) => ({ path, lines: lines.length })),
    lines: sorted.flatMap(({ lines }) => lines.filter((line) => parseAuditLine(line) !== undefined)).length,
    ...(first === undefined ? {} : { first }),
    ...(last === undefined ? {} : { last }),
    findings: all,
    notes: [...notes, ...tellRetention(first, now)],
    anchors: {
      agreeing: held.filter((each) => each === 'agrees').length,
      olderThanFiles: held.filter((each) => each === 'older').length,
    },
  };
}

/** A file without numbered lines is the one that was just begun. */
function firstSequence({ lines }: AuditFile): number {
  return lines.map(parseAuditLine).find((line) => line !== undefined)?.sequence ?? Number.MAX_SAFE_INTEGER;
}

/** @param anchor - What the position is called. */
function compare({ sequence, chain }: AuditPosition, anchor: string, { positions, first, last }: Pick<AuditWalk, 'positions' | 'first' | 'last'>): 'agrees' | 'older' | AuditFinding {
  const found = positions.get(sequence);
  if (found === chain) return 'agrees';
  if (found !== undefined) {
    return { kind: 'anchor mismatch', reason: `the line with seq=${sequence} has chain ${found}, but ${anchor} says ${chain}: what stands up to there was written anew` };
  }
  if (last === undefined || sequence > last.sequence) {
    return { kind: 'truncated', reason: `the log ends ${last === undefined ? 'before its first line' : `with seq=${last.sequence}`}, but ${anchor} knows a line with seq=${sequence}` };
  }
  if (first !== undefined && sequence < first.sequence) return 'older';
  return { kind: 'truncated', reason: `no line has seq=${sequence}, which ${anchor} knows` };
}

/** Of a line that is gone before its time: who removes the past with its files leaves a log that follows from its first line. */
function goneTooSoon({ at, host, sequence }: Anchor, first: DatedPosition | undefined): AuditFinding {
  return { kind: 'truncated', reason: `the log begins with seq=${first?.sequence ?? ''}, but the anchor that ${host} sent at ${at} knows a line with seq=${sequence}, and ${retentionMonths} months are to be kept` };
}

const retentionMonths = 12;

function retainedSince(now: Date): Date {
  const since = new Date(now);
  since.setUTCMonth(since.getUTCMonth() - retentionMonths);
  return since;
}

/** A log that still has its first line cannot go back further. */
function tellRetention(first: DatedPosition | undefined, now: Date): readonly string[] {
  if (first === undefined || first.sequence === 1) return [];
  const due = retainedSince(now);
  if (new Date(first.at) <= due) return [];
  return [`The log goes back to ${first.at.slice(0, 10)} only; ${retentionMonths} months are to be kept, back to ${due.toISOString().slice(0, 10)}. See deploy/logrotate.d/lockstep.`];
}
