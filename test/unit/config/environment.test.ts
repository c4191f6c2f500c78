import { homedir, userInfo } from 'node:os';
import { describe, expect, it } from 'vitest';
import { readEnvironment } from '../../../src/config/environment.js';

describe('the environment', () => {
  it('has a value for everything where nothing is set', () => {
    expect(readEnvironment({})).toEqual({
      configPath: '/etc/lockstep/lockstep.yaml',
      cacheDirectory: `${homedir()}/.cache/lockstep`,
      color: true,
      ci: false,
      notifies: false,
      person: userInfo().username,
    });
  });

  it('takes an empty variable for one that is not set', () => {
    const names = ['LOCKSTEP_CONFIG', 'XDG_CACHE_HOME', 'HOME', 'NO_COLOR', 'SUDO_USER', 'USER', 'SSH_CLIENT', 'SSH_CONNECTION', 'CI', 'NOTIFY_SOCKET', 'CREDENTIALS_DIRECTORY'];
    expect(readEnvironment(Object.fromEntries(names.map((name) => [name, ''])))).toEqual(readEnvironment({}));
  });

  it('names the person behind sudo, and where they come from', () => {
    const environment = readEnvironment({ SUDO_USER: 'admin', USER: 'root', SSH_CLIENT: '192.168.1.50 53122 22' });
    expect(environment).toMatchObject({ person: 'admin', sshFrom: '192.168.1.50' });
    expect(readEnvironment({ USER: 'operator', SSH_CONNECTION: '2001:db8::1 5 2001:db8::2 22' })).toMatchObject({
      person: 'operator',
      sshFrom: '2001:db8::1',
    });
  });

  it('makes the configuration path absolute', () => {
    expect(readEnvironment({ LOCKSTEP_CONFIG: 'lockstep.yaml' }).configPath).toBe(`${process.cwd()}/lockstep.yaml`);
  });

  it('looks for the cache where XDG says, unless that is a relative path', () => {
    expect(readEnvironment({ XDG_CACHE_HOME: '/var/cache', HOME: '/home/admin' }).cacheDirectory).toBe('/var/cache/lockstep');
    expect(readEnvironment({ XDG_CACHE_HOME: 'cache', HOME: '/home/admin' }).cacheDirectory).toBe('/home/admin/.cache/lockstep');
  });

  it('knows the files that the variables of Temporal name', () => {
    expect(readEnvironment({ TEMPORAL_CONFIG_FILE: '/a.toml', TEMPORAL_TLS_CLIENT_KEY_PATH: '/key.pem', TEMPORAL_TLS_CLIENT_CERT_PATH: '' })).toMatchObject({
      temporalConfigFile: '/a.toml',
      temporalTlsFiles: { TEMPORAL_TLS_CLIENT_KEY_PATH: '/key.pem' },
    });
  });

  it('knows where systemd put the credentials of a unit', () => {
    expect(readEnvironment({ CREDENTIALS_DIRECTORY: '/run/credentials/lockstep-worker.service' }).credentialsDirectory).toBe('/run/credentials/lockstep-worker.service');
  });

  it('knows NO_COLOR and CI', () => {
    expect(readEnvironment({ NO_COLOR: '0', CI: 'true' })).toMatchObject({ color: false, ci: true });
    expect(readEnvironment({ CI: 'false' }).ci).toBe(false);
  });
});
