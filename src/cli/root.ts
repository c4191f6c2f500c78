import { refused } from './exit.js';

/**
 * Refuses a command that acts on the host before the host does, with whatever it says first.
 *
 * @param command - What was typed, to be typed again: `lockstep worker`.
 * @param userId - Default: whoever runs this process; undefined where the system has no such ids.
 * @throws CommandEnded for everyone but root.
 */
export function assertRoot(command: string, userId: number | undefined = process.getuid?.()): void {
  if (userId !== 0) throw refused(`this needs root: sudo ${command}`);
}
