import { setTimeout as sleep } from 'node:timers/promises';
import { PermanentFailure } from '../contract/errors.js';
import { parseContainer, parseContainerEnvironmentValue, parseImage, parseVolume, type ContainerFacts, type ImageFacts, type VolumeFacts } from './dockerInspect.js';
import { readDockerSocket } from './dockerSocket.js';
import { CommandFailed, type Run } from './runner.js';

/** One line that a container wrote. */
export interface LogLine {
  /** RFC 3339 with nanoseconds. */
  readonly at: string;
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
}

/** Docker, asked for its containers, volumes and images by name or id. */
export interface Docker {
  /** Undefined where there is no such container. */
  readonly readContainer: (container: string) => Promise<ContainerFacts | undefined>;
  /** One value of a container's environment, which may be a secret; undefined where it is not set. */
  readonly readEnvironmentValue: (options: { container: string; name: string }) => Promise<string | undefined>;
  /** Undefined where there is no such volume. */
  readonly readVolume: (name: string) => Promise<VolumeFacts | undefined>;
  /** Undefined where the image is not on this host. */
  readonly readImage: (reference: string) => Promise<ImageFacts | undefined>;
  /** A running container's processes as the host numbers them; none where it does not run. */
  readonly readProcesses: (container: string) => Promise<readonly { readonly processId: number; readonly command: string }[]>;
  /** What a container wrote since a time, oldest first; the last `maximumLines` (default 10,000) of it. */
  readonly readLogs: (options: { container: string; since: Date; maximumLines?: number }) => Promise<readonly LogLine[]>;
  /**
   * Makes Docker start a container by itself, or not. A container is stopped only after this, since
   * Docker starts one with `always` again when the daemon or the host restarts.
   *
   * @param policy - `no`, `always`, `unless-stopped` or `on-failure:3`.
   * @returns What was in force before.
   * @throws PermanentFailure where there is no such container.
   */
  readonly ensureRestartPolicy: (options: { container: string; policy: string }) => Promise<{ changed: boolean; previous: string }>;
  /**
   * Waits until a container is healthy, or runs where it has no health check.
   *
   * @throws Error where it ended, or the time passed; the message tells its state.
   */
  readonly waitUntilHealthy: (options: { container: string; timeoutSeconds: number; pollSeconds?: number; signal?: AbortSignal }) => Promise<ContainerFacts>;
}

/** Where the Engine API has what `docker <kind> inspect` shows. */
const apiPaths = {
  container: (name: string) => `/containers/${name}/json`,
  image: (name: string) => `/images/${name}/json`,
  volume: (name: string) => `/volumes/${name}`,
} as const;

const isMissing = /no such (container|volume|image|object)/i;
const isNotRunning = /is not running|no such container/i;

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
    readEnvironmentValue: async ({ container, name }) =>
      parsed(await inspect('container', container), (json) => parseContainerEnvironmentValue(json, name)),
    readVolume: async (name) => parsed(await inspect('volume', name), parseVolume),
    readImage: async (reference) => parsed(await inspect('image', reference), parseImage),
    readProcesses: async (container) => {
      try {
        return parseProcesses((await run('docker', ['top', container, '-eo', 'pid,comm'])).stdout);
      } catch (error) {
        if (error instanceof CommandFailed && isNotRunning.test(error.stderr)) return [];
        throw error;
      }
    },
    readLogs: async ({ container, since, maximumLines = 10_000 }) => {
      const { stdout, stderr } = await run('docker', ['logs', '--timestamps', '--since', since.toISOString(), '--tail', String(maximumLines), container]);
      return mergeLogs(stdout, stderr);
    },
    ensureRestartPolicy: async ({ container, policy }) => {
      const before = present(container, await readContainer(container));
      if (before.restartPolicy === policy) return { changed: false, previous: policy };
      await run('docker', ['update', '--restart', policy, container]);
      const after = present(container, await readContainer(container));
      if (after.restartPolicy !== policy) throw new Error(`container ${container} has the restart policy ${after.restartPolicy} after it was set to ${policy}`);
      return { changed: true, previous: before.restartPolicy };
    },
    waitUntilHealthy: async ({ container, timeoutSeconds, pollSeconds = 1, signal }) => {
      const deadline = performance.now() + timeoutSeconds * 1000;
      for (;;) {
        const facts = present(container, await readContainer(container));
        if (facts.isRunning && (facts.health ?? 'healthy') === 'healthy') return facts;
        if (facts.state === 'exited' || facts.state === 'dead') throw new Error(`container ${container} ended with status ${facts.exitCode}; see docker logs ${container}`);
        if (performance.now() >= deadline) {
          throw new Error(`container ${container} is not healthy after ${timeoutSeconds} s (state ${facts.state}, health ${facts.health ?? 'not checked'}); see docker logs ${container}`);
        }
        await sleep(pollSeconds * 1000, undefined, signal ? { signal } : {});
      }
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

function parseProcesses(table: string): readonly { processId: number; command: string }[] {
  const [, ...rows] = table.trim().split('\n');
  return rows.map((row) => {
    const [processId = '', ...command] = row.trim().split(/\s+/);
    return { processId: Number(processId), command: command.join(' ') };
  });
}

function mergeLogs(stdout: string, stderr: string): readonly LogLine[] {
  const lines = [...toLines(stdout, 'stdout'), ...toLines(stderr, 'stderr')];
  return lines.sort((one, other) => (one.at < other.at ? -1 : one.at > other.at ? 1 : 0));
}

function toLines(output: string, stream: LogLine['stream']): readonly LogLine[] {
  return output.split('\n').flatMap((line) => {
    const match = /^(\d{4}-\S+) ?(.*?)\r?$/.exec(line);
    return match?.[1] === undefined ? [] : [{ at: match[1], stream, text: match[2] ?? '' }];
  });
}
