import { stringify } from 'yaml';
import { z } from 'zod';
import { configSchema } from './schema.js';
import { secretReferenceSchema } from './secretReferenceSchema.js';
import { childrenOf, elementOf, optionsOf, toField, type Schema } from './schemaTree.js';

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
  'audit.anchors.to.path': '/mnt/elsewhere/db1.anchors',
  'audit.anchors.to.remote': 'git@example.com:anchors.git',
  'volume.device': '/dev/vg0/pg-data',
  'maintenance.window.opensAt': '2026-01-31T22:00:00+01:00',
  'maintenance.mode.path': '/opt/supersync/maintenance',
  'maintenance.mode.on': ['/usr/local/sbin/maintenance', 'on'],
  'maintenance.mode.off': ['/usr/local/sbin/maintenance', 'off'],
  'people.places.operational': '1Password vault "SuperSync Production", entry "SuperSync LUKS Operational Key"',
  'people.places.recovery': 'physical safe in [LOCATION], sealed envelope',
  'people.places.recoveryCopy': 'bank safe deposit box [LOCATION]',
  'people.places.backup': '1Password "SuperSync Backups"',
  'people.places.testAccount': '1Password vault "SuperSync Production", entry "Lockstep test account"',
  'verification.testAccount.email': 'lockstep@example.com',
  'verification.testAccount.password': 'file:/etc/lockstep/test-account.password',
  'signatures.allowedSigners': '/etc/lockstep/allowed_signers',
  'alerts.channels.host': 'smtp.example.org',
  'alerts.channels.port': 587,
  'alerts.channels.caFile': '/etc/lockstep/mail-ca.pem',
  'alerts.channels.user': 'lockstep',
  'alerts.channels.password': 'file:/etc/lockstep/mail.password',
  'alerts.channels.from': 'lockstep@example.org',
  'alerts.channels.to': ['ops@example.org'],
  'alerts.channels.url': 'https://alerts.example.org/lockstep',
  'alerts.channels.bearerToken': 'file:/etc/lockstep/webhook.token',
  'alerts.channels.headers': { 'X-Api-Key': 'file:/etc/lockstep/webhook.key' },
  'alerts.channels.command': ['/usr/local/sbin/page-somebody', '--from-lockstep'],
  'alerts.channels.only': ['warning', 'critical'],
};

/** Other values that are worth seeing, beside the default or the example. */
const alternatives: Readonly<Record<string, readonly unknown[]>> = {
  'secrets.operationalPassphrase': [{ exec: ['op', 'read', 'op://SuperSync Production/SuperSync LUKS Operational Key/password'], timeoutSeconds: 30 }],
  'secrets.backupPassphrase': ['systemd-credential:backup-passphrase', 'file:/etc/lockstep/backup.passphrase', { exec: ['pass', 'show', 'supersync/backups'] }],
  'verification.testAccount.password': ['ask:', { exec: ['vault', 'kv', 'get', '-field=password', 'secret/lockstep-test-account'] }],
};

/** Lists whose items have keys of their own are shown filled in, since no default shows those. */
const filledIn: Readonly<Record<string, unknown>> = {
  'people.keyHolders': [
    { name: '[Name 1]', role: 'Primary Admin', operational: true, recovery: true, mfa: true, login: 'admin', phone: '[Phone]', email: 'admin@example.com', timeZone: 'Europe/Berlin' },
    { name: '[Name 2]', role: 'Backup Admin', operational: true, recovery: true, mfa: true, phone: '[Phone]' },
    { name: '[Name 3]', role: 'Emergency Contact', recovery: true, mfa: true, phone: '[Phone]' },
  ],
  'people.emergencyContacts': [
    { name: '[Name 3]', phone: '[Phone]', timeZone: 'Europe/Berlin', note: 'has the key of the safe' },
    { name: '[Name 4]', phone: '[Phone]', timeZone: 'America/New_York' },
  ],
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
  const value = inline(defaultValue ?? exampleOf(inner, path));
  const others = alternativesOf(inner, path).map(inline).filter((other) => other !== value);
  const lines = [...others.map((other) => `${indent}# or: ${key}: ${other}`), ...renderFilledIn(path, indent), ...renderEntries(inner, path, indent)];
  return [...(lines.length > 0 && gap.length === 0 ? [''] : gap), ...comments, ...lines, `${indent}${required ? mark : '#'}${key}: ${value}`];
}

/** Of a choice between sections, each of them. */
function alternativesOf(inner: Schema, path: readonly string[]): readonly unknown[] {
  if (inner instanceof z.ZodUnion && inner !== secretReferenceSchema) return optionsOf(inner).map((option) => exampleOf(option, path));
  return alternatives[path.join('.')] ?? [];
}

function renderFilledIn(path: readonly string[], indent: string): string[] {
  const value = filledIn[path.join('.')];
  if (value === undefined) return [];
  const lines = stringify({ [path.at(-1) ?? '']: value }, { lineWidth: 0 }).trimEnd().split('\n');
  return [`${indent}# for example:`, ...lines.map((line) => `${indent}#   ${line}`)];
}

/** What may stand in a list of sections: each kind in full. */
function renderEntries(list: Schema, path: readonly string[], indent: string): string[] {
  const element = elementOf(list);
  if (element === undefined || childrenOf(element) === undefined || path.join('.') in filledIn) return [];
  const entries = optionsOf(element).map((option) => exampleOf(option, path));
  return ['such as:', ...stringify(entries, { lineWidth: 0, aliasDuplicateObjects: false }).trimEnd().split('\n')].map((line) => `${indent}# ${line}`);
}

/** A section that is absent unless it is written, as against one that is filled with defaults. */
function isOptional(schema: Schema): boolean {
  return schema instanceof z.ZodOptional;
}

function exampleOf(schema: Schema, path: readonly string[]): unknown {
  const { inner, defaultValue } = toField(schema);
  const name = path.join('.');
  if (name in examples) return examples[name];
  if (inner instanceof z.ZodLiteral) return inner.value;
  if (defaultValue !== undefined) return defaultValue;
  const children = childrenOf(inner);
  if (children !== undefined) {
    return Object.fromEntries([...children].map(([key, child]) => [key, exampleOf(child, [...path, key])]));
  }
  throw new Error(`${name} has neither a default nor an example; add an example to src/config/sample.ts`);
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
