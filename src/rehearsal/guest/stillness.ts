import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { ifPresent } from '../../host/failure.js';
import type { Run } from '../../host/processes/runner.js';
import { isRunning, type ProcessIdentity } from './processIdentity.js';

/** What was handed to the machine before the process stopped is written by a thread of its own, within milliseconds. */
const settleMilliseconds = 50;

/**
 * Stops a process while something is done, and lets it go on.
 *
 * @param target - Of a guest, its kernel alone: it traces the guest's own processes, which get nowhere
 * without it and must not be stopped themselves. One that does not run is still already.
 * @throws Error when it has not stopped after 5 s.
 */
export async function holdStill<Result>(target: ProcessIdentity | undefined, act: () => Promise<Result>): Promise<Result> {
  if (target === undefined || !(await isRunning(target))) return act();
  process.kill(target.pid, 'SIGSTOP');
  try {
    await untilStopped(target.pid);
    await sleep(settleMilliseconds);
    return await act();
  } finally {
    process.kill(target.pid, 'SIGCONT');
  }
}

/** Copies a file that is mostly holes, holes and all. */
export async function copySparse(run: Run, from: string, to: string): Promise<void> {
  await run('cp', ['--sparse=always', '--reflink=auto', '--', from, to], { timeout: 'service' });
}

async function untilStopped(pid: number): Promise<void> {
  for (let waits = 0; waits < 500; waits += 1) {
    const stat = (await ifPresent(readFile(`/proc/${pid}/stat`, 'utf8'))) ?? '';
    if (stat.slice(stat.lastIndexOf(')') + 2).startsWith('T')) return;
    await sleep(10);
  }
  throw new Error(`process ${pid} has not stopped 5 s after SIGSTOP; look at /proc/${pid}/status`);
}
