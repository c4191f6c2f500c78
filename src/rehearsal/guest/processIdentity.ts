import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorCode, ifPresent } from '../../host/failure.js';

/** A process, told from a later one with the same number. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks between the machine's start and the process's: field 22 of /proc/PID/stat. */
  readonly startTime: number;
  /** /proc/sys/kernel/random/boot_id: a start time is meaningless after a reboot. */
  readonly bootId: string;
}

/**
 * The identity of a process that runs.
 *
 * @returns undefined when there is no such process, or only its remains (a zombie).
 */
export async function readProcessIdentity(pid: number): Promise<ProcessIdentity | undefined> {
  const stat = await ifPresent(readFile(`/proc/${pid}/stat`, 'utf8'));
  const startTime = stat === undefined ? undefined : parseStartTime(stat);
  if (startTime === undefined) return undefined;
  return { pid, startTime, bootId: await readBootId() };
}

/** Whether this very process still runs; false of a process that ended before it was read. */
export async function isRunning(process: ProcessIdentity | undefined): Promise<boolean> {
  if (process === undefined) return false;
  const present = await readProcessIdentity(process.pid);
  return present?.startTime === process.startTime && present.bootId === process.bootId;
}

/**
 * Kills a process with its group, if it is still the one that was recorded, and waits until it is gone. Of a
 * leader that is gone already the group is killed: what a guest's kernel traced runs on without it, at full speed.
 *
 * @param leader - The leader of the group.
 * @throws Error when it is still there after 10 s.
 */
export async function killGroup(leader: ProcessIdentity | undefined): Promise<void> {
  if (leader?.bootId !== (await readBootId())) return;
  // A number is not given again as long as a group has it: another's means that the group is gone.
  const present = await readProcessIdentity(leader.pid);
  if (present !== undefined && present.startTime !== leader.startTime) return;
  try {
    process.kill(-leader.pid, 'SIGKILL');
  } catch (error) {
    if (errorCode(error) !== 'ESRCH') throw error;
  }
  for (let waits = 0; waits < 200; waits += 1) {
    if (!(await isRunning(leader))) return;
    await sleep(50);
  }
  throw new Error(`process ${leader.pid} is still there 10 s after SIGKILL; look at /proc/${leader.pid}/stack`);
}

async function readBootId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
}

/** The name in parentheses may hold spaces and parentheses: fields are counted from its end. */
export function parseStartTime(stat: string): number | undefined {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const state = fields[0];
  // The first thread may have ended before the others, which still hold what the process has open, and its locks.
  const isGone = state === 'X' || (state === 'Z' && Number(fields[17]) <= 1);
  const startTime = Number(fields[19]);
  return isGone || !Number.isInteger(startTime) ? undefined : startTime;
}
