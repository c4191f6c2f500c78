import { PermanentFailure } from '../contract/errors.js';
import { tryLock, type ProcessLock } from '../host/processes/processLock.js';

/**
 * Takes the right of one worker process at a time to serve a host. It matters because a worker fails the
 * attempts that a dead predecessor left open, which would end a living one's.
 *
 * @throws {@link PermanentFailure} where another worker of this machine holds it.
 */
export async function takeHostLock(host: string): Promise<ProcessLock> {
  const lock = await tryLock(`lockstep-worker-${host}`);
  if (lock !== undefined) return lock;
  throw new PermanentFailure(
    `another worker for ${host} runs on this machine`,
    'use that one, or end it first ("systemctl stop lockstep-worker", or Ctrl-C where it runs)',
  );
}
