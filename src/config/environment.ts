import { homedir, userInfo } from 'node:os';
import { join, resolve } from 'node:path';

/** Where lockstep.yaml lies unless LOCKSTEP_CONFIG names another file. */
export const defaultConfigPath = '/etc/lockstep/lockstep.yaml';

/** What Lockstep takes from the environment of its process, and nothing else does. */
export interface Environment {
  /** LOCKSTEP_CONFIG as an absolute path, or {@link defaultConfigPath}. */
  readonly configPath: string;
  /** Lockstep's folder under XDG_CACHE_HOME, or under `.cache` in the home directory. */
  readonly cacheDirectory: string;
  /** What TEMPORAL_CONFIG_FILE names; Temporal's own library takes a missing one without a word. */
  readonly temporalConfigFile?: string;
  /** What the variables of Temporal's TLS name, by variable; absent where none is set. Temporal's own library reads them. */
  readonly temporalTlsFiles?: Readonly<Record<string, string>>;
  /** False where NO_COLOR is set to anything but nothing (https://no-color.org). */
  readonly color: boolean;
  /** True where CI is set: nobody is there to be asked. */
  readonly ci: boolean;
  /** True where NOTIFY_SOCKET is set: systemd waits to be told that this process is up. */
  readonly notifies: boolean;
  /** CREDENTIALS_DIRECTORY: where systemd put the credentials of this unit (systemd.exec(5)); absent outside of one, and in one without any. */
  readonly credentialsDirectory?: string;
  /** Who is at the terminal, as claimed: the person behind sudo, else the user. */
  readonly person: string;
  /** The address that the terminal is reached from, as claimed by SSH; absent on a console, and under a sudo that drops it. */
  readonly sshFrom?: string;
}

/**
 * Reads the process's environment; the only place that does. Empty variables count as not set.
 *
 * @param variables - Default: those of this process.
 */
export function readEnvironment(variables: NodeJS.ProcessEnv = process.env): Environment {
  const read = (name: string) => (variables[name] === '' ? undefined : variables[name]);
  const configPath = read('LOCKSTEP_CONFIG');
  const temporalConfigFile = read('TEMPORAL_CONFIG_FILE');
  const temporalTlsFiles = Object.fromEntries(tlsVariables.flatMap((name) => (read(name) === undefined ? [] : [[name, read(name) ?? '']])));
  const credentialsDirectory = read('CREDENTIALS_DIRECTORY');
  const sshFrom = (read('SSH_CONNECTION') ?? read('SSH_CLIENT'))?.split(' ')[0];
  return {
    configPath: configPath === undefined ? defaultConfigPath : resolve(configPath),
    cacheDirectory: join(cacheHome(read('XDG_CACHE_HOME'), read('HOME')), 'lockstep'),
    color: read('NO_COLOR') === undefined,
    ci: !['0', 'false', undefined].includes(read('CI')),
    notifies: read('NOTIFY_SOCKET') !== undefined,
    person: read('SUDO_USER') ?? read('USER') ?? userInfo().username,
    ...(temporalConfigFile === undefined ? {} : { temporalConfigFile }),
    ...(Object.keys(temporalTlsFiles).length === 0 ? {} : { temporalTlsFiles }),
    ...(credentialsDirectory === undefined ? {} : { credentialsDirectory }),
    ...(sshFrom === undefined ? {} : { sshFrom }),
  };
}

/** Where systemd put this unit's credentials, as a setting that may be absent. */
export function credentialsOf({ credentialsDirectory }: Environment): Pick<Environment, 'credentialsDirectory'> {
  return credentialsDirectory === undefined ? {} : { credentialsDirectory };
}

/** Those of Temporal's own that name a file, beside the one with profiles. */
const tlsVariables = ['TEMPORAL_TLS_CLIENT_CERT_PATH', 'TEMPORAL_TLS_CLIENT_KEY_PATH', 'TEMPORAL_TLS_SERVER_CA_CERT_PATH'] as const;

/** The XDG specification has relative paths ignored; a service without HOME still has a home in the user database. */
function cacheHome(xdgCacheHome: string | undefined, home: string | undefined): string {
  if (xdgCacheHome?.startsWith('/')) return xdgCacheHome;
  return join(home ?? homedir(), '.cache');
}
