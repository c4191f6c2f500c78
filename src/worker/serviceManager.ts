import type { Run } from '../host/runner.js';

/**
 * Makes what tells systemd that the worker is up: it serves its host, or it waits for its server and will
 * (sd_notify(3), through systemd-notify, which speaks in its parent's name). Said once; without a
 * systemd that waits for it nothing is said.
 *
 * @param waits - Whether NOTIFY_SOCKET is set.
 */
export function createReadiness(run: Run, waits: boolean): () => Promise<void> {
  let told: Promise<unknown> | undefined;
  return async () => {
    if (waits) await (told ??= run('systemd-notify', ['--ready']));
  };
}
