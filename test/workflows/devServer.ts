import { CommandFailed, createRun } from '../../src/host/processes/runner.js';
import { connectClient, localServer } from '../../src/worker/connection.js';
import { findFreePort } from './freePort.js';
import { findTemporalProgram } from './programs.js';

/** A Temporal server in memory, on a port of the loopback address. */
export interface DevServer {
  readonly port: number;
  /** @throws the server's last words where it has ended by itself before. */
  readonly stop: () => Promise<void>;
}

const startTimeoutSeconds = 60;

/** Starts the server that users run, and waits until it answers. */
export async function startDevServer(): Promise<DevServer> {
  const port = await findFreePort();
  const stopping = new AbortController();
  const args = [
    ...['server', 'start-dev', '--headless', '--ip', '127.0.0.1', '--port', String(port), '--log-level', 'error'],
    // By default it hands out tasks twenty times a second: most of a quick run would be waiting for that.
    ...['--dynamic-config-value', 'history.transferProcessorMaxPollRPS=2000'],
  ];
  const ended = createRun()('setpriv', ['--pdeathsig', 'TERM', findTemporalProgram(), ...args], {
    timeout: 'unlimited',
    signal: stopping.signal,
    answers: [],
  }).then(
    () => undefined,
    (error: unknown) => {
      if (!stopping.signal.aborted) throw withItsWords(error);
    },
  );
  const ready = connectClient(localServer(port), startTimeoutSeconds).then(({ connection }) => connection.close());
  await Promise.race([ready, ended.then(() => ready)]);
  return {
    port,
    async stop() {
      stopping.abort();
      await ended;
    },
  };
}

function withItsWords(error: unknown): unknown {
  if (!(error instanceof CommandFailed)) return error;
  return new Error(`the Temporal server ended (${error.how}): ${error.stderr}${error.stdout}`);
}
