import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { Worker, type ActivityInterceptorsFactory, type NativeConnection } from '@temporalio/worker';
import type { Claim, SecretVault } from '../activities/index.js';
import { hostTaskQueue, workflowTaskQueue } from '../contract/names.js';
import type { ConnectedClient, ServerSettings } from './connection.js';
import { failDeadAttempts, watchDeadAttempts, type DeadAttempt } from './deadAttempts.js';
import { takeHostLock } from './hostLock.js';
import { createIdentity } from './identity.js';
import type { Logger } from './log.js';
import { assertOpenRunsFit, readBuildId, type Bundle } from './replay.js';
import { createHolder } from './holder.js';
import { ensureSearchAttributes } from './searchAttributes.js';
import { listenForSecrets } from './secretSocket.js';
import { ignoreAbort, isNoAnswer } from './serverErrors.js';
import { connectWorker } from './workerConnection.js';
import { runWorkflowWorker } from './workflowWorker.js';

const secondsUntilToldAgain = 5;

/** What a host's worker is made of. */
export interface WorkerSettings {
  readonly host: string;
  /** The kernel's, so that a run can tell a new worker from a reboot. */
  readonly bootId: string;
  readonly server: ServerSettings;
  readonly bundle: Bundle;
  /** Makes the activities; they may ask whether the server knows a run as running. */
  readonly createActivities: (server: { readonly isRunning: (claim: Claim) => Promise<boolean | 'unknown'> }) => Promise<object>;
  /** Wired in around every activity: the rehearsal's fault points. */
  readonly activityInterceptors?: readonly ActivityInterceptorsFactory[];
  readonly vault: SecretVault;
  readonly secretSocketPath: string;
  /** Which run holds the host, as the file on the host says. */
  readonly readClaim: () => Promise<Claim | undefined>;
  /** The highest number of a call in a run's journal on the host. */
  readonly readCalls: (claim: Claim) => Promise<number>;
  /** Looks after the service of the host where no run does, until the signal; absent where nothing is looked after. */
  readonly lookAfterHost?: (client: Client, isRunning: (claim: Claim) => Promise<boolean | 'unknown'>, signal: AbortSignal) => Promise<void>;
  /** Sends alerts until the signal: as long as this process is the host's one worker, with or without a server. */
  readonly deliverAlerts?: (signal: AbortSignal) => Promise<void>;
  /** Called when the worker serves its host, or waits for a server that does not answer: the host's boot need not wait for that. */
  readonly tellUp: () => Promise<void>;
  readonly log: Logger;
}

/**
 * Serves a host until the signal: workflows from the shared queue, activities from the host's own. It
 * starts only as the host's one worker, on a server that knows the search attributes, with a bundle
 * that fits every open run; and it first ends what a dead predecessor left open.
 *
 * @param signal - Ends it; running steps get 30 s, as the unit's TimeoutStopSec expects.
 * @throws PermanentFailure where one of these does not hold.
 */
export async function runWorker(settings: WorkerSettings, signal: AbortSignal): Promise<void> {
  const lock = await takeHostLock(settings.host);
  const ending = new AbortController();
  const ended = AbortSignal.any([signal, ending.signal]);
  const alerts = settings.deliverAlerts?.(ended);
  try {
    const itself = { identity: createIdentity(settings.host, settings.bootId), buildId: await readBuildId(settings.bundle) };
    const connected = await prepare(settings, itself, ended);
    try {
      await serve(settings, itself, connected, ended);
    } finally {
      await disconnect(connected);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
    // It was still waiting for its server.
    ignoreAbort(error);
  } finally {
    ending.abort();
    settings.vault.forgetAll();
    await alerts;
    await lock.release();
  }
}

/** By what the server knows this process, and what it serves. */
interface Itself {
  readonly identity: string;
  readonly buildId: string;
}

type Connected = ConnectedClient & { readonly native: NativeConnection };

async function disconnect({ native, connection }: Connected): Promise<void> {
  await native.close();
  await connection.close();
}

/** Everything that has to hold before the first poll; begun again when the server goes away on the way. */
async function prepare(settings: WorkerSettings, { identity, buildId }: Itself, signal: AbortSignal): Promise<Connected> {
  const { server, bundle, log } = settings;
  const onWait = (message: string): void => {
    log.warn(message);
    reportUp(settings);
  };
  for (;;) {
    const connected = await connectWorker(server, onWait, signal);
    try {
      const added = await ensureSearchAttributes(connected.connection, server.namespace);
      if (added.length > 0) log.info({ added }, 'search attributes registered');
      const replayed = await assertOpenRunsFit(connected.client, bundle, buildId);
      if (replayed.length > 0) log.info({ runs: replayed }, 'open runs fit this version');
      reportDead(log, await failDeadAttempts(connected.client, identity));
      return connected;
    } catch (error) {
      await disconnect(connected);
      if (!isNoAnswer(error)) throw error;
      log.warn('the server went away while the worker was starting; starting again');
    }
  }
}

async function serve(settings: WorkerSettings, { identity, buildId }: Itself, { client, native }: Connected, signal: AbortSignal): Promise<void> {
  const { host, log, vault, secretSocketPath } = settings;
  const holder = createHolder(client, settings.readClaim, settings.readCalls);
  const whose = { connection: native, identity, namespace: settings.server.namespace };
  // Before the workers: one that never ran keeps its connection from being closed, and what failed here would not be told.
  const secrets = await listenForSecrets({ path: secretSocketPath, vault, assertMayTake: holder.assertMayTakeSecret, onGiven: holder.tellSecretGiven });
  try {
    const steps = await createStepWorker(settings, whose, holder.isRunning);
    const ending = new AbortController();
    const stop = (): void => {
      ending.abort();
      if (steps.getState() === 'RUNNING') steps.shutdown();
    };
    const trouble = (error: unknown): void => log.warn({ failure: String(error) }, 'the server did not do what was asked; workers go on');
    const tellResumed = () => holder.tellResumed(settings.bootId).then(() => true, (error: unknown) => (trouble(error), false));
    const told = tellResumed();
    void told.then((isTold) => (isTold ? undefined : repeatUntil(tellResumed, ending.signal)));
    void told.then(() => settings.lookAfterHost?.(client, holder.isRunning, ending.signal)).catch(trouble);
    // The step that was at work comes first: the thread for workflows takes as much of a single processor to start as all before.
    const walking = Promise.race([told, once(ending.signal, 'abort')]).then(() =>
      runWorkflowWorker(
        async () => {
          const worker = await createWorkflowWorker(settings, whose, buildId);
          // Up once it serves all of it and the run knows: until then it comes before what else starts with the host.
          reportUp(settings);
          return worker;
        },
        client,
        log,
        ending.signal,
      ),
    );
    const running = [steps.run(), walking];
    signal.addEventListener('abort', stop);
    if (signal.aborted) stop();
    log.info({ host, server: settings.server.address, identity }, `serving ${host}`);
    watchDeadAttempts(client, identity, { failed: (attempts) => reportDead(log, attempts), trouble }, signal).catch(trouble);
    // One that fails ends the other, and both have ended before their connection is closed.
    const results = await Promise.allSettled(running.map((run) => run.finally(stop)));
    signal.removeEventListener('abort', stop);
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  } finally {
    await secrets.close();
  }
}

/** A run that is not told of a reboot leaves the host as that left it for as long as a question is open. */
async function repeatUntil(isDone: () => Promise<boolean>, signal: AbortSignal): Promise<void> {
  do await sleep(secondsUntilToldAgain * 1000, undefined, { signal }).catch(ignoreAbort);
  while (!signal.aborted && !(await isDone()));
}

type Whose = { readonly connection: NativeConnection; readonly identity: string; readonly namespace: string };

function createWorkflowWorker({ bundle }: WorkerSettings, whose: Whose, buildId: string): Promise<Worker> {
  return Worker.create({
    ...whose,
    workerDeploymentOptions: { useWorkerVersioning: false, version: { deploymentName: 'lockstep', buildId } },
    taskQueue: workflowTaskQueue,
    workflowBundle: bundle,
    // After a crash the server waits that long for the dead process before it gives a task to this one.
    stickyQueueScheduleToStartTimeout: '1s',
  });
}

async function createStepWorker(settings: WorkerSettings, whose: Whose, isRunning: (claim: Claim) => Promise<boolean | 'unknown'>): Promise<Worker> {
  return Worker.create({
    ...whose,
    taskQueue: hostTaskQueue(settings.host),
    activities: await settings.createActivities({ isRunning }),
    interceptors: { activity: [...(settings.activityInterceptors ?? [])] },
    // People watch the progress that heartbeats carry, one each second: what is held back is sent before a step's end can be told.
    maxHeartbeatThrottleInterval: '500ms',
    shutdownGraceTime: '30s',
  });
}

function reportUp({ tellUp, log }: WorkerSettings): void {
  tellUp().catch((error: unknown) => log.warn({ failure: String(error) }, 'systemd could not be told that the worker is up'));
}

function reportDead(log: Logger, attempts: readonly DeadAttempt[]): void {
  for (const { workflowId, activity } of attempts) log.warn({ workflowId, activityType: activity }, 'ended an attempt whose worker is dead');
}
