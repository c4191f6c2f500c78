import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A right that one process of this machine has at a time. */
export interface ProcessLock {
  readonly release: () => Promise<void>;
}

const retryMilliseconds = 20;

/**
 * Takes a lock of this machine. Node has no flock; an abstract Unix socket (unix(7)) is a lock that dies
 * with its process, however that dies.
 *
 * @param name - Up to 100 bytes, the same for everybody who is to wait for each other.
 * @returns Undefined where it is taken, by this process or another.
 */
export async function tryLock(name: string): Promise<ProcessLock | undefined> {
  const server = createServer((socket) => socket.destroy());
  const isTaken = await new Promise<boolean>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => (error.code === 'EADDRINUSE' ? resolve(false) : reject(error)));
    server.listen(`\0${name}`, () => resolve(true));
  });
  if (!isTaken) return undefined;
  server.unref();
  return { release: () => new Promise((resolve) => server.close(() => resolve())) };
}

/** Waits for a lock, however long, and holds it while something is done. */
export async function withLock<Result>(name: string, action: () => Promise<Result>): Promise<Result> {
  let lock = await tryLock(name);
  while (lock === undefined) {
    await sleep(retryMilliseconds);
    lock = await tryLock(name);
  }
  try {
    return await action();
  } finally {
    await lock.release();
  }
}
