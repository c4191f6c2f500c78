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

/** What a line says of itself. */
export interface AuditLine {
  /** All before the chain, as bytes in latin1. */
  readonly text: string;
  /** As it is escaped in the line. */
  readonly id: string;
  readonly chain: string;
}

/**
 * A line of the plan's form, closed by its id and its chain:
 * `[2024-01-15T10:23:45Z] VOLUME_UNLOCK by admin from 192.168.1.50 node=open-volume id=… chain=…`.
 *
 * What could end a line, hide in it or pass for another field is escaped: a value with anything but
 * visible, harmless characters stands in quotes, and control and format characters as `\u{…}`.
 *
 * @param previousChain - The chain of the line before; of the first, nothing.
 * @returns The line as UTF-8, with its newline.
 * @throws Error for an event or a detail whose name is not a plain word.
 */
export function renderAuditLine(event: AuditEvent, at: Date, previousChain: string): Buffer {
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
  ].join(' ');
  return Buffer.from(`${text} chain=${chainOf(previousChain, Buffer.from(text, 'utf8').toString('latin1'))}\n`, 'utf8');
}

/** Reads a line, given as bytes in latin1 without the newline; undefined where it has not the form. */
export function parseAuditLine(line: string): AuditLine | undefined {
  const [, text, id, chain] = /^(\[.* id=(\S+)) chain=([0-9a-f]{16})$/s.exec(line) ?? [];
  return text === undefined || id === undefined || chain === undefined ? undefined : { text, id, chain };
}

/**
 * The first 16 hexadecimal digits of SHA-256 over the previous chain and the line's text.
 *
 * @param text - Bytes in latin1, so that no two different byte sequences look alike.
 */
export function chainOf(previousChain: string, text: string): string {
  return createHash('sha256').update(previousChain, 'latin1').update(text, 'latin1').digest('hex').slice(0, 16);
}

/** An id as it stands in a line: one word of visible ASCII, different for different ids. */
export function toAuditId(id: string): string {
  if (id === '') throw new Error('an audit event needs an id; an empty one was given');
  return id.replace(/[^\x21-\x7e]|\\/gu, escape);
}

/** Names that would read like the fields that close a line. */
const reservedNames = new Set(['id', 'chain']);

function toValue(value: string): string {
  if (/^[\p{L}\p{N}._:/@+%,-]+$/u.test(value)) return value;
  return `"${value.replace(/[\p{C}\p{Zl}\p{Zp}"\\]/gu, escape)}"`;
}

function escape(character: string): string {
  return String.raw`\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}
