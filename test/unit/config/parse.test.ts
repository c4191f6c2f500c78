import { describe, expect, it } from 'vitest';
import { PermanentFailure } from '../../../src/contract/errors.js';
import { parseConfig } from '../../../src/config/parse.js';
import { configSchema } from '../../../src/config/schema.js';

function failureOf(text: string): PermanentFailure {
  try {
    parseConfig(text, 'lockstep.yaml');
  } catch (error) {
    if (error instanceof PermanentFailure) return error;
    throw error;
  }
  throw new Error('the text was accepted');
}

function problemsOf(text: string): string[] {
  return failureOf(text).fact.split('\n').slice(1).map((line) => line.trim());
}

describe('the text of lockstep.yaml', () => {
  it('needs no more than a host', () => {
    expect(parseConfig('host: db1\n', 'lockstep.yaml')).toEqual(configSchema.parse({ host: 'db1' }));
  });

  it('may leave a section empty', () => {
    const text = 'host: db1\nvolume:\n  argon2id:\ndeployment:\n  database:\n    # name: x\nmaintenance:\n  window:\n';
    expect(parseConfig(text, 'lockstep.yaml')).toEqual(configSchema.parse({ host: 'db1' }));
  });

  it('lists every problem at once, in the order of the file, and says what to do', () => {
    const failure = failureOf('host: db1\nwatch:\n  daySeconds: "30"\nvolume:\n  growthPercent: -1\n  size: 3\n');
    expect(failure.fact).toBe(
      [
        'lockstep.yaml has 3 problems:',
        '  At watch.daySeconds: expected a number, found "30" (line 3)',
        '  At volume.growthPercent: expected at least 0, found -1 (line 5)',
        '  volume.size is not known (line 6)',
      ].join('\n'),
    );
    expect(failure.nextMove).toContain('docs/lockstep.sample.yaml');
  });

  it.each([
    ['volume: {mountpoint: /x}', 'volume.mountpoint is not known; did you mean volume.mountPoint? (line 2)'],
    ['volume: {mount_point: /x}', 'volume.mount_point is not known; did you mean volume.mountPoint? (line 2)'],
    ['preflight: {requireAse: true}', 'preflight.requireAse is not known; did you mean preflight.requireAes? (line 2)'],
    ['growthPercent: 3', 'growthPercent is not known; did you mean volume.growthPercent? (line 2)'],
    ['maintenance: {mode: {kind: file, path: /x, paths: 1}}', 'maintenance.mode.paths is not known; did you mean maintenance.mode.path? (line 2)'],
    ['<<: {a: 1}', '<< is not known (line 2)'],
    ['__proto__: {a: 1}', '__proto__ is not known (line 2)'],
  ])('knows what %s was meant to be', (line, problem) => {
    expect(problemsOf(`host: db1\n${line}\n`)).toEqual([problem]);
  });

  it.each([
    ['volume: 5', 'At volume: expected a section with keys, found 5 (line 2)'],
    ['volume: {growthPercent: 1001}', 'At volume.growthPercent: expected at most 1000, found 1001 (line 2)'],
    ['watch: {daySeconds: 0.5}', 'At watch.daySeconds: expected a whole number, found 0.5 (line 2)'],
    ['watch: {daySeconds: 0}', 'At watch.daySeconds: expected more than 0, found 0 (line 2)'],
    ['watch: {daySeconds: }', 'At watch.daySeconds: expected a number, found nothing (line 2)'],
    ['preflight: {requireAes: yes}', 'At preflight.requireAes: expected true or false, found "yes" (line 2)'],
    ['volume: {file: disk.img}', 'At volume.file: expected an absolute path without a slash at its end, found "disk.img" (line 2)'],
    ['backup: {filesystemCopy: rsync}', 'At backup.filesystemCopy: expected one of none, pg_basebackup, found "rsync" (line 2)'],
    ['maintenance: {mode: {kind: page}}', 'At maintenance.mode.kind: expected one of file, hook, stop, found "page" (line 2)'],
    ['maintenance: {mode: {kind: file}}', 'At maintenance.mode.path: required but missing, expected a text (line 2)'],
    ['maintenance: {mode: {kind: hook, on: [], off: [a]}}', 'At maintenance.mode.on: expected at least 1 items, found an empty list (line 2)'],
    [
      'maintenance: {window: {opensAt: 2026-01-31 22:00}}',
      'At maintenance.window.opensAt: expected a date and time with its offset, such as 2026-01-31T22:00:00+01:00, found "2026-01-31 22:00" (line 2)',
    ],
    ['deployment:\n  application:\n    baseUrl: here', 'At deployment.application.baseUrl: expected a URL, found "here" (line 4)'],
    [
      'secrets: {backupPassphrase: "exec:pass"}',
      'At secrets.backupPassphrase: expected a reference to a secret: "ask:", "file:/absolute/path", "systemd-credential:NAME" or {exec: [program, argument, …]}, found something else (not shown, in case it is the secret itself) (line 2)',
    ],
    [
      'people: {emergencyContacts: [{name: A, phone: "1", timeZone: Berlin}]}',
      'At people.emergencyContacts.0.timeZone: expected a time zone by its IANA name, such as Europe/Berlin, found "Berlin" (line 2)',
    ],
    ['people: {keyHolders: [{name: A, role: x}, {name: a, role: y}]}', 'At people.keyHolders: expected a list in which each name stands once, found a list (line 2)'],
    ['people: {keyHolders: [{name: A, role: x, mfa: yes}]}', 'At people.keyHolders.0.mfa: expected true or false, found "yes" (line 2)'],
    ['deployment: {database: {countedTables: [a, 5]}}', 'At deployment.database.countedTables.1: expected a text, found 5 (line 2)'],
  ])('says of %s what was expected and what was found', (line, problem) => {
    expect(problemsOf(`host: db1\n${line}\n`)).toEqual([problem]);
  });

  it.each(['', '# nothing yet\n', '---\n'])('says of %j that the host is missing', (text) => {
    expect(problemsOf(text)).toEqual(['At host: required but missing, expected a text (line 1)']);
  });

  it.each([
    ['host: db1\nhost: db2\n', 'line 2, column 1: the same key stands twice in one section'],
    ['host: db1\nvolume:\n\tname: x\n', 'line 3, column 1: a tab as indentation; use spaces'],
    ['host: db1\n---\nhost: db2\n', 'line 2, column 1: a second document begins; one file holds one'],
    ['host: !js db1\n', 'line 1, column 7: Unresolved tag: !js'],
    ['auditLog: &log /var/log/a\nstateDirectory: *log\n', 'line 2, column 17: an alias; write the value out'],
    ['host: *db\n', 'line 1, column 7: an alias; write the value out'],
  ])('gives line and column of what is wrong in %j', (text, problem) => {
    expect(problemsOf(text)).toContain(problem);
  });

  it.each([
    'secrets: {operationalPassphrase: canary}',
    'secrets: {backupPassphrase: "file:canary"}',
    'secrets: canary',
    'secrets: [canary]',
    'secrets: {recoveryPassphrase: {value: canary}}',
    'secrets: {passphrase: canary}',
    'secrets: {backupPassphrase: {exec: canary}}',
    'secrets: {backupPassphrase: {exec: [op, "canary\\0"]}}',
    'secrets: {backupPassphrase: {exec: [op], timeoutSeconds: canary}}',
    'secrets: {backupPassphrase: [canary]}',
    'verification: {testAccount: {email: a@example.com, password: canary}}',
    'verification: {testAccount: canary}',
    'secrets: {operationalPassphrase: "canary}',
    'secrets: {operationalPassphrase: ask:, operationalPassphrase: canary}',
  ])('never quotes a secret that was written where a reference belongs: %s', (line) => {
    expect(failureOf(`host: db1\n${line}\n`).message).not.toContain('canary');
  });
});
