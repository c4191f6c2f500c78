import { describe, expect, it } from 'vitest';
import { parseSecretReference } from '../../../src/config/secretReference.js';

describe('a reference to a secret', () => {
  it.each([
    ['ask:', { kind: 'ask' }],
    ['file:/etc/lockstep/backup key', { kind: 'file', path: '/etc/lockstep/backup key' }],
    ['systemd-credential:backup.passphrase', { kind: 'systemd-credential', credential: 'backup.passphrase' }],
    [{ exec: ['op', 'read', 'op://a b/c'] }, { kind: 'exec', command: ['op', 'read', 'op://a b/c'], timeoutSeconds: 30 }],
    [{ exec: ['/usr/bin/pass'], timeoutSeconds: 5 }, { kind: 'exec', command: ['/usr/bin/pass'], timeoutSeconds: 5 }],
  ])('tells where it comes from: %j', (setting, reference) => {
    expect(parseSecretReference('backupPassphrase', setting)).toEqual(reference);
  });

  it.each([
    'canary',
    'file:canary',
    'file:',
    'ask:canary',
    'file:/canary\n',
    '',
    'systemd-credential:',
    'systemd-credential:../canary',
    'systemd-credential:a/canary',
    'systemd-credential:..',
    'systemd-credential:canary\n',
    'exec:canary',
    { exec: 'canary' },
    { exec: [] },
    { exec: [''] },
    { exec: ['op', 'canary\0'] },
    { exec: ['op'], timeoutSeconds: 0, value: 'canary' },
    ['op', 'canary'],
    undefined,
  ])('refuses %j without quoting it', (setting) => {
    const parse = () => parseSecretReference('backupPassphrase', setting);
    expect(parse).toThrow('backupPassphrase is no reference to a secret; write "ask:"');
    expect(parse).not.toThrow('canary');
  });
});
