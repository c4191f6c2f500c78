import { existsSync } from 'node:fs';
import { Client, Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import type { NativeConnectionOptions } from '@temporalio/worker';
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

/**
 * Reads Temporal's own settings: the `TEMPORAL_*` variables and the profiles that the `temporal`
 * program keeps.
 *
 * @param configFile - What TEMPORAL_CONFIG_FILE names, if it names one.
 * @throws {@link PermanentFailure} where that file does not exist: the SDK would take the default
 * server instead, without a word.
 */
export function readServerSettings(configFile?: string): ServerSettings {
  if (configFile !== undefined && !existsSync(configFile)) {
    throw new PermanentFailure(`TEMPORAL_CONFIG_FILE names ${configFile}, which does not exist`, 'mend the path or unset the variable');
  }
  const { connectionOptions, namespace } = loadClientConnectConfig(
    configFile === undefined ? {} : { configSource: { path: configFile } },
  );
  return {
    address: connectionOptions.address ?? defaultAddress,
    namespace: namespace ?? 'default',
    options: connectionOptions,
  };
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
