import type { AuditFile } from './auditFiles.js';
import { beginning, chainOf, parseAuditLine, type AuditLine, type AuditPosition } from './auditLine.js';
import type { AuditFinding, DatedPosition } from './auditFinding.js';

/** What was met on the way through all lines. */
export interface AuditWalk {
  readonly findings: AuditFinding[];
  readonly notes: string[];
  /** The chain of each number that was met, those included that a line names as the end before it. */
  readonly positions: Map<number, string>;
  first?: DatedPosition | undefined;
  last?: DatedPosition | undefined;
}

/**
 * Goes through the lines of files that are in order. After a line that is wrong it goes on from what that
 * line says of itself, so that one edit is one finding.
 */
export function walkLines(files: readonly AuditFile[]): AuditWalk {
  const walk: AuditWalk = { findings: [], notes: [], positions: new Map() };
  let before: AuditPosition | undefined;
  for (const file of files) before = walkFile(walk, file, before);
  return walk;
}

function walkFile(walk: AuditWalk, { path, lines, torn }: AuditFile, from: AuditPosition | undefined): AuditPosition | undefined {
  const parsed = lines.map(parseAuditLine);
  // A first line that a power cut tore begins as every line does.
  const isForeign = lines.length > 0 || !/^(\[|$)/.test(torn);
  if (isForeign && parsed.every((line) => line === undefined)) {
    walk.findings.push({ kind: 'not an audit log', file: path, reason: 'no line of it ends in id=… seq=… chain=…' });
    return from;
  }
  let before = from;
  let foreignSince: number | undefined;
  let isAtHead = true;
  for (const [index, line] of lines.entries()) {
    const own = parsed[index];
    if (own === undefined) {
      foreignSince ??= index + 1;
      // As the writer does, which goes on behind lines of another hand.
      before = { sequence: before?.sequence ?? 0, chain: chainOf(before?.chain ?? '', line) };
      continue;
    }
    tellForeign(walk, path, foreignSince, index);
    foreignSince = undefined;
    if (isAtHead && walk.positions.get(own.sequence) === own.chain) {
      // A file that is there twice, as packed and unpacked.
      continue;
    }
    isAtHead = false;
    const wrong = judge(walk, own, before, parsed[index + 1]);
    if (wrong !== undefined) walk.findings.push({ ...wrong, file: path, line: index + 1 });
    note(walk, own);
    before = own;
  }
  tellForeign(walk, path, foreignSince, lines.length);
  if (torn !== '') walk.findings.push({ kind: 'truncated', file: path, line: lines.length + 1, reason: `breaks off after ${torn.length} bytes; the next event mends that` });
  return before;
}

type Wrong = Pick<AuditFinding, 'kind' | 'reason'>;

/** What is wrong with a line, where it stands. */
function judge(walk: AuditWalk, own: AuditLine, before: AuditPosition | undefined, next: AuditLine | undefined): Wrong | undefined {
  const { follows } = own;
  const previous = follows?.position ?? before ?? beginning;
  const expected = chainOf(previous.chain, own.text);
  const fits = own.chain === expected;
  if (follows !== undefined) {
    if (!fits || own.sequence !== previous.sequence + 1) return altered(`carries seq=${own.sequence} and chain ${own.chain}, but seq=${previous.sequence + 1} and ${expected} follow from the end that it names`);
    const wrong = judgeBreak(walk, follows, before);
    walk.positions.set(previous.sequence, walk.positions.get(previous.sequence) ?? previous.chain);
    return wrong;
  }
  if (own.sequence === previous.sequence + 1) return fits ? undefined : altered(`carries chain ${own.chain}, but ${expected} follows from the lines up to it`);
  // A number that was changed looks like a gap, but what comes after it does not count on from there.
  const countsOn = next === undefined || next.follows !== undefined || next.sequence === own.sequence + 1;
  if (own.sequence > previous.sequence && !fits && countsOn) {
    return { kind: 'truncated', reason: `carries seq=${own.sequence}, but the line before it ${before === undefined ? 'is missing' : `carries seq=${before.sequence}`}: ${missing(previous.sequence + 1, own.sequence - 1)}` };
  }
  return altered(`carries seq=${own.sequence}, but seq=${previous.sequence + 1} follows`);
}

/** A line that names the end before it: whether that is the end of what is here. */
function judgeBreak(walk: AuditWalk, { event, position }: NonNullable<AuditLine['follows']>, before: AuditPosition | undefined): Wrong | undefined {
  if (before?.sequence === position.sequence) {
    if (before.chain !== position.chain) return altered(`names chain ${position.chain} as the end before it, but the lines before it end with ${before.chain}`);
    if (event === 'AUDIT_LOG_TRUNCATED') {
      walk.notes.push(`After seq=${position.sequence} the log had lost its lines, which are all here. Where logrotate did that: let it rename the log, without copytruncate or olddir.`);
    }
    return undefined;
  }
  if (before !== undefined && before.sequence > position.sequence) return altered(`names seq=${position.sequence} as the end before it, but the lines before it end with seq=${before.sequence}`);
  if (before === undefined && event === 'AUDIT_LOG_CONTINUED') {
    walk.notes.push(`The first line goes on from seq=${position.sequence}: ${lines(1, position.sequence)} not in these files.`);
    return undefined;
  }
  return { kind: 'truncated', reason: `says that the log had reached seq=${position.sequence}: ${missing((before?.sequence ?? 0) + 1, position.sequence)}` };
}

function note(walk: AuditWalk, { sequence, chain, at }: AuditLine): void {
  walk.positions.set(sequence, chain);
  const position = { sequence, chain, at };
  walk.first ??= position;
  walk.last = position;
}

function tellForeign(walk: AuditWalk, path: string, since: number | undefined, until: number): void {
  if (since === undefined) return;
  const words = since === until ? 'has no id, seq and chain at its end' : `and the lines after it up to ${until} have no id, seq and chain at their ends`;
  walk.findings.push({ kind: 'altered', file: path, line: since, reason: words });
}

function altered(reason: string): Wrong {
  return { kind: 'altered', reason };
}

function missing(from: number, to: number): string {
  return `${lines(from, to)} missing`;
}

function lines(from: number, to: number): string {
  return from === to ? `line seq=${from} is` : `lines seq=${from} to ${to} are`;
}
