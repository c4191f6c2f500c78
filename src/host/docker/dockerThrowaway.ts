import { PermanentFailure } from '../../contract/errors.js';
import type { Docker } from './docker.js';
import type { Run, RunOptions, RunResult } from '../processes/runner.js';

/** A container that no one else reaches and that leaves nothing behind. */
export interface Throwaway {
  readonly image: string;
  /** Written on the container as a label, by which {@link Throwaways.remove} finds what a killed attempt left. */
  readonly runId: string;
  readonly mounts?: readonly ThrowawayMount[];
  /** `uid:gid`; default: the image's. */
  readonly user?: string;
  /** Never secrets. */
  readonly environment?: Readonly<Record<string, string>>;
  /** The program in the image; default: the image's entry point. */
  readonly entrypoint?: string;
  readonly args?: readonly string[];
}

/** What a throw-away container sees of the host. */
export type ThrowawayMount =
  | { readonly type: 'bind' | 'volume'; readonly source: string; readonly target: string; readonly isReadOnly?: boolean }
  | { readonly type: 'tmpfs'; readonly target: string; readonly sizeBytes?: number };

/** Throw-away containers. */
export interface Throwaways {
  /**
   * Runs a program to its end. Cancelling ends the client, and perhaps not the container: remove it then.
   *
   * @throws CommandFailed with the program's own status, or 125 to 127 where it could not be started.
   */
  readonly run: (throwaway: Throwaway & Pick<RunOptions, 'input' | 'timeout' | 'signal' | 'answers'>) => Promise<RunResult>;
  /** Starts a service and leaves it running under a name. */
  readonly start: (throwaway: Throwaway & { readonly name: string }) => Promise<{ readonly containerId: string }>;
  /** Tells a service to end, and waits for it. */
  readonly stop: (options: { readonly name: string; readonly timeoutSeconds: number }) => Promise<void>;
  /** What is there, of one run or of all. */
  readonly list: (options?: { runId?: string }) => Promise<readonly { readonly id: string; readonly name: string; readonly runId: string }[]>;
  /** Ends and removes a run's containers with their anonymous volumes. */
  readonly remove: (options: { runId: string }) => Promise<{ readonly removed: number }>;
}

const label = 'lockstep.run';

/**
 * Containers without a network and without a log on the host's disk. A volume that the image declares
 * and no mount covers becomes a tmpfs, since Docker would put it on the disk.
 */
export function createThrowaways({ run, docker }: { run: Run; docker: Pick<Docker, 'readImage'> }): Throwaways {
  const toArguments = async (throwaway: Throwaway): Promise<readonly string[]> => {
    const image = await docker.readImage(throwaway.image);
    if (!image) throw new PermanentFailure(`the image ${throwaway.image} is not on this host`, `fetch it with docker pull ${throwaway.image}`);
    const covered = new Set(throwaway.mounts?.map(({ target }) => target));
    const mounts: readonly ThrowawayMount[] = [
      ...(throwaway.mounts ?? []),
      ...image.volumeTargets.filter((target) => !covered.has(target)).map((target) => ({ type: 'tmpfs', target }) as const),
    ];
    return [
      ...['--network', 'none', '--pull', 'never', '--log-driver', 'none', '--security-opt', 'no-new-privileges'],
      ...['--label', `${label}=${throwaway.runId}`],
      ...mounts.flatMap((mount) => ['--mount', toMountOption(mount)]),
      ...(throwaway.user === undefined ? [] : ['--user', throwaway.user]),
      ...Object.entries(throwaway.environment ?? {}).flatMap(([name, value]) => ['--env', `${name}=${value}`]),
      ...(throwaway.entrypoint === undefined ? [] : ['--entrypoint', throwaway.entrypoint]),
      throwaway.image,
      ...(throwaway.args ?? []),
    ];
  };
  const list: Throwaways['list'] = async ({ runId } = {}) => {
    const filter = runId === undefined ? label : `${label}=${runId}`;
    const format = `{{.ID}}\t{{.Names}}\t{{.Label "${label}"}}`;
    const { stdout } = await run('docker', ['ps', '--all', '--no-trunc', '--filter', `label=${filter}`, '--format', format]);
    return stdout.split('\n').filter(Boolean).map((line) => {
      const [id = '', name = '', owner = ''] = line.split('\t');
      return { id, name, runId: owner };
    });
  };
  return {
    run: async ({ input, timeout, signal, answers, ...throwaway }) => {
      const interactive = input === undefined ? [] : ['--interactive'];
      return run('docker', ['run', '--rm', '--read-only', ...interactive, ...(await toArguments(throwaway))], {
        timeout: timeout ?? 'standard',
        ...(input === undefined ? {} : { input }),
        ...(signal ? { signal } : {}),
        ...(answers ? { answers } : {}),
      });
    },
    start: async ({ name, ...throwaway }) => {
      const { stdout } = await run('docker', ['run', '--detach', '--name', name, ...(await toArguments(throwaway))], { timeout: 'standard' });
      return { containerId: stdout.trim() };
    },
    stop: async ({ name, timeoutSeconds }) => {
      await run('docker', ['stop', '--time', String(timeoutSeconds), name], { timeout: 'service' });
    },
    list,
    remove: async ({ runId }) => {
      const found = await list({ runId });
      if (found.length > 0) await run('docker', ['rm', '--force', '--volumes', ...found.map(({ id }) => id)], { timeout: 'standard' });
      return { removed: found.length };
    },
  };
}

function toMountOption(mount: ThrowawayMount): string {
  const fields = [`type=${mount.type}`, `target=${mount.target}`];
  if (mount.type === 'tmpfs') fields.push('tmpfs-mode=0700', ...(mount.sizeBytes === undefined ? [] : [`tmpfs-size=${mount.sizeBytes}`]));
  else fields.push(`source=${mount.source}`, ...(mount.isReadOnly === true ? ['readonly'] : []));
  // Docker reads the option as a line of CSV.
  return fields.map((field) => (/[",]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field)).join(',');
}
