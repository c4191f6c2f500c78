import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { OpenQuestion } from '../contract/questions.js';
import type { Run } from '../host/processes/runner.js';
import { connectClient, localServer, type ConnectedClient } from '../worker/connection.js';
import { findTemporalProgram } from '../worker/temporalProgram.js';
import { startTemporalServer, type TemporalServer } from '../worker/temporalServer.js';
import { readClientVerdict, type ClientVerdict } from './clientVerdict.js';
import { findFreePorts } from './freePort.js';
import { bootGuest, machineAddress, projectRoot, type Guest, type GuestImage, type GuestProcess } from './guest/index.js';
import { hostConfig, hostFiles, type HostConfig, type RehearsalTimes } from './hostConfig.js';
import { installOn, lockstepCommand, lockstepProgram, serverUnit, syncInstallation, workerUnit } from './installation.js';
import { snapshotIn, takeSnapshot } from './snapshot.js';

/** Where the Temporal server of a rehearsal runs: beside the host, or in it as the embedded shape has it. */
export type ServerPlace = 'inside' | 'outside';

/** What a rehearsal is made of. */
export interface RehearsalSettings {
  readonly run: Run;
  readonly image: GuestImage;
  /** A folder for this rehearsal, emptied first. */
  readonly directory: string;
  readonly name: string;
  /** Lockstep's cache on this machine, where the Temporal program is looked for. */
  readonly cacheDirectory: string;
  readonly server: ServerPlace;
  readonly times: RehearsalTimes;
  /** What the host's lockstep.yaml holds instead, section by section; for tests of configurations. */
  readonly config?: HostConfig;
  /** The port of a director on this machine: the worker then asks it at each fault point. */
  readonly directorPort?: number;
  /** The folder of a snapshot to begin from: the host boots as after a power cut, with its own lockstep.yaml. */
  readonly snapshot?: string;
  readonly onProgress: (stage: string) => void;
}

/** A disposable host with a deployment, a client that keeps writing, a worker, and a server. */
export interface Rehearsal {
  readonly guest: Guest;
  readonly client: Client;
  /** Where the server answers on this machine. */
  readonly address: string;
  readonly uiUrl: string;
  readonly startWorker: () => Promise<void>;
  /** SIGKILL to the worker's process; its unit starts it again unless `stay` is set. */
  readonly killWorker: (options?: { readonly stay?: boolean }) => Promise<void>;
  /** Cuts the host's power and boots it again; the deployment, the worker and the client come up as they would. */
  readonly powerCut: () => Promise<void>;
  readonly killServer: () => Promise<void>;
  readonly startServer: () => Promise<void>;
  /** Of a server outside: its database is lost, and it starts with a new one. */
  readonly loseServer: () => Promise<void>;
  /** Of a server outside: copies its database as it is. @returns What puts that copy in the place of the database of then. */
  readonly copyServer: () => Promise<() => Promise<void>>;
  /** Copies host and server, as a power cut of both at this moment would leave them, into a folder. */
  readonly saveTo: (folder: string) => Promise<void>;
  readonly startSending: () => Promise<void>;
  /** Ends the client and lets it prove what became of every acknowledged operation. */
  readonly finishSending: () => Promise<ClientVerdict>;
  /** Puts a secret into the worker's socket, the same that `lockstep unlock` speaks to. */
  readonly unlock: (question: Pick<OpenQuestion, 'id' | 'secret'>, value: string, workflowId?: string) => Promise<void>;
  /** Runs the Lockstep command line in the host. */
  readonly lockstep: (...args: readonly string[]) => Promise<{ readonly stdout: string; readonly stderr: string; readonly exitCode: number }>;
  readonly close: () => Promise<void>;
}

const guestServerPort = 7233;
const guestDirectorPort = 7999;
const faultyWorkerProgram = join('dist', 'bin', 'faultyWorker.main.js');
const clientProgram = join('dist', 'bin', 'client.main.js');

/** Boots the host and starts everything except the client and the run. */
export async function openRehearsal(settings: RehearsalSettings): Promise<Rehearsal> {
  const { run, image, directory, name, onProgress } = settings;
  onProgress('booting the disposable host');
  const snapshot = settings.snapshot === undefined ? undefined : snapshotIn(settings.snapshot);
  const guest = await bootGuest({ run, image, directory: join(directory, 'guest'), name, ...(snapshot && { differences: snapshot.differences }) });
  const workerCommand =
    settings.directorPort === undefined ? `${lockstepProgram()} worker` : `${join(projectRoot(), faultyWorkerProgram)} http://${machineAddress}:${guestDirectorPort}`;
  let temporal: TemporalServer | undefined;
  const temporalDirectory = join(directory, 'temporal');
  let serverPort = 0;
  let uiPort = 0;
  let connected: ConnectedClient | undefined;
  let sending: GuestProcess | undefined;
  try {
    const serverAddress = settings.server === 'outside' ? `${machineAddress}:${guestServerPort}` : `127.0.0.1:${guestServerPort}`;
    if (snapshot === undefined) await installOn(guest, { config: { ...hostConfig(settings.times), ...settings.config }, serverAddress, workerCommand });
    if (settings.directorPort !== undefined) await guest.offerToGuest(settings.directorPort, guestDirectorPort);
    onProgress('starting the Temporal server');
    const { address, uiUrl, port } = settings.server === 'outside' ? await startOutside() : await startInside();
    connected = await connectWithPatience(port);
    const { client } = connected;
    return { guest, client, address, uiUrl, startWorker, killWorker, powerCut, killServer, startServer, loseServer, copyServer, saveTo, startSending, finishSending, unlock, lockstep, close };
  } catch (error) {
    await close();
    throw error;
  }

  async function startOutside(): Promise<{ address: string; uiUrl: string; port: number }> {
    await rm(temporalDirectory, { recursive: true, force: true });
    if (snapshot !== undefined) await cp(snapshot.temporal, temporalDirectory, { recursive: true });
    [serverPort = 0, uiPort = 0] = await findFreePorts(2);
    await startServer();
    await guest.offerToGuest(serverPort, guestServerPort);
    return { address: `127.0.0.1:${serverPort}`, uiUrl: `http://127.0.0.1:${uiPort}`, port: serverPort };
  }

  async function startInside(): Promise<{ address: string; uiUrl: string; port: number }> {
    await guest.expect('systemctl', ['enable', '--now', serverUnit]);
    await syncInstallation(guest);
    const port = await guest.forwardFromMachine(guestServerPort);
    const uiPort = await guest.forwardFromMachine(8233);
    return { address: `127.0.0.1:${port}`, uiUrl: `http://127.0.0.1:${uiPort}`, port };
  }

  async function startWorker(): Promise<void> {
    await guest.expect('systemctl', ['enable', '--now', workerUnit]);
    await syncInstallation(guest);
  }

  async function killWorker({ stay = false }: { readonly stay?: boolean } = {}): Promise<void> {
    if (stay) await guest.expect('systemctl', ['mask', '--runtime', workerUnit]);
    await guest.expect('systemctl', ['kill', '--kill-whom=main', '--signal=KILL', workerUnit]);
  }

  async function powerCut(): Promise<void> {
    const wasSending = sending !== undefined;
    await guest.powerCut();
    await guest.boot();
    if (wasSending) await startSending();
  }

  async function killServer(): Promise<void> {
    if (temporal === undefined) {
      await guest.expect('systemctl', ['kill', '--kill-whom=main', '--signal=KILL', serverUnit]);
      return;
    }
    const ended = temporal.ended.catch(() => undefined);
    process.kill(temporal.processId, 'SIGKILL');
    await ended;
  }

  async function startServer(): Promise<void> {
    if (settings.server === 'inside') {
      await guest.expect('systemctl', ['start', serverUnit]);
      return;
    }
    const program = await findTemporalProgram(run, settings.cacheDirectory, settings.onProgress);
    temporal = await startTemporalServer({ run, program, directory: temporalDirectory, port: serverPort, uiPort });
    // Whoever waits for it learns of its end there; a kill by a test is not an unhandled failure.
    void temporal.ended.catch(() => undefined);
  }

  async function loseServer(): Promise<void> {
    await killServer();
    await rm(temporalDirectory, { recursive: true, force: true });
    await startServer();
  }

  async function copyServer(): Promise<() => Promise<void>> {
    const copy = `${temporalDirectory}.copy`;
    await killServer();
    await cp(temporalDirectory, copy, { recursive: true });
    await startServer();
    return async () => {
      await killServer();
      await rm(temporalDirectory, { recursive: true });
      // Whoever puts a database back takes longer than a worker takes to notice that its server is away.
      await sleep(5000);
      await cp(copy, temporalDirectory, { recursive: true });
      await startServer();
    };
  }

  async function saveTo(folder: string): Promise<void> {
    const server = temporal === undefined ? {} : { server: { processId: temporal.processId, directory: temporalDirectory } };
    await takeSnapshot({ run, guest, ...server }, folder);
  }

  async function startSending(): Promise<void> {
    await guest.expect('rm', ['-f', hostFiles.stopFile]);
    sending = guest.spawn(process.execPath, [
      join(projectRoot(), clientProgram),
      ...['run', '--journal', hostFiles.journal, '--stop-file', hostFiles.stopFile],
    ]);
  }

  async function finishSending(): Promise<ClientVerdict> {
    await guest.putFile({ content: '', to: hostFiles.stopFile });
    await sending?.ended;
    sending = undefined;
    const { stdout, stderr } = await guest.exec(process.execPath, [join(projectRoot(), clientProgram), 'verify', '--journal', hostFiles.journal], { timeoutSeconds: 300 });
    return readClientVerdict(stdout, stderr);
  }

  async function lockstep(...args: readonly string[]) {
    return guest.exec(lockstepCommand, args, { timeoutSeconds: 120 });
  }

  async function unlock({ id, secret }: Pick<OpenQuestion, 'id' | 'secret'>, value: string, workflowId?: string): Promise<void> {
    const request = JSON.stringify({ question: id, secret: secret ?? '', value, by: 'rehearsal', ...(workflowId === undefined ? {} : { workflowId }) });
    const { stdout, stderr } = await guest.exec('socat', ['-t', '20', '-', `UNIX-CONNECT:${hostFiles.state}/secrets.sock`], { input: `${request}\n` });
    if (!stdout.includes('"ok":true')) throw new Error(`the worker did not take the secret: ${(stdout || stderr).trim()}`);
  }

  async function close(): Promise<void> {
    await connected?.connection.close();
    await guest.destroy();
    await temporal?.stop();
  }
}

async function connectWithPatience(port: number): Promise<ConnectedClient> {
  for (let tries = 0; ; tries++) {
    try {
      return await connectClient(localServer(port));
    } catch (error) {
      if (tries >= 20) throw error;
      await sleep(1000);
    }
  }
}
