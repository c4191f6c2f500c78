import { setTimeout as sleep } from 'node:timers/promises';

/** What a person types while nothing is asked. */
export interface QuietInput {
  /** Throws away what was typed so far, and leaves the keyboard to a prompt while that runs. */
  readonly during: <T>(prompt: () => Promise<T>) => Promise<T>;
  readonly close: () => void;
}

const interrupt = '\x03';
/** For what the terminal has and has not handed over yet. */
const settleMilliseconds = 100;

/**
 * Takes the keyboard while a run is looked on at: nothing is echoed, so that a passphrase that comes too
 * early is not seen, and nothing is kept, so that no key answers a question that its reader has not read.
 * Ctrl-C ends the process as it always does.
 */
export function takeInput(stdin: NodeJS.ReadStream = process.stdin): QuietInput {
  const discard = (typed: Buffer): void => {
    if (typed.includes(interrupt)) process.kill(process.pid, 'SIGINT');
  };
  const hold = (): void => {
    stdin.setRawMode(true);
    stdin.on('data', discard);
    stdin.resume();
  };
  const release = (): void => {
    stdin.off('data', discard);
    stdin.pause();
    stdin.setRawMode(false);
  };
  hold();
  return {
    async during(prompt) {
      await sleep(settleMilliseconds);
      release();
      try {
        return await prompt();
      } finally {
        hold();
      }
    },
    close: release,
  };
}
