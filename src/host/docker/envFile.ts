import { PermanentFailure } from '../../contract/errors.js';

/**
 * Reads a key of a Compose `.env` text. The last of several assignments counts, as for Compose.
 *
 * @returns The value without quotes and escapes, or undefined where the key is not assigned.
 * @throws PermanentFailure where the value contains a reference to another variable (`$NAME`), or the
 * text is not one that Compose could read.
 */
export function readEnvValue(text: string, key: string): string | undefined {
  const assignment = parse(text).findLast((candidate) => candidate.key === key);
  if (assignment?.raw === undefined) return undefined;
  return valueOf(assignment.raw, key);
}

/** @returns The names assigned in the text, each once, in order. */
export function listEnvKeys(text: string): readonly string[] {
  return [...new Set(parse(text).filter(({ raw }) => raw !== undefined).map(({ key }) => key))];
}

/**
 * Assigns a value: in place where the key is assigned (the last one, keeping its quotes where the
 * value fits in them, and the comment behind it), else on a new last line.
 *
 * @returns The new text; all else in it is as before.
 */
export function setEnvValue(text: string, key: string, value: string): string {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(key)) {
    throw new PermanentFailure(`"${key}" is no name of an environment variable`, 'use letters, digits and underscores');
  }
  const assignment = parse(text).findLast((candidate) => candidate.key === key && candidate.raw !== undefined);
  if (assignment?.raw !== undefined) {
    const quoted = quote(value, assignment.raw.slice(0, 1));
    return text.slice(0, assignment.valueStart) + quoted + text.slice(assignment.valueStart + assignment.raw.length);
  }
  const newline = text.includes('\r\n') ? '\r\n' : '\n';
  const before = text === '' || text.endsWith('\n') ? text : text + newline;
  return `${before}${key}=${quote(value)}${newline}`;
}

/** Removes every assignment of the key, since an earlier one would come into force. @returns The new text. */
export function unsetEnvValue(text: string, key: string): string {
  const doomed = parse(text).filter((candidate) => candidate.key === key && candidate.raw !== undefined);
  return doomed.reduceRight((rest, { start, end }) => rest.slice(0, start) + rest.slice(end), text);
}

/** One statement of the text, by its offsets; `raw` is the value with its quotes, absent for a bare name. */
interface Assignment {
  readonly key: string;
  readonly start: number;
  readonly valueStart: number;
  readonly raw: string | undefined;
  readonly end: number;
}

/**
 * The grammar of Compose 2: `NAME=value`, `NAME: value`, `export` before it; a bare name is taken from
 * the caller's environment; quoted values may span lines; `#` after a space ends an unquoted value.
 */
function parse(text: string): readonly Assignment[] {
  const assignments: Assignment[] = [];
  let start = text.startsWith('\uFEFF') ? 1 : 0;
  while (start < text.length) {
    const lineEnd = endOfLine(text, start);
    const line = text.slice(start, lineEnd).replace(/\r?\n$/, '');
    if (line.trim() === '' || line.trim().startsWith('#')) {
      start = lineEnd;
      continue;
    }
    const assignment = parseStatement(text, { start, line, lineEnd });
    assignments.push(assignment);
    start = assignment.end;
  }
  return assignments;
}

function parseStatement(text: string, at: { start: number; line: string; lineEnd: number }): Assignment {
  const { start, line, lineEnd } = at;
  const head = /^[ \t]*(?:export[ \t]+)?([\p{L}\p{N}_.]+)[ \t]*(?:([=:])[ \t]*|$)/u.exec(line);
  if (head?.[1] === undefined) throw malformed(text, start, 'is no assignment');
  const valueStart = start + head[0].length;
  if (head[2] === undefined) return { key: head[1], start, valueStart, raw: undefined, end: lineEnd };
  const opening = text.charAt(valueStart);
  if (opening !== "'" && opening !== '"') {
    const raw = /^(?:(?![ \t]#).)*/.exec(line.slice(head[0].length))?.[0].trimEnd() ?? '';
    return { key: head[1], start, valueStart, raw: raw.startsWith('#') ? '' : raw, end: lineEnd };
  }
  const close = closingQuote(text, valueStart);
  if (close === -1) throw malformed(text, start, 'opens a quote that is never closed');
  const end = endOfLine(text, close);
  if (!/^\s*(?:#.*)?\s*$/.test(text.slice(close + 1, end))) throw malformed(text, start, 'has text behind the closing quote');
  return { key: head[1], start, valueStart, raw: text.slice(valueStart, close + 1), end };
}

function closingQuote(text: string, opening: number): number {
  const mark = text.charAt(opening);
  for (let index = opening + 1; index < text.length; index += 1) {
    const character = text.charAt(index);
    if (character === '\\') index += 1;
    else if (character === mark) return index;
  }
  return -1;
}

function endOfLine(text: string, from: number): number {
  const newline = text.indexOf('\n', from);
  return newline === -1 ? text.length : newline + 1;
}

function valueOf(raw: string, key: string): string {
  if (raw.startsWith("'")) return raw.slice(1, -1).replaceAll("\\'", "'");
  const isQuoted = raw.startsWith('"');
  const body = isQuoted ? raw.slice(1, -1) : raw;
  const literal = isQuoted ? body.replace(/\\[\\$]/g, '') : body;
  if (literal.includes('$')) {
    throw new PermanentFailure(`${key} in the environment file refers to another variable`, 'write its value out');
  }
  return isQuoted ? body.replace(/\\([nrt"\\$])/g, (_, escaped: string) => escapes[escaped] ?? escaped) : body;
}

const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };

/** Writes a value so that Compose reads it back: in the wanted quotes if it fits in them, else plain, else quoted. */
function quote(value: string, wanted = ''): string {
  const isPlain = /^[A-Za-z0-9_./:@%+,=;~-]*$/.test(value);
  if (isPlain && wanted !== "'" && wanted !== '"') return value;
  // In single quotes all is literal but a backslash before a quote, the closing one included.
  if (wanted !== '"' && !value.includes("'") && !value.endsWith('\\')) return `'${value}'`;
  const escaped = value
    .replace(/[\\"$]/g, '\\$&')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replaceAll('\t', '\\t');
  return `"${escaped}"`;
}

function malformed(text: string, offset: number, what: string): PermanentFailure {
  const lineNumber = text.slice(0, offset).split('\n').length;
  return new PermanentFailure(`line ${lineNumber} of the environment file ${what}`, 'correct that line; Compose could not read it either');
}
