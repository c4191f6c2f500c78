import type { Rehearsal } from '../../src/rehearsal/rehearsal.js';
import type { Course } from './courses/course.js';

/** What a run leaves on the host and what must be the same whatever broke on the way. */
export interface HostState {
  /** As its course reads it, by what it is. */
  readonly parts: Readonly<Record<string, string>>;
  /** Events of the audit log by node and opening, each with how often it is there. */
  readonly events: readonly string[];
}

const auditLog = '/var/log/luks-audit.log';

/** Reads it after the run's end. */
export async function readHostState(rehearsal: Rehearsal, { readHost }: Pick<Course, 'readHost'>, runId: string): Promise<HostState> {
  const log = await rehearsal.guest.expect('cat', [auditLog]);
  return { parts: await readHost(rehearsal), events: countEvents(log, runId) };
}

/**
 * What the audit log tells twice.
 *
 * @returns In words, of all runs.
 */
export async function readRepeatedEvents({ guest }: Pick<Rehearsal, 'guest'>): Promise<readonly string[]> {
  // The first run may not have begun it yet.
  const log = await guest.expect('sh', ['-c', `test ! -e ${auditLog} || cat ${auditLog}`]);
  const runIds = new Set(log.split('\n').flatMap((line) => idOf(line)?.split('/')[0] ?? []));
  return [...runIds].flatMap((runId) => repeatedEvents(countEvents(log, runId)));
}

/** Each is there once. A step that lost its passphrase with its worker is opened anew, and what it then does again is told again. */
export function repeatedEvents(events: HostState['events']): readonly string[] {
  return events
    .map(splitEvent)
    .filter(([, count]) => count > 1)
    .map(([key, count]) => `${key} is there ${count} times`);
}

/** The event and how often it is there. */
export function splitEvent(event: string): readonly [string, number] {
  const at = event.lastIndexOf(' ');
  return [event.slice(0, at), Number(event.slice(at + 1))];
}

/** Of one run; what waits for a passphrase depends on when a worker's memory was lost, and is left out. */
function countEvents(log: string, runId: string): HostState['events'] {
  const counts = new Map<string, number>();
  for (const line of log.split('\n')) {
    const id = idOf(line);
    if (id === undefined || !id.startsWith(runId) || line.includes('_WAITS ')) continue;
    // Of a decision more follows: two witnesses may say so in the same moment.
    const event = id.slice(id.indexOf('/') + 1);
    counts.set(event, (counts.get(event) ?? 0) + 1);
  }
  return [...counts].map(([key, count]) => `${key} ${count}`).sort();
}

function idOf(line: string): string | undefined {
  return / id=(\S+)/.exec(line)?.[1];
}
