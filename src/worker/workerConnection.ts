import { setTimeout as sleep } from 'node:timers/promises';
import { NativeConnection } from '@temporalio/worker';
import { connectClient, firstLine, type ConnectedClient, type ServerSettings } from './connection.js';

/**
 * Connects a worker, for as long as it takes: a host that starts before its server is no fault.
 *
 * @param onWait - Told once in a while what is being waited for.
 * @param signal - Ends the waiting.
 */
export async function connectWorker(
  settings: ServerSettings,
  onWait: (message: string) => void,
  signal: AbortSignal,
): Promise<ConnectedClient & { readonly native: NativeConnection }> {
  for (let attempt = 0; ; attempt += 1) {
    signal.throwIfAborted();
    try {
      return await connectBoth(settings);
    } catch (error) {
      if (attempt % 30 === 0) onWait(`${firstLine(error)}; the worker goes on trying`);
      await sleep(Math.min(5000, 500 * (attempt + 1)), undefined, { signal });
    }
  }
}

async function connectBoth(settings: ServerSettings): Promise<ConnectedClient & { readonly native: NativeConnection }> {
  const connected = await connectClient(settings);
  try {
    return { ...connected, native: await NativeConnection.connect({ ...settings.options, address: settings.address }) };
  } catch (error) {
    await connected.connection.close();
    throw error;
  }
}
