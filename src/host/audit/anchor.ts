import { readFile } from 'node:fs/promises';
import { PermanentFailure } from '../../contract/errors.js';
import type { AuditPosition } from './auditLine.js';

/** The end that an audit log had at a time, kept where whoever can write the log cannot change it. */
export interface Anchor extends AuditPosition {
  /** ISO time. */
  readonly at: string;
  readonly host: string;
}

/** Somewhere off the host that keeps anchors. */
export interface AnchorPlace {
  /** As it is shown, and under which it is remembered what was sent there. */
  readonly name: string;
  /** Returns when the anchor is kept there; sent again, it may be there twice. */
  readonly send: (anchor: Anchor) => Promise<void>;
}

/** An anchor as a line without its newline: time, host, sequence and chain, with a space between. */
export function renderAnchor({ at, host, sequence, chain }: Anchor): string {
  return [at, host, sequence, chain].join(' ');
}

/** Reads a line; undefined where it is no anchor. */
export function parseAnchor(line: string): Anchor | undefined {
  const [, at, host, sequence, chain] = /^(\d{4}-\d\d-\d\dT[\d:.]+Z) (\S+) ([1-9]\d{0,14}) ([0-9a-f]{32})$/.exec(line) ?? [];
  return at === undefined || host === undefined || chain === undefined ? undefined : { at, host, sequence: Number(sequence), chain };
}

/** A file of anchors, of one host or several. */
export interface AnchorFile {
  readonly anchors: readonly Anchor[];
  /** Lines that are no anchors, from 1; empty ones do not count. */
  readonly unreadable: readonly number[];
}

/**
 * Reads anchors from a file, or the one in a run record (`record.json`).
 *
 * @throws {@link PermanentFailure} where no anchor is in it; Error where it cannot be read.
 */
export async function readAnchors(path: string): Promise<AnchorFile> {
  const text = await readFile(path, 'utf8');
  const found = text.startsWith('{') ? { anchors: anchorsOfRecord(text), unreadable: [] } : readLines(text);
  if (found.anchors.length > 0) return found;
  throw new PermanentFailure(`${path} holds no anchor`, 'an anchor is a line with time, host, sequence and chain; a run record has one since its audit log is numbered');
}

function readLines(text: string): AnchorFile {
  const lines = text.split('\n').map((line) => line.trim());
  const unreadable = lines.flatMap((line, index) => (line === '' || parseAnchor(line) !== undefined ? [] : [index + 1]));
  return { anchors: lines.map(parseAnchor).filter((anchor) => anchor !== undefined), unreadable };
}

function anchorsOfRecord(text: string): readonly Anchor[] {
  try {
    const { host, endedAt, auditLog } = JSON.parse(text) as Partial<Record<string, unknown>> & { readonly auditLog?: Partial<AuditPosition> };
    const anchor = parseAnchor([endedAt, host, auditLog?.sequence, auditLog?.chain].join(' '));
    return anchor === undefined ? [] : [anchor];
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}
