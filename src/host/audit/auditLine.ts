import { createHash } from 'node:crypto';

/** Something that was done on the host, as the audit log keeps it. */
export interface AuditEvent {
  /** The event's own id: the same id is written once. */
  readonly id: string;
  /** What happened, such as `VOLUME_UNLOCK`. */
  readonly event: string;
  /** Who did it, as claimed. */
  readonly by: string;
  /** Where they came from, as claimed. */
  readonly from?: string;
  /** Figures and names that belong to it, in order; never a secret. */
  readonly details?: Readonly<Record<string, string | number | boolean>>;
}

/** A place in the log's sequence: of a line, or of the end that the log had. */
export interface AuditPosition {
  /** From 1, over all of a log's files. */
  readonly sequence: number;
  readonly chain: string;
}

/** Before the first line. */
export const beginning: AuditPosition = { sequence: 0, chain: '' };

/** What a line says of itself. */
export interface AuditLine extends AuditPosition {
  /** All before the chain, as bytes in latin1. */
  readonly text: string;
  /** As it is escaped in the line. */
  readonly id: string;
  /** ISO time, to the second. */
  readonly at: string;
  /** Of a line that does not follow from the one above it in its file: where the log stood before. */
  readonly follows?: { readonly event: BreakEvent; readonly position: AuditPosition };
}

/** What begins a file, or goes on where lines are gone: these name the end that the log had before. */
export const breakEvents = ['AUDIT_LOG_CONTINUED', 'AUDIT_LOG_TRUNCATED'] as const;

/** One of {@link breakEvents}. */
export type BreakEvent = (typeof breakEvents)[number];

/**
 * A line of the plan's form, closed by its id, its number in the log's sequence, and its chain:
 * `[2024-01-15T10:23:45Z] VOLUME_UNLOCK by admin from 192.168.1.50 node=open-volume id=… seq=17 chain=…`.
 *
 * What could end a line, hide in it or pass for another field is escaped: a value with anything but
 * visible, harmless characters stands in quotes, and control and format characters as `\u{…}`.
 *
 * @param previous - The position of the line before; of the first, {@link beginning}.
 * @returns The line as UTF-8, with its newline.
 * @throws Error for an event or a detail whose name is not a plain word.
 */
export function renderAuditLine(event: AuditEvent, at: Date, previous: AuditPosition): Buffer {
  const details = Object.entries(event.details ?? {}).map(([name, value]) => {
    if (!/^[A-Za-z][A-Za-z0-9]*$/.test(name) || reservedNames.has(name)) {
      throw new Error(`an audit event cannot have a detail named ${JSON.stringify(name)}; use another word`);
    }
    return `${name}=${toValue(String(value))}`;
  });
  if (!/^[A-Z][A-Z0-9_]*$/.test(event.event)) {
    throw new Error(`${JSON.stringify(event.event)} is no name of an audit event; use capitals and underscores`);
  }
  const text = [
    `[${at.toISOString().replace(/\.\d+Z$/, 'Z')}]`,
    event.event,
    `by ${toValue(event.by)}`,
    ...(event.from === undefined ? [] : [`from ${toValue(event.from)}`]),
    ...details,
    `id=${toAuditId(event.id)}`,
    `seq=${previous.sequence + 1}`,
  ].join(' ');
  return Buffer.from(`${text} chain=${chainOf(previous.chain, Buffer.from(text, 'utf8').toString('latin1'))}\n`, 'utf8');
}

/** Reads a line, given as bytes in latin1 without the newline; undefined where it has not the form. */
export function parseAuditLine(line: string): AuditLine | undefined {
  const found = /^(?<text>\[(?<at>[^\]]*)\] .* id=(?<id>\S+) seq=(?<sequence>[1-9]\d{0,14})) chain=(?<chain>[0-9a-f]{32})$/s.exec(line)?.groups;
  if (found === undefined) return undefined;
  const { text = '', at = '', id = '', sequence = '', chain = '' } = found;
  const follows = readBreak(text);
  return { text, at, id, sequence: Number(sequence), chain, ...(follows === undefined ? {} : { follows }) };
}

/**
 * The first 32 hexadecimal digits of SHA-256 over the previous chain and the line's text: 128 bits, since an
 * anchor off the host is only as good as it is hard to find another past with the same chain.
 *
 * @param text - Bytes in latin1, so that no two different byte sequences look alike.
 */
export function chainOf(previousChain: string, text: string): string {
  return createHash('sha256').update(previousChain, 'latin1').update(text, 'latin1').digest('hex').slice(0, 32);
}

/** An id as it stands in a line: one word of visible ASCII, different for different ids. */
export function toAuditId(id: string): string {
  if (id === '') throw new Error('an audit event needs an id; an empty one was given');
  return id.replace(/[^\x21-\x7e]|\\/gu, escape);
}

/** Names that would read like the fields that close a line. */
const reservedNames = new Set(['id', 'seq', 'chain']);

/** Nothing that somebody named stands before these fields, so that none can be put in their place. */
function readBreak(text: string): AuditLine['follows'] {
  const [, event, sequence, chain] = /^\[[^\]]*\] (\S+) by lockstep previousSequence=(\d{1,15}) previousChain=([0-9a-f]{32}) /.exec(text) ?? [];
  const known = breakEvents.find((name) => name === event);
  return known === undefined || chain === undefined ? undefined : { event: known, position: { sequence: Number(sequence), chain } };
}

function toValue(value: string): string {
  if (/^[\p{L}\p{N}._:/@+%,-]+$/u.test(value)) return value;
  return `"${value.replace(/[\p{C}\p{Zl}\p{Zp}"\\]/gu, escape)}"`;
}

function escape(character: string): string {
  return String.raw`\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}
