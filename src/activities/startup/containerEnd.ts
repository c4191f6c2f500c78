import type { ContainerFacts } from '../../host/docker/dockerInspect.js';
import type { EndEvents } from '../../host/docker/dockerEvents.js';

/** How a container came to its end, as far as Docker tells. */
export interface ContainerEnd {
  /** The container's id: one that is made anew has another. */
  readonly id: string;
  /** RFC 3339; absent where it never ran. */
  readonly at?: string;
  /** Someone wanted it, or nothing shows that nobody did: it is not started without being asked. */
  readonly isLeftAlone: boolean;
  /** In words, with the status. */
  readonly cause: string;
}

/** What an end is judged by. */
export interface EndFacts {
  readonly container: Pick<ContainerFacts, 'id' | 'exitCode' | 'wasKilledForMemory' | 'startedAt' | 'finishedAt'>;
  readonly events: EndEvents;
  readonly daemonStartedAt: Date | undefined;
  /** It was taken for an administrator's before, when Docker still knew. */
  readonly wasLeftAlone: boolean;
}

/** A daemon that died finds its containers' ends when it is started again, and dates them then. */
const datedByNewDaemonSeconds = 60;
/** What `docker stop` leads to, in a container that ends in order or has to be killed: the same comes of other causes. */
const statusesOfStop: readonly number[] = [0, 137, 143];
/** SIGKILL: nobody's orderly end. */
const killed = 137;

/** Tells ends that nobody wanted (want of memory, a kill, a crash, a restart of Docker) from those that an administrator did. */
export function judgeEnd({ container, events, daemonStartedAt, wasLeftAlone }: EndFacts): ContainerEnd {
  const { id, exitCode, wasKilledForMemory, startedAt, finishedAt } = container;
  if (finishedAt === undefined) return { id, isLeftAlone: true, cause: 'it was never started' };
  const end = (isLeftAlone: boolean, cause: string): ContainerEnd => ({ id, at: finishedAt, isLeftAlone, cause: `${cause} (status ${exitCode})` });
  if (wasKilledForMemory) return end(false, 'the kernel killed it for want of memory');
  if (events.wasStopped || wasLeftAlone) return end(true, 'it was stopped by hand');
  const isOfRestart = daemonStartedAt !== undefined && isOfEarlierDaemon(startedAt, daemonStartedAt) && Date.parse(finishedAt) < daemonStartedAt.getTime() + datedByNewDaemonSeconds * 1000;
  if (isOfRestart) return end(false, `Docker was restarted at ${daemonStartedAt.toISOString()}, and does not start it by itself`);
  if (!statusesOfStop.includes(exitCode)) return end(false, 'it failed');
  if (!events.isRemembered) return end(true, 'Docker does not remember whether it was stopped by hand');
  return exitCode === killed ? end(false, 'it was killed') : end(true, 'it ended in order, as if by hand');
}

/** What this daemon itself has started did not end with the one before it. */
function isOfEarlierDaemon(startedAt: string | undefined, daemonStartedAt: Date): boolean {
  return startedAt === undefined || Date.parse(startedAt) < daemonStartedAt.getTime();
}
