import { setTimeout as sleep } from 'node:timers/promises';
import type { Run } from '../host/processes/runner.js';

/** Pauses between one try and the next: it fails where systemd, or the machine, is short of something for a moment. */
const pausesSeconds: readonly number[] = [1, 2, 5, 10, 30];

/**
 * Makes what tells systemd that the worker is up: it serves its host, or it waits for its server and will
 * (sd_notify(3), through systemd-notify, which speaks in its parent's name). Said once, and tried again
 * a few times, and by each later call, until it is; without a systemd that waits for it nothing is said.
 *
 * @param waits - Whether NOTIFY_SOCKET is set.
 * @param pause - Waits that many seconds; it keeps no process up.
 */
export function createReadiness(run: Run, waits: boolean, pause: (seconds: number) => Promise<unknown> = pauseUnheld): () => Promise<void> {
  let told: Promise<void> | undefined;
  const tell = async (): Promise<void> => {
    for (const seconds of pausesSeconds) {
      if (await run('systemd-notify', ['--ready']).then(() => true, () => false)) return;
      await pause(seconds);
    }
    await run('systemd-notify', ['--ready']);
  };
  return async () => {
    if (!waits) return;
    told ??= tell().catch((error: unknown) => {
      told = undefined;
      throw error;
    });
    await told;
  };
}

function pauseUnheld(seconds: number): Promise<unknown> {
  return sleep(seconds * 1000, undefined, { ref: false });
}
