import type { Run } from '../processes/runner.js';

/** Takes a line of the audit log, without waiting. */
export type TellJournal = (line: string) => void;

/**
 * Sends lines to the system's journal as the plan does (1.2, step 4): tag `luks-audit`, facility auth,
 * priority info. With logger(1), since Node has no datagram sockets of Unix.
 *
 * At best effort: nothing waits for it, lines keep their order, and what a crash takes is in the file alone.
 *
 * @param onTrouble - Told once, until a line gets through again.
 */
export function createSystemJournal({ run, onTrouble }: { readonly run: Run; readonly onTrouble: (words: string) => void }): TellJournal {
  let last: Promise<void> = Promise.resolve();
  let isTold = false;

  async function send(line: string): Promise<void> {
    try {
      // By itself it cuts lines after 1 KiB, and takes a missing socket for success.
      await run('logger', ['--tag', 'luks-audit', '--priority', 'auth.info', '--size', '64KiB', '--socket-errors=on'], { input: `${line}\n` });
      isTold = false;
    } catch (error) {
      if (!isTold) onTrouble(`the system journal does not take the audit log's lines, which are in the file all the same: ${error instanceof Error ? error.message : String(error)}`);
      isTold = true;
    }
  }

  return (line) => {
    last = last.then(() => send(line));
  };
}
