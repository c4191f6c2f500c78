import { PermanentFailure } from '../../contract/errors.js';
import { parseContainer, parseContainerEnvironmentValue, parseImage, parseVolume, type ContainerFacts, type ImageFacts, type VolumeFacts } from './dockerInspect.js';
import { readDockerSocket } from './dockerSocket.js';
import { CommandFailed, type Run } from '../processes/runner.js';

/** One line that a container wrote. */
export interface LogLine {
  /** RFC 3339 with nanoseconds. */
  readonly at: string;
  readonly text: string;
}

/** Docker, asked for its containers, volumes and images by name or id. */
export interface Docker {
  /** Undefined where there is no such container. */
  readonly readContainer: (container: string) => Promise<ContainerFacts | undefined>;
  /** The ids of all containers, those that do not run included. */
  readonly readContainerIds: () => Promise<readonly string[]>;
  /** The names of the containers that run. */
  readonly readRunning: () => Promise<readonly string[]>;
  /** Restarts the daemon as the host's systemd does, and with it every container that is to start by itself. */
  readonly restartDaemon: () => Promise<void>;
  /** One value of a container's environment, which may be a secret; undefined where it is not set. */
  readonly readEnvironmentValue: (options: { container: string; name: string }) => Promise<string | undefined>;
  /** Undefined where there is no such volume. */
  readonly readVolume: (name: string) => Promise<VolumeFacts | undefined>;
  /** Undefined where the image is not on this host. */
  readonly readImage: (reference: string) => Promise<ImageFacts | undefined>;
  /**
   * Of what a container wrote since a time, the lines that are wanted, oldest first; a busy day does not have to fit into memory.
   * Undefined where there is no such container.
   */
  readonly readLogs: (options: { container: string; since: Date; wanted: (text: string) => boolean }) => Promise<readonly LogLine[] | undefined>;
  /**
   * Makes Docker start a container by itself, or not. A container is stopped only after this, since
   * Docker starts one with `always` again when the daemon or the host restarts.
   *
   * @param policy - `no`, `always`, `unless-stopped` or `on-failure:3`.
   * @returns What was in force before.
   * @throws PermanentFailure where there is no such container.
   */
  readonly ensureRestartPolicy: (options: { container: string; policy: string }) => Promise<{ changed: boolean; previous: string }>;
}

/** Where the Engine API has what `docker <kind> inspect` shows. */
const apiPaths = {
  container: (name: string) => `/containers/${name}/json`,
  image: (name: string) => `/images/${name}/json`,
  volume: (name: string) => `/volumes/${name}`,
} as const;

/** Where the daemon listens by default. */
export const dockerSocketPath = '/var/run/docker.sock';

const isMissing = /no such (container|volume|image|object)/i;

/**
 * Docker through its command line.
 *
 * @param socketPath - The daemon's socket, by which things are looked at; without it the command line is asked.
 */
export function createDocker({ run, socketPath }: { run: Run; socketPath?: string }): Docker {
  const inspect = async (kind: keyof typeof apiPaths, name: string): Promise<string | undefined> => {
    if (socketPath !== undefined) {
      const answer = await readDockerSocket(socketPath, apiPaths[kind](encodeURIComponent(name)));
      if (answer !== undefined) return 'missing' in answer ? undefined : `[${answer.body}]`;
    }
    try {
      return (await run('docker', [kind, 'inspect', name])).stdout;
    } catch (error) {
      if (error instanceof CommandFailed && isMissing.test(error.stderr)) return undefined;
      throw error;
    }
  };
  const readContainer = async (container: string) => parsed(await inspect('container', container), parseContainer);
  return {
    readContainer,
    readContainerIds: async () => (await run('docker', ['ps', '--all', '--quiet', '--no-trunc'])).stdout.split('\n').filter((id) => id !== ''),
    readRunning: async () => (await run('docker', ['ps', '--format', '{{.Names}}'])).stdout.split('\n').filter((name) => name !== ''),
    restartDaemon: async () => {
      await run('systemctl', ['restart', 'docker'], { timeout: 'service' });
    },
    readEnvironmentValue: async ({ container, name }) =>
      parsed(await inspect('container', container), (json) => parseContainerEnvironmentValue(json, name)),
    readVolume: async (name) => parsed(await inspect('volume', name), parseVolume),
    readImage: async (reference) => parsed(await inspect('image', reference), parseImage),
    readLogs: async ({ container, since, wanted }) => {
      // Looked at first: what the command says of a missing container comes among the lines, and tells nobody.
      if ((await readContainer(container)) === undefined) return undefined;
      // One stream: with the time before each line they are told apart, and come in order, as well as from two.
      const lines: LogLine[] = [];
      await run('docker', ['logs', '--timestamps', '--since', since.toISOString(), container], {
        timeout: 'service',
        mergeOutput: true,
        onLine: (line) => {
          const match = /^(\d{4}-\S+) ?(.*?)\r?$/.exec(line);
          if (match?.[1] !== undefined && wanted(match[2] ?? '')) lines.push({ at: match[1], text: match[2] ?? '' });
        },
      });
      return lines.sort((one, other) => (one.at < other.at ? -1 : one.at > other.at ? 1 : 0));
    },
    ensureRestartPolicy: async ({ container, policy }) => {
      const before = present(container, await readContainer(container));
      if (before.restartPolicy === policy) return { changed: false, previous: policy };
      await run('docker', ['update', '--restart', policy, container]);
      const after = present(container, await readContainer(container));
      if (after.restartPolicy !== policy) throw new Error(`container ${container} has the restart policy ${after.restartPolicy} after it was set to ${policy}`);
      return { changed: true, previous: before.restartPolicy };
    },
  };
}

function parsed<Facts>(json: string | undefined, parse: (json: string) => Facts): Facts | undefined {
  return json === undefined ? undefined : parse(json);
}

function present(container: string, facts: ContainerFacts | undefined): ContainerFacts {
  if (facts) return facts;
  throw new PermanentFailure(`there is no container ${container}`, 'compare its name with docker ps --all');
}
