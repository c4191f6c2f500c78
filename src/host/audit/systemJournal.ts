import { setTimeout as sleep } from 'node:timers/promises';
import type { Run } from '../processes/runner.js';

/** Takes a line of the audit log, without waiting. */
export type TellJournal = (line: string) => void;

/** How lines reach the system's journal. */
export interface SystemJournalSettings {
  readonly run: Run;
  /** Told once, until a line gets through again. */
  readonly onTrouble: (words: string) => void;
  /** How long lines gather before they are sent together, in milliseconds. Default 1000: a program that starts between two steps holds the next one up. */
  readonly gatherMilliseconds?: number;
}

/**
 * Sends lines to the system's journal as the plan does (1.2, step 4): tag `luks-audit`, facility auth,
 * priority info. With logger(1), since Node has no datagram sockets of Unix; it makes an entry of each line.
 *
 * At best effort: nothing waits for it, lines keep their order, and what a crash takes is in the file alone.
 */
export function createSystemJournal({ run, onTrouble, gatherMilliseconds = 1000 }: SystemJournalSettings): TellJournal {
  let gathered: string[] = [];
  let last: Promise<void> = Promise.resolve();
  let isTold = false;

  async function send(): Promise<void> {
    await sleep(gatherMilliseconds);
    const lines = gathered;
    gathered = [];
    try {
      // By itself it cuts lines after 1 KiB, and takes a missing socket for success.
      await run('logger', ['--tag', 'luks-audit', '--priority', 'auth.info', '--size', '64KiB', '--socket-errors=on'], { input: lines.map((line) => `${line}\n`).join('') });
      isTold = false;
    } catch (error) {
      if (!isTold) onTrouble(`the system journal does not take the audit log's lines, which are in the file all the same: ${error instanceof Error ? error.message : String(error)}`);
      isTold = true;
    }
  }

  return (line) => {
    gathered.push(line);
    if (gathered.length === 1) last = last.then(send);
  };
}
