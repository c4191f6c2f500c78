import { createServer } from 'node:net';
import { PermanentFailure } from '../contract/errors.js';

/** The right of one worker process at a time to serve a host. */
export interface HostLock {
  readonly release: () => Promise<void>;
}

/**
 * Takes the lock of a host on this machine. Node has no flock; an abstract Unix socket is a lock that
 * dies with its process, however that dies. It matters because a worker fails the attempts that a dead
 * predecessor left open, which would end a living one's.
 *
 * @throws {@link PermanentFailure} where another worker holds it.
 */
export async function takeHostLock(host: string): Promise<HostLock> {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        error.code === 'EADDRINUSE'
          ? new PermanentFailure(
              `another worker for ${host} runs on this machine`,
              'use that one, or end it first ("systemctl stop lockstep-worker", or Ctrl-C where it runs)',
            )
          : error,
      );
    });
    server.listen(`\0lockstep-worker-${host}`, resolve);
  });
  server.unref();
  return { release: () => new Promise((resolve) => server.close(() => resolve())) };
}
