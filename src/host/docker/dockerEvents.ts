import { stat } from 'node:fs/promises';
import { ifPresent } from '../failure.js';
import type { Run } from '../processes/runner.js';

/** What the daemon remembers of a container's end: it keeps its last 256 events of any kind, and forgets them when it is restarted. */
export interface EndEvents {
  /** The end itself is among them, so that what else belongs to it would be, too. */
  readonly isRemembered: boolean;
  /** Somebody asked Docker to stop it: `docker stop`, `docker compose stop`. A kill is none. */
  readonly wasStopped: boolean;
}

/** Docker's daemon, asked for what happened. */
export function createDockerEvents({ run, pidFile = '/run/docker.pid' }: { readonly run: Run; readonly pidFile?: string }) {
  return {
    /**
     * How a container's last end came about.
     *
     * @param container - Its id.
     * @param finishedAt - When it ended, RFC 3339, as Docker tells.
     */
    async readEnd({ container, finishedAt, now }: { readonly container: string; readonly finishedAt: string; readonly now: Date }): Promise<EndEvents> {
      // The daemon says "die" before it notes the end, and "stop" a moment after it.
      const since = new Date(Date.parse(finishedAt) - 2000).toISOString();
      const filters = [`container=${container}`, 'event=die', 'event=stop'].flatMap((filter) => ['--filter', filter]);
      // With an end that has passed it answers at once, and does not wait for more.
      const { stdout } = await run('docker', ['events', '--since', since, '--until', now.toISOString(), ...filters, '--format', '{{.Action}}']);
      const actions = stdout.split('\n').map((line) => line.trim());
      return { isRemembered: actions.includes('die'), wasStopped: actions.includes('stop') };
    },

    /** When the daemon was started, by its file with its process id; undefined where it keeps none there. */
    async readDaemonStart(): Promise<Date | undefined> {
      return (await ifPresent(stat(pidFile)))?.mtime;
    },
  };
}

/** What {@link createDockerEvents} makes. */
export type DockerEvents = ReturnType<typeof createDockerEvents>;
