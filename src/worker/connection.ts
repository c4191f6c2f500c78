import { existsSync } from 'node:fs';
import { Client, Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import type { NativeConnectionOptions } from '@temporalio/worker';
import type { Environment } from '../config/environment.js';
import { PermanentFailure } from '../contract/errors.js';

/** Where the Temporal server is, and as whom it is spoken to. */
export interface ServerSettings {
  /** `host:port`. */
  readonly address: string;
  readonly namespace: string;
  /** TLS, API key and metadata, as the SDK takes them. */
  readonly options: NativeConnectionOptions;
}

/** Where a server is looked for when nothing names another. */
export const defaultAddress = 'localhost:7233';

/** Files that variables of Temporal's name. */
export type TemporalFiles = Pick<Environment, 'temporalConfigFile' | 'temporalTlsFiles'>;

/**
 * Reads Temporal's own settings: the `TEMPORAL_*` variables and the profiles that the `temporal`
 * program keeps.
 *
 * @throws {@link PermanentFailure} where a file that is named can not be read, which names the variable
 * too: of a missing file with profiles the SDK says nothing, and takes the default server instead.
 */
export function readServerSettings(files: TemporalFiles): ServerSettings {
  const { temporalConfigFile: path } = files;
  if (path !== undefined && !existsSync(path)) throw unreadable('TEMPORAL_CONFIG_FILE', path, 'does not exist');
  const { connectionOptions, namespace } = loadSettings(files);
  return {
    address: connectionOptions.address ?? defaultAddress,
    namespace: namespace ?? 'default',
    options: connectionOptions,
  };
}

function loadSettings(files: TemporalFiles): ReturnType<typeof loadClientConnectConfig> {
  const { temporalConfigFile: path } = files;
  try {
    return loadClientConnectConfig(path === undefined ? {} : { configSource: { path } });
  } catch (error) {
    throw explain(error, files);
  }
}

function explain(error: unknown, { temporalConfigFile, temporalTlsFiles = {} }: TemporalFiles): PermanentFailure {
  const named = Object.entries({ TEMPORAL_CONFIG_FILE: temporalConfigFile, ...temporalTlsFiles });
  const { path, code, line }: { readonly path?: unknown; readonly code?: unknown; readonly line?: unknown } = Object.assign({}, error);
  const [variable, file] = named.find(([, each]) => each !== undefined && each === path) ?? [];
  if (variable !== undefined && file !== undefined) return unreadable(variable, file, code === 'ENOENT' ? 'does not exist' : `can not be read (${firstLine(error)})`);
  const profiles = temporalConfigFile === undefined ? 'the profiles of the temporal program (temporalio/temporal.toml in ~/.config)' : `${temporalConfigFile}, which TEMPORAL_CONFIG_FILE names`;
  // The further lines of a parser's error quote the file, which may hold an API key.
  const words = `${firstLine(error)}${typeof line === 'number' ? `, line ${line}` : ''}`;
  return new PermanentFailure(`Temporal's settings can not be used: ${words}`, `mend ${profiles}, or the TEMPORAL_ variables beside it`);
}

function unreadable(variable: string, path: string, fault: string): PermanentFailure {
  return new PermanentFailure(`${variable} names ${path}, which ${fault}`, 'mend the path or unset the variable');
}

/** The settings of a server without TLS on an address of this machine, such as the embedded one. */
export function localServer(port: number, namespace = 'default', ip = '127.0.0.1'): ServerSettings {
  const address = `${ip}:${port}`;
  return { address, namespace, options: { address } };
}

/** A client, and the connection that carries it: the namespace's settings are reached through that. */
export interface ConnectedClient {
  readonly client: Client;
  readonly connection: Connection;
}

/**
 * Connects a client. Once connected it reconnects by itself, within 2 s of the server's return.
 *
 * @param timeoutSeconds - How long the server may take to answer.
 * @throws Error in plain words where it does not answer.
 */
export async function connectClient(settings: ServerSettings, timeoutSeconds = 5): Promise<ConnectedClient> {
  const { tls, apiKey, metadata } = settings.options;
  const connection = await Connection.connect({
    address: settings.address,
    ...(tls === undefined ? {} : { tls }),
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(metadata === undefined ? {} : { metadata }),
    connectTimeout: timeoutSeconds * 1000,
    // The library's own backoff grows to two minutes, which is long for a person who watches.
    channelArgs: { 'grpc.initial_reconnect_backoff_ms': 200, 'grpc.max_reconnect_backoff_ms': 2000 },
  }).catch((error: unknown) => {
    throw new Error(`no Temporal server answers at ${settings.address} (${firstLine(error)}); ${whereToFindOne}`, { cause: error });
  });
  return { connection, client: new Client({ connection, namespace: settings.namespace }) };
}

const whereToFindOne = 'start the embedded one with "lockstep up", or name another one in TEMPORAL_ADDRESS';

/** The first line of what went wrong: libraries add whole objects below it. */
export function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
}
