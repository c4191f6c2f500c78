import type { Command } from 'commander';
import { credentialsOf } from '../config/environment.js';
import { assertRoot } from './root.js';
import { startEmbedded, withServerOptions, type ServerOptions } from './server.js';
import { configFlag, loadSessionConfig, type Session } from './session.js';
import { stopSignal } from './stopSignal.js';
import { readVersion } from './version.js';

/** Adds `up`: the embedded server and this host's worker, in one go. */
export function addUpCommand(program: Command, session: Session): void {
  withServerOptions(program.command('up').description("run the embedded server and this host's worker (needs root)")).action((options: ServerOptions) =>
    up(session, options),
  );
}

async function up(session: Session, options: ServerOptions): Promise<void> {
  assertRoot(`lockstep up${configFlag(options.config)}`);
  const signal = stopSignal();
  const loaded = await loadSessionConfig(session, options);
  const { serveHost } = await import('../worker/serveHost.js');
  const server = await startEmbedded(session, options);
  const ending = new AbortController();
  try {
    session.terminal.print(`Worker of ${loaded.config.host} starts; Ctrl-C ends both`);
    const worker = serveHost({ loaded, server: server.settings, lockstepVersion: await readVersion(), notifies: false, ...credentialsOf(session.environment) }, AbortSignal.any([signal, ending.signal]));
    // A worker without its server would wait for ever; the unit that runs this starts both anew.
    await Promise.race([worker, server.ended]).finally(() => {
      ending.abort();
    });
    await worker;
  } finally {
    await server.stop();
  }
}
