import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from '@temporalio/client';
import { msToTs, optionalTsToMs } from '@temporalio/common/lib/time.js';
import { PermanentFailure } from '../contract/errors.js';
import { CommandFailed, type Run } from '../host/processes/runner.js';
import { connectClient, localServer, type ServerSettings } from './connection.js';
import { ensureSearchAttributes } from './searchAttributes.js';
import type { TemporalProgram } from './temporalProgram.js';

/** How the embedded server is started. */
export interface TemporalServerSettings {
  readonly run: Run;
  readonly program: TemporalProgram;
  /** Holds the database; never on the volume that is worked on. */
  readonly directory: string;
  /** Default 127.0.0.1: the server asks nobody who they are. */
  readonly ip?: string;
  readonly port: number;
  /** Without one there is no Web UI. */
  readonly uiPort?: number;
  readonly namespace?: string;
}

/** An embedded server that answers and is ready for workers. */
export interface TemporalServer {
  readonly settings: ServerSettings;
  readonly uiUrl?: string;
  /** The server's own: `setsid` and `setpriv` become it. */
  readonly processId: number;
  /** Resolves when it has been stopped; rejects with its last words when it ends by itself. */
  readonly ended: Promise<void>;
  readonly stop: () => Promise<void>;
}

/** Closed runs stay readable for that long; the server's own default is one day. */
const retentionDays = 400;
const startTimeoutSeconds = 60;

/**
 * Starts Temporal's dev server on a database file, waits until it answers, and brings its namespace to
 * what Lockstep needs: settings given at the start are ignored where the file already exists.
 *
 * The server leaves the terminal's session, so that Ctrl-C reaches the worker first; and the kernel
 * ends it when its parent dies.
 *
 * @throws {@link PermanentFailure} where its port is taken or it does not come up.
 */
export async function startTemporalServer(settings: TemporalServerSettings): Promise<TemporalServer> {
  const ip = settings.ip ?? '127.0.0.1';
  const server = localServer(settings.port, settings.namespace, ip === '0.0.0.0' ? '127.0.0.1' : ip);
  await mkdir(settings.directory, { recursive: true, mode: 0o700 });
  await assertPortFree(ip, settings.port);
  const stopping = new AbortController();
  let processId: number | undefined;
  let lastLines: readonly string[] = [];
  const ended = settings
    .run('setsid', ['setpriv', '--pdeathsig', 'TERM', settings.program.path, ...serverArguments(settings, ip)], {
      timeout: 'unlimited',
      signal: stopping.signal,
      onLine: (line) => (lastLines = [...lastLines, line].slice(-3)),
      onStart: (started) => (processId = started),
      // A clean end of its own is no answer either, unless it was asked for.
      answers: [],
    })
    .then(
      () => undefined,
      (error: unknown) => {
        if (!stopping.signal.aborted) throw explainEnd(error, lastLines);
      },
    );
  const stop = async (): Promise<void> => {
    stopping.abort();
    await ended;
  };
  try {
    await Promise.race([makeReady(server), ended.then(() => Promise.reject(new Error('the Temporal server ended while it was starting')))]);
  } catch (error) {
    await stop();
    throw error;
  }
  if (processId === undefined) throw new Error('the Temporal server answers, and was not started');
  return {
    settings: server,
    processId,
    ended,
    stop,
    ...(settings.uiPort === undefined ? {} : { uiUrl: `http://${ip}:${settings.uiPort}` }),
  };
}

function serverArguments({ directory, port, uiPort, namespace }: TemporalServerSettings, ip: string): string[] {
  return [
    ...['server', 'start-dev', '--ip', ip, '--port', String(port)],
    ...['--db-filename', join(directory, 'temporal.db')],
    // An acknowledged event survives a power cut; the default journal costs four syncs per transaction.
    ...['--sqlite-pragma', 'journal_mode=WAL', '--sqlite-pragma', 'synchronous=FULL'],
    // Without these the poller of a worker that lost its power swallows tasks for half a minute.
    ...['--dynamic-config-value', 'frontend.keepAliveTime="1s"', '--dynamic-config-value', 'frontend.keepAliveTimeout="2s"'],
    // It looks for tasks to hand out twenty times a second at most, and each step is two of them.
    ...['--dynamic-config-value', 'history.transferProcessorMaxPollRPS=2000'],
    ...['--log-format', 'json', '--log-level', 'error'],
    ...(namespace === undefined ? [] : ['--namespace', namespace]),
    ...(uiPort === undefined ? ['--headless'] : ['--ui-port', String(uiPort)]),
  ];
}

/** A predecessor whose parent was killed may need a moment to end. */
async function assertPortFree(ip: string, port: number): Promise<void> {
  for (let attempt = 0; attempt < 50; attempt += 1) {
    if (await isPortFree(ip, port)) return;
    await sleep(200);
  }
  throw new PermanentFailure(
    `port ${port} on ${ip} is taken by another program`,
    'if that is a Temporal server, use "lockstep worker" with it; otherwise choose another port with --port',
  );
}

function isPortFree(ip: string, port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(false);
      else reject(error);
    });
    probe.listen(port, ip, () => probe.close(() => resolve(true)));
  });
}

async function makeReady(server: ServerSettings): Promise<void> {
  const { connection } = await connectClient(server, startTimeoutSeconds);
  try {
    await ensureRetention(connection, server.namespace);
    await ensureSearchAttributes(connection, server.namespace);
  } finally {
    await connection.close();
  }
}

async function ensureRetention(connection: Connection, namespace: string): Promise<void> {
  const milliseconds = retentionDays * 86_400_000;
  const { config } = await connection.workflowService.describeNamespace({ namespace });
  if (optionalTsToMs(config?.workflowExecutionRetentionTtl) === milliseconds) return;
  await connection.workflowService.updateNamespace({
    namespace,
    config: { workflowExecutionRetentionTtl: msToTs(milliseconds) },
  });
}

function explainEnd(error: unknown, lastLines: readonly string[]): Error {
  if (!(error instanceof CommandFailed)) return error instanceof Error ? error : new Error(String(error));
  const words = error.stderr.trim().split('\n').slice(-3).join(' ') || lastLines.join(' ');
  return words === ''
    ? new PermanentFailure(
        `the Temporal server ended (${error.how}) and did not say why`,
        'start it again; another program may have taken one of its ports in that moment',
      )
    : new PermanentFailure(`the Temporal server ended (${error.how}): ${words}`, 'mend what it names and start it again');
}
