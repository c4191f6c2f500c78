import { z } from 'zod';
import { PermanentFailure } from '../../contract/errors.js';
import { parseComposeConfig, parseEnvironmentValue, type ComposeConfig } from './composeConfig.js';
import { CommandFailed, type Run, type RunOptions } from '../processes/runner.js';

/** A container of the project, as `docker compose ps` lists it. */
export interface ComposeContainer {
  readonly service: string;
  readonly name: string;
  readonly id: string;
  /** `running`, `exited`, `created`, `restarting`, … */
  readonly state: string;
  /** `healthy`, `unhealthy`, `starting`; undefined without a health check. */
  readonly health: string | undefined;
  readonly exitCode: number;
}

/** The daemon says that it has given a container's port on the host to another one. */
export class PortTaken extends Error {
  override readonly name = 'PortTaken';

  /** @param port - Such as `127.0.0.1:1900`. */
  constructor(
    readonly port: string,
    options: ErrorOptions,
  ) {
    super(`Docker has given ${port} to another container already`, options);
  }
}

/** Compose for one project. */
export interface Compose {
  /** Such as `2.28.1`, or `dev` where it was built from source. The overlay needs at least 2.24.4. */
  readonly readVersion: () => Promise<string>;
  /**
   * The project as Compose resolves it.
   *
   * @param files - Read with these compose files instead of the selected ones.
   */
  readonly readConfig: (options?: { files?: readonly string[] }) => Promise<ComposeConfig>;
  /** One value of a service's environment, which may be a secret; undefined where it is not set. */
  readonly readEnvironmentValue: (options: { service: string; name: string }) => Promise<string | undefined>;
  /** Containers of the project, stopped ones included. */
  readonly readContainers: () => Promise<readonly ComposeContainer[]>;
  /**
   * Creates and starts services, and recreates those whose definition changed. Never builds an image,
   * and pulls one only where `pull` says so: a new image in a maintenance window is another change.
   *
   * @throws CommandFailed, also where `wait` is set and a service does not become healthy in time; {@link PortTaken}.
   */
  readonly up: (options: {
    services: readonly string[];
    /** Waits until the services run and are healthy. */
    wait?: boolean;
    /** For `wait`; default 300. */
    timeoutSeconds?: number;
    /** Leaves alone what the services depend on. */
    noDeps?: boolean;
    /** Default `never`. */
    pull?: 'never' | 'missing';
    /** What a container that is recreated gets to shut down; Docker's own 10 s are too short for a database. */
    shutdownTimeoutSeconds?: number;
    signal?: AbortSignal;
  }) => Promise<void>;
  /** Stops services in the order of their dependencies; Docker kills what has not ended after the timeout. */
  readonly stop: (options: { services: readonly string[]; timeoutSeconds: number; signal?: AbortSignal }) => Promise<void>;
}

// Each would win over the project's own .env.
const composeVariables = [
  'COMPOSE_FILE',
  'COMPOSE_PROJECT_NAME',
  'COMPOSE_PROFILES',
  'COMPOSE_PATH_SEPARATOR',
  'COMPOSE_ENV_FILES',
  'COMPOSE_DISABLE_ENV_FILE',
  'COMPOSE_IGNORE_ORPHANS',
  'COMPOSE_REMOVE_ORPHANS',
  'COMPOSE_CONVERT_WINDOWS_PATHS',
  'COMPOSE_PARALLEL_LIMIT',
  'COMPOSE_STATUS_STDOUT',
  'COMPOSE_PROGRESS',
  'COMPOSE_EXPERIMENTAL',
  'COMPOSE_MENU',
];

/** Exit statuses of Compose (its `FileNotFoundFailure` and `ComposeParseFailure`): trying again helps with none of them. */
const projectFaults: ReadonlyMap<number | undefined, string> = new Map([
  [14, 'a compose file, or a file that one of them names, is missing'],
  [15, 'a compose file cannot be understood'],
]);

const containerSchema = z.looseObject({
  ID: z.string(),
  Name: z.string(),
  Service: z.string(),
  State: z.string(),
  Health: z.string().optional(),
  ExitCode: z.number(),
});

/**
 * @param projectDirectory - Where `.env` and the compose files lie; its `.env` selects the files.
 * @param files - Compose files in the place of the selected ones.
 */
export function createCompose({ run, projectDirectory, files = [] }: { run: Run; projectDirectory: string; files?: readonly string[] }): Compose {
  const compose = async (command: readonly string[], options: RunOptions = {}, chosen = files): Promise<string> => {
    const args = [
      ...composeVariables.flatMap((name) => ['-u', name]),
      ...['docker', 'compose', '--ansi', 'never', '--project-directory', projectDirectory],
      ...chosen.flatMap((file) => ['--file', file]),
      ...command,
    ];
    try {
      return (await run('env', args, { cwd: projectDirectory, ...options })).stdout;
    } catch (error) {
      if (!(error instanceof CommandFailed)) throw error;
      const fault = projectFaults.get(error.exitCode);
      if (fault !== undefined) {
        throw new PermanentFailure(`docker compose ${command[0] ?? ''}: ${fault}`, `"docker compose config --quiet" in ${projectDirectory} names it; mend it, then retry`);
      }
      throw new CommandFailed(`docker compose ${command[0] ?? ''}`, error.exitCode, error.how, error);
    }
  };
  const readConfigJson = (chosen?: readonly string[]) => compose(['config', '--format', 'json'], {}, chosen);
  return {
    readVersion: async () => (await compose(['version', '--short'])).trim(),
    readConfig: async (options) => parseComposeConfig(await readConfigJson(options?.files)),
    readEnvironmentValue: async (wanted) => parseEnvironmentValue(await readConfigJson(), wanted),
    readContainers: async () => parseContainers(await compose(['ps', '--all', '--format', 'json'])),
    up: async (options) => {
      const { services, wait, timeoutSeconds = 300, noDeps, pull = 'never', shutdownTimeoutSeconds, signal } = options;
      const command = [
        ...['up', '--detach', '--no-build', '--pull', pull],
        ...(noDeps === true ? ['--no-deps'] : []),
        ...(wait === true ? ['--wait', '--wait-timeout', String(timeoutSeconds)] : []),
        ...(shutdownTimeoutSeconds === undefined ? [] : ['--timeout', String(shutdownTimeoutSeconds)]),
        ...services,
      ];
      try {
        await compose(command, { timeout: 'service', ...(signal ? { signal } : {}) });
      } catch (error) {
        const port = error instanceof CommandFailed ? /Bind for (\S+) failed: port is already allocated/.exec(error.stderr)?.[1] : undefined;
        throw port === undefined ? error : new PortTaken(port, { cause: error });
      }
    },
    stop: async ({ services, timeoutSeconds, signal }) => {
      const command = ['stop', '--timeout', String(timeoutSeconds), ...services];
      await compose(command, { timeout: 'service', ...(signal ? { signal } : {}) });
    },
  };
}

/** One array, or since Compose 2.21 one object a line. */
function parseContainers(output: string): readonly ComposeContainer[] {
  const text = output.trim();
  const found: unknown[] = text.startsWith('[') ? z.array(z.unknown()).parse(JSON.parse(text)) : text.split('\n').filter(Boolean).map((line): unknown => JSON.parse(line));
  return found.map((entry) => {
    const { ID, Name, Service, State, Health, ExitCode } = containerSchema.parse(entry);
    return { service: Service, name: Name, id: ID, state: State, health: Health === '' ? undefined : Health, exitCode: ExitCode };
  });
}
