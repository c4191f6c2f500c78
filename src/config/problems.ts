import type { z } from 'zod';
import { unquotedSchemas } from './alertsSchema.js';
import { findNearestKey } from './nearestKey.js';
import { secretReferenceSchema } from './secretReferenceSchema.js';
import { childrenOf, elementOf, schemaAt, toField, type Schema } from './schemaTree.js';

/** Something wrong at a place in lockstep.yaml. */
export interface Problem {
  readonly path: readonly PropertyKey[];
  /** A sentence that names the path and quotes what was found, unless that may be a secret. */
  readonly text: string;
}

/**
 * Says what a schema found wrong in words for the person who wrote the file.
 *
 * @param value - The whole value that was checked, from which what was found is quoted.
 */
export function describeIssue(root: Schema, value: unknown, issue: z.core.$ZodIssue): readonly Problem[] {
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => describeUnknownKey(root, issue.path, key));
  const found = valueAt(value, issue.path);
  const expected = describeExpected(issue);
  const place = `At ${toText(issue.path)}`;
  if (found === undefined) return [{ path: issue.path, text: `${place}: required but missing, expected ${expected}` }];
  const shown = isSecret(root, issue.path) ? 'something else (not shown, in case it is the secret itself)' : show(found);
  return [{ path: issue.path, text: `${place}: expected ${expected}, found ${shown}` }];
}

function describeUnknownKey(root: Schema, section: readonly PropertyKey[], key: string): Problem {
  const path = [...section, key];
  const nearest = findNearestKey(root, section, key);
  return { path, text: `${toText(path)} is not known${nearest === undefined ? '' : `; did you mean ${nearest}?`}` };
}

function describeExpected(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return words[issue.expected] ?? issue.expected;
    case 'invalid_value':
      return `one of ${issue.values.map(String).join(', ')}`;
    case 'invalid_union':
      return 'options' in issue && Array.isArray(issue.options) ? `one of ${issue.options.join(', ')}` : issue.message;
    case 'invalid_format':
      // A pattern's message is the noun that the schema gives it.
      return issue.format === 'regex' ? issue.message : (words[issue.format] ?? issue.message);
    case 'too_small':
      return `${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}${unitOf(issue.origin)}`;
    case 'too_big':
      return `${issue.inclusive === false ? 'less than' : 'at most'} ${issue.maximum}${unitOf(issue.origin)}`;
    case 'not_multiple_of':
    case 'unrecognized_keys':
    case 'invalid_key':
    case 'invalid_element':
    case 'custom':
      return issue.message;
  }
}

const words: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a section with keys',
  url: 'a URL',
  datetime: 'a date and time with its offset, such as 2026-01-31T22:00:00+01:00',
};

function unitOf(origin: string): string {
  if (origin === 'string') return ' characters';
  return origin === 'array' ? ' items' : '';
}

/** Within a reference, and of a section that holds one too: where a text stands in its place, it may be that secret. */
function isSecret(root: Schema, path: readonly PropertyKey[]): boolean {
  const schema = schemaAt(root, path);
  const above = path.map((_, depth) => schemaAt(root, path.slice(0, depth)));
  return above.some((candidate) => candidate !== undefined && isReference(candidate)) || (schema !== undefined && holdsSecret(schema));
}

function isReference(schema: Schema): boolean {
  const { inner } = toField(schema);
  return inner === secretReferenceSchema || unquotedSchemas.has(inner);
}

function holdsSecret(schema: Schema): boolean {
  if (isReference(schema)) return true;
  const { inner } = toField(schema);
  const element = elementOf(inner);
  return [...(element === undefined ? [] : [element]), ...(childrenOf(inner)?.values() ?? [])].some(holdsSecret);
}

function show(value: unknown): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return 'a section with keys';
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

function toText(path: readonly PropertyKey[]): string {
  return path.length === 0 ? 'the top' : path.map(String).join('.');
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (at, key) => (typeof at === 'object' && at !== null ? (at as Record<PropertyKey, unknown>)[key] : undefined),
    value,
  );
}
