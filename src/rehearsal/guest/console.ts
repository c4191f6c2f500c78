import { open } from 'node:fs/promises';

/** Reads what a file gained, again and again, until it is told to stop. */
export interface Follower {
  /** Reads what is left, then stops. */
  readonly stop: () => Promise<void>;
}

/**
 * Reports the lines that are appended to a file.
 *
 * @param path - May not exist yet at the first call, in which case it is waited for.
 * @param onLine - Called with each whole line.
 */
export function followLines(path: string, onLine: (line: string) => void): Follower {
  let position = 0;
  let rest = '';
  let reading: Promise<void> = Promise.resolve();
  const timer = setInterval(() => void (reading = reading.then(readMore)), 200);
  timer.unref();
  return {
    stop: async () => {
      clearInterval(timer);
      await reading;
      await readMore();
      if (rest !== '') onLine(rest);
      rest = '';
    },
  };

  async function readMore(): Promise<void> {
    const file = await open(path, 'a+');
    try {
      const { size } = await file.stat();
      const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(size - position), position });
      position += bytesRead;
      const lines = (rest + buffer.toString('utf8', 0, bytesRead)).split(/\r?\n/);
      rest = lines.pop() ?? '';
      for (const line of lines) onLine(line);
    } finally {
      await file.close();
    }
  }
}
