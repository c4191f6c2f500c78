import { readFile } from 'node:fs/promises';

/**
 * The one processor that a guest shall run on. Its kernel and its programs are processes that hand over
 * to each other at each system call; where that crosses processors it waits for the other one to wake,
 * which more than doubles the time that everything in the guest takes.
 *
 * @param inUse - The processors of other guests, one for each guest.
 * @param allowed - The processors that this process may use.
 * @returns The one with the fewest guests; of equals the last, since the first serves most interrupts.
 */
export function chooseProcessor(inUse: readonly number[], allowed: readonly number[]): number {
  const guests = (processor: number) => inUse.filter((each) => each === processor).length;
  const [chosen = 0] = allowed.toSorted((a, b) => guests(a) - guests(b) || b - a);
  return chosen;
}

/** The processors that this process may use, as the kernel numbers them. */
export async function readAllowedProcessors(statusFile = '/proc/self/status'): Promise<readonly number[]> {
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(await readFile(statusFile, 'utf8'))?.[1] ?? '0';
  return list.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}
