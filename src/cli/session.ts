import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Environment } from '../config/environment.js';
import { ConfigNotAtHand, loadConfig, type LoadedConfig } from '../config/load.js';
import { hostNameSchema } from '../contract/inputs.js';
import { connectClient, readServerSettings, type ConnectedClient } from '../worker/connection.js';
import { noAnswer, wrongUsage } from './exit.js';
import type { Terminal } from './terminal.js';

/** What every command is given. */
export interface Session {
  readonly environment: Environment;
  readonly terminal: Terminal;
}

/** Options of the commands that speak of one host. */
export interface HostOptions {
  readonly host?: string;
  readonly config?: string;
}

/** Adds `--host` and `--config`. */
export function withHostOptions(command: Command): Command {
  return command
    .option('--host <name>', 'the host, by the name in its lockstep.yaml (default: the one in --config)')
    .option('--config <file>', 'lockstep.yaml (default: LOCKSTEP_CONFIG, or /etc/lockstep/lockstep.yaml)');
}

/** What is to be repeated in the commands that are shown to a person. */
export function flagsFor({ host, config }: HostOptions): string {
  return `${host === undefined ? '' : ` --host ${host}`}${configFlag(config)}`;
}

/** The same for commands of the host itself, which take no `--host`. */
export function configFlag(config: string | undefined): string {
  return config === undefined ? '' : ` --config ${config}`;
}

/** Reads lockstep.yaml: where --config says, or the environment. */
export function loadSessionConfig(session: Session, options: Pick<HostOptions, 'config'>): Promise<LoadedConfig> {
  return loadConfig(options.config === undefined ? session.environment.configPath : resolve(options.config));
}

/** Which host is meant; only without --host does lockstep.yaml have to be there. */
export async function resolveHost(session: Session, options: HostOptions): Promise<string> {
  if (options.host === undefined) return (await loadSessionConfig(session, options).catch(offerHost)).config.host;
  const parsed = hostNameSchema.safeParse(options.host);
  if (!parsed.success) throw wrongUsage(`--host ${options.host} is not ${parsed.error.issues[0]?.message ?? 'a host name'}`);
  return parsed.data;
}

function offerHost(error: unknown): never {
  throw error instanceof ConfigNotAtHand ? new ConfigNotAtHand(error.fact, `${error.nextMove}, or name the host with --host`) : error;
}

/** Runs a command's work with a connection to the server, and closes that afterwards. */
export async function withServer<T>(session: Session, work: (connected: ConnectedClient) => Promise<T>): Promise<T> {
  const settings = readServerSettings(session.environment);
  const connected = await connectClient(settings).catch((error: unknown) => {
    throw noAnswer(error instanceof Error ? error.message : String(error));
  });
  try {
    return await work(connected);
  } finally {
    await connected.connection.close();
  }
}
