import { stat } from 'node:fs/promises';
import { formatCount, formatSeconds, type Facts } from '../../contract/facts.js';
import { toDeviceNumber } from '../../host/disks/deviceNumber.js';
import type { ContainerFacts } from '../../host/docker/dockerInspect.js';
import type { KernelError } from '../../host/kernelLog.js';
import { CommandFailed } from '../../host/processes/runner.js';
import type { Attempt } from '../activity.js';
import { readErrorLines } from './serviceLogs.js';
import { needDeployment } from '../services/deployment.js';
import { connectionOf } from '../source/statistics.js';

/** What is counted from when a watch begins. */
export interface SignsAtStart {
  /** ISO time. */
  readonly since: string;
  /** Docker's count of restarts, for each container by its id: a new container counts anew. */
  readonly restarts: Readonly<Record<string, number>>;
  /** Absent where the database did not answer. */
  readonly checksumFailures?: number;
}

/** What tells that something is wrong with the service or under it, since a watch began. */
export interface Signs {
  readonly errorLines: readonly string[];
  /** Error lines that tell of damage or of a crash. */
  readonly grave: number;
  /** By Docker, after a container ended by itself. */
  readonly restarts: number;
  /** Containers that do not run: the overlay lets Docker restart none, since it could not open the volume. */
  readonly ended: number;
  /** Containers and processes that were ended for want of memory. */
  readonly memoryKills: number;
  /** Of the kernel, on a device that the volume stands on or that it does not name. */
  readonly ioErrors: number;
  readonly checksumFailures: number;
}

/** Reads where the counts stand now. */
export async function readSignsAtStart(attempt: Attempt): Promise<SignsAtStart> {
  const since = attempt.now().toISOString();
  const restarts = Object.fromEntries((await readContainers(attempt)).flatMap((each) => (each === undefined ? [] : [[each.id, each.restartCount]])));
  const checksumFailures = await readChecksumFailures(attempt);
  return { since, restarts, ...(checksumFailures === undefined ? {} : { checksumFailures }) };
}

/** Looks at everything once. */
export async function readSigns(attempt: Attempt, start: SignsAtStart): Promise<Signs> {
  const { lines, grave } = await readErrorLines(attempt, start.since);
  const containers = await readContainers(attempt);
  const present = containers.filter((each) => each !== undefined);
  const restarts = present.map(({ id, restartCount }) => Math.max(0, restartCount - (start.restarts[id] ?? 0)));
  const ended = containers.filter((each) => each?.isRunning !== true);
  const kernel = await attempt.tools.kernelLog.read({ since: new Date(start.since) });
  const checksumFailures = await readChecksumFailures(attempt);
  return {
    errorLines: lines,
    grave,
    restarts: restarts.reduce((sum, each) => sum + each, 0),
    ended: ended.length,
    memoryKills: Math.max(kernel.memoryKills.length, present.filter(({ isRunning, wasKilledForMemory }) => !isRunning && wasKilledForMemory).length),
    ioErrors: (await ofVolume(attempt, kernel.ioErrors)).length,
    // What was not counted at first may be of long ago.
    checksumFailures: checksumFailures === undefined || start.checksumFailures === undefined ? 0 : Math.max(0, checksumFailures - start.checksumFailures),
  };
}

/**
 * What of it the plan takes as a reason to go back: corruption, instability, and more errors than the
 * old volume saw in the same time.
 *
 * @param allowed - `errors`: undefined where they were not counted before; `unhealthySeconds`: a health check may fail for so long.
 * @returns Evidence, empty where there is none.
 */
export function triggersOf(signs: Signs, unhealthySeconds: number, allowed: { readonly errors: number | undefined; readonly unhealthySeconds: number }): Facts {
  const { errorLines, grave, restarts, ended, memoryKills, ioErrors, checksumFailures } = signs;
  const found: readonly (readonly [boolean, string, string])[] = [
    [checksumFailures > 0, 'pages with a wrong checksum', formatCount(checksumFailures)],
    [grave > 0, 'log lines of damage or of a crash', formatCount(grave)],
    [ioErrors > 0, 'kernel I/O errors under the volume', formatCount(ioErrors)],
    [ended > 0, 'containers that do not run any more', formatCount(ended)],
    [restarts > 0, 'containers restarted by Docker', formatCount(restarts)],
    [memoryKills > 0, 'processes killed for want of memory', formatCount(memoryKills)],
    [unhealthySeconds > allowed.unhealthySeconds, 'a health check that fails', `${formatSeconds(unhealthySeconds)} (limit ${formatSeconds(allowed.unhealthySeconds)})`],
    [
      allowed.errors !== undefined && errorLines.length > allowed.errors,
      'error lines',
      `${formatCount(errorLines.length)}, against ${formatCount(allowed.errors ?? 0)} in as long a time on the old volume`,
    ],
  ];
  return found.flatMap(([holds, label, value]) => (holds ? [[label, value] as const] : []));
}

/** Of the database and the application; undefined for one that is gone. */
async function readContainers(attempt: Attempt): Promise<readonly (ContainerFacts | undefined)[]> {
  const { container, applicationContainer } = await needDeployment(attempt);
  return Promise.all([container, applicationContainer].map((name) => attempt.tools.docker.readContainer(name)));
}

/** @returns Undefined where the database does not answer: that shows in its log, in its container and in the service's health. */
async function readChecksumFailures(attempt: Attempt): Promise<number | undefined> {
  const connection = await connectionOf(attempt);
  try {
    return await attempt.tools.postgres.checksumFailures(connection);
  } catch (error) {
    if (error instanceof CommandFailed) return undefined;
    throw error;
  }
}

/** Leaves out the errors of disks that have nothing to do with the volume. */
async function ofVolume({ config, tools }: Attempt, errors: readonly KernelError[]): Promise<readonly KernelError[]> {
  if (errors.length === 0) return [];
  const { dev } = await stat(config.volume.mountPoint, { bigint: true });
  const own = await tools.blockDevices.readNamesBelow({ deviceNumber: toDeviceNumber(dev) });
  const others = (await tools.blockDevices.readNames()).filter((name) => !own.includes(name));
  return errors.filter(({ message }) => names(message, own) || !names(message, others));
}

/** Partitions are named after their disk. */
function names(message: string, devices: readonly string[]): boolean {
  return devices.some((device) => new RegExp(`(^|[^a-z0-9-])${device}(p?\\d+)?([^a-z0-9]|$)`, 'i').test(message));
}
