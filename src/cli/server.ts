import { join } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { createRun } from '../host/processes/runner.js';
import { findTemporalProgram } from '../worker/temporalProgram.js';
import { startTemporalServer, type TemporalServer } from '../worker/temporalServer.js';
import { loadSessionConfig, type HostOptions, type Session } from './session.js';
import { stopSignal } from './stopSignal.js';

/** How the embedded server is to listen. */
export interface ServerOptions extends Pick<HostOptions, 'config'> {
  readonly ip: string;
  readonly port: number;
  readonly uiPort: number;
  readonly ui: boolean;
}

/** Adds `server`: the embedded Temporal server alone. */
export function addServerCommand(program: Command, session: Session): void {
  withServerOptions(program.command('server').description('run the embedded Temporal server, on a database file of its own')).action(
    async (options: ServerOptions) => {
      const signal = stopSignal();
      const server = await startEmbedded(session, options);
      const stopped = new Promise<void>((resolve) => {
        if (signal.aborted) resolve();
        signal.addEventListener('abort', () => resolve());
      });
      await Promise.race([stopped, server.ended]);
      await server.stop();
    },
  );
}

/** Adds the options of the embedded server. */
export function withServerOptions(command: Command): Command {
  return command
    .option('--config <file>', 'lockstep.yaml (default: LOCKSTEP_CONFIG, or /etc/lockstep/lockstep.yaml)')
    .addOption(new Option('--ip <address>', 'listen there; the server asks nobody who they are').default('127.0.0.1'))
    .addOption(new Option('--port <number>', "the server's port").argParser(parsePort).default(7233))
    .addOption(new Option('--ui-port <number>', "the Web UI's port").argParser(parsePort).default(8233))
    .option('--no-ui', 'without the Web UI');
}

/** Starts the embedded server and says which one it is and where. */
export async function startEmbedded(session: Session, options: ServerOptions): Promise<TemporalServer> {
  const { terminal, environment } = session;
  const { config } = await loadSessionConfig(session, options);
  const run = createRun();
  const program = await findTemporalProgram(run, environment.cacheDirectory, terminal.warn);
  const directory = join(config.stateDirectory, 'temporal');
  const server = await startTemporalServer({
    run,
    program,
    directory,
    ip: options.ip,
    port: options.port,
    ...(options.ui ? { uiPort: options.uiPort } : {}),
  });
  terminal.print(
    `Temporal server at ${server.settings.address}, database in ${directory}`,
    `  ${program.path} (${program.from}): ${program.version}`,
    ...(server.uiUrl === undefined ? [] : [`  Web UI: ${server.uiUrl}`]),
  );
  return server;
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new InvalidArgumentError('a port is a number from 1 to 65535');
  return port;
}
