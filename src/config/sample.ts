import { stringify } from 'yaml';
import { z } from 'zod';
import { configSchema } from './schema.js';
import { childrenOf, optionsOf, toField, type Schema } from './schemaTree.js';

/**
 * The sample of lockstep.yaml, made from the schema: descriptions as comments, every setting with its
 * default behind a `#`, and the one line that has to be written.
 *
 * @throws Error for a setting without a default that has no example here.
 */
export function renderSample(): string {
  return `${[...heading, ...renderSection(configSchema, [], '')].join('\n')}\n`;
}

const heading = [
  '# Where things lie on this host, and how Lockstep treats them.',
  '#',
  '# Belongs in /etc/lockstep/lockstep.yaml, owned by root and writable by nobody else:',
  '#   install -D -o root -g root -m 640 lockstep.sample.yaml /etc/lockstep/lockstep.yaml',
  '#',
  '# Only "host" has to be written. The other settings show their defaults behind a "#": take the "#" away',
  '# to change one. A section with nothing under it counts as absent.',
];

/** What a setting without a default looks like when it is written. */
const examples: Readonly<Record<string, unknown>> = {
  host: 'db1',
  'deployment.application.publicUrl': 'https://sync.example.com',
  'volume.device': '/dev/vg0/pg-data',
  'maintenance.window.opensAt': '2026-01-31T22:00:00+01:00',
  'maintenance.mode.path': '/opt/supersync/maintenance',
  'maintenance.mode.on': ['/usr/local/sbin/maintenance', 'on'],
  'maintenance.mode.off': ['/usr/local/sbin/maintenance', 'off'],
  'verification.testAccount.email': 'lockstep@example.com',
  'verification.testAccount.password': 'file:/etc/lockstep/test-account.password',
};

/** @param mark - `#` below an optional section that is shown as a whole, else nothing. */
function renderSection(section: Schema, path: readonly string[], mark: string): string[] {
  const lines = [...(childrenOf(section) ?? [])].flatMap(([key, child]) => renderSetting(child, [...path, key], mark));
  return path.length > 0 && lines[0] === '' ? lines.slice(1) : lines;
}

function renderSetting(schema: Schema, path: readonly string[], mark: string): string[] {
  const { inner, description, defaultValue, required } = toField(schema);
  const indent = '  '.repeat(path.length - 1);
  const key = path.at(-1) ?? '';
  const comments = [description, describeChoices(inner)]
    .filter((comment) => comment !== undefined)
    .flatMap((comment) => wrap(comment, 100 - indent.length))
    .map((line) => `${indent}# ${line}`);
  const gap = path.length === 1 || comments.length > 0 || childrenOf(inner) !== undefined ? [''] : [];

  if (inner instanceof z.ZodObject) {
    const optional = isOptional(schema) ? '#' : mark;
    return [...gap, ...comments, `${indent}${optional}${key}:`, ...renderSection(inner, path, optional)];
  }
  if (inner instanceof z.ZodUnion) {
    const alternatives = optionsOf(inner).map((option) => inline(exampleOf(option, path)));
    const chosen = inline(defaultValue);
    const others = alternatives.filter((alternative) => alternative !== chosen).map((other) => `${indent}# or: ${key}: ${other}`);
    return [...gap, ...comments, ...others, `${indent}#${key}: ${chosen}`];
  }
  const value = defaultValue ?? exampleOf(inner, path);
  return [...gap, ...comments, `${indent}${required ? mark : '#'}${key}: ${inline(value)}`];
}

/** A section that is absent unless it is written, as against one that is filled with defaults. */
function isOptional(schema: Schema): boolean {
  return schema instanceof z.ZodOptional;
}

function exampleOf(schema: Schema, path: readonly string[]): unknown {
  const { inner } = toField(schema);
  if (inner instanceof z.ZodLiteral) return inner.value;
  const children = childrenOf(inner);
  if (children !== undefined) {
    return Object.fromEntries([...children].map(([key, child]) => [key, exampleOf(child, [...path, key])]));
  }
  const name = path.join('.');
  if (!(name in examples)) throw new Error(`${name} has neither a default nor an example; add an example to src/config/sample.ts`);
  return examples[name];
}

function describeChoices(inner: Schema): string | undefined {
  return inner instanceof z.ZodEnum ? `One of: ${inner.options.join(', ')}.` : undefined;
}

function inline(value: unknown): string {
  return stringify(value, { collectionStyle: 'flow', lineWidth: 0, flowCollectionPadding: false }).trimEnd();
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines.splice(-1, 1, `${last} ${word}`);
    else lines.push(word);
  }
  return lines;
}
