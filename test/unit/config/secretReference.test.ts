import { describe, expect, it } from 'vitest';
import { parseSecretReference } from '../../../src/config/secretReference.js';

describe('a reference to a secret', () => {
  it('tells a person from a file', () => {
    expect(parseSecretReference('backupPassphrase', 'ask:')).toEqual({ kind: 'ask' });
    expect(parseSecretReference('backupPassphrase', 'file:/etc/lockstep/backup key')).toEqual({
      kind: 'file',
      path: '/etc/lockstep/backup key',
    });
  });

  it.each(['canary', 'file:canary', 'file:', 'ask:canary', 'file:/canary\n', ''])('refuses %j without quoting it', (text) => {
    const parse = () => parseSecretReference('backupPassphrase', text);
    expect(parse).toThrow('backupPassphrase is no reference to a secret; write "ask:"');
    expect(parse).not.toThrow('canary');
  });
});
