import type { Command } from 'commander';
import { credentialsOf } from '../config/environment.js';
import { readServerSettings } from '../worker/connection.js';
import { assertRoot } from './root.js';
import { configFlag, loadSessionConfig, type HostOptions, type Session } from './session.js';
import { stopSignal } from './stopSignal.js';
import { readVersion } from './version.js';

/** Adds `worker`: acts on this host, for a server that runs elsewhere or as a unit of its own. */
export function addWorkerCommand(program: Command, session: Session): void {
  program
    .command('worker')
    .description("act on this host: take up its runs' steps (needs root)")
    .option('--config <file>', 'lockstep.yaml (default: LOCKSTEP_CONFIG, or /etc/lockstep/lockstep.yaml)')
    .action(async (options: Pick<HostOptions, 'config'>) => {
      assertRoot(`lockstep worker${configFlag(options.config)}`);
      const loaded = await loadSessionConfig(session, options);
      const server = readServerSettings(session.environment);
      // The worker's SDK takes long to load, and no other command needs it.
      const { serveHost } = await import('../worker/serveHost.js');
      await serveHost({ loaded, server, lockstepVersion: await readVersion(), notifies: session.environment.notifies, ...credentialsOf(session.environment) }, stopSignal());
    });
}
