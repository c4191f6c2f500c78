import { readFile } from 'node:fs/promises';
import { ifPresent } from '../../host/failure.js';
import type { Run } from '../../host/processes/runner.js';

/** The guest's side of its only wire. */
export const guestAddress = '10.99.0.2';
/** The machine's side, in a namespace of its own: equal addresses of several guests do not meet. */
export const machineAddress = '10.99.0.1';
/** The device that the guest's network card is attached to. */
export const tapDevice = 'tap0';

/** A network namespace with one wire in it. */
export interface Network {
  /** What to start a program with, so that it sees the guest and nothing of the machine's network. */
  readonly inside: (file: string, args: readonly string[]) => [string, readonly string[]];
  /** Ends what still runs in it and removes it; harmless when it is gone. */
  readonly remove: () => Promise<void>;
}

/**
 * Makes the namespace of a guest, in place of one that a killed run left.
 *
 * @param name - The guest's name.
 */
export async function createNetwork({ run, name }: { run: Run; name: string }): Promise<Network> {
  const namespace = `lockstep-${name}`;
  await removeNamespace(run, namespace);
  await run('ip', ['netns', 'add', namespace]);
  const inNamespace = ['-n', namespace];
  await run('ip', [...inNamespace, 'link', 'set', 'lo', 'up']);
  await run('ip', [...inNamespace, 'tuntap', 'add', 'dev', tapDevice, 'mode', 'tap']);
  await run('ip', [...inNamespace, 'address', 'add', `${machineAddress}/24`, 'dev', tapDevice]);
  await run('ip', [...inNamespace, 'link', 'set', tapDevice, 'up']);
  return {
    // Not `ip netns exec`: that also replaces /sys, which the guest would see below its overlay.
    inside: (file, args) => ['nsenter', [`--net=/run/netns/${namespace}`, '--', file, ...args]],
    remove: () => removeNamespace(run, namespace),
  };
}

async function removeNamespace(run: Run, namespace: string): Promise<void> {
  const { stdout } = await run('ip', ['netns', 'list']);
  if (!listsNamespace(stdout, namespace)) return;
  const inside = await run('ip', ['netns', 'pids', namespace]);
  for (const pid of inside.stdout.split('\n').filter((line) => line !== '')) await endStray(Number(pid));
  await run('ip', ['netns', 'delete', namespace]);
}

/** `ip netns list` prints a name, and its number if it has one: `lockstep-a (id: 0)`. */
export function listsNamespace(list: string, namespace: string): boolean {
  return list.split('\n').some((line) => line.split(' ')[0] === namespace);
}

/** Nothing but a guest's own processes is ever started in its namespace. */
async function endStray(pid: number): Promise<void> {
  if ((await ifPresent(readFile(`/proc/${pid}/stat`))) === undefined) return;
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
