import { setTimeout as sleep } from 'node:timers/promises';
import { PermanentFailure } from '../../contract/errors.js';
import { PortTaken, type Compose } from '../../host/docker/compose.js';
import { readContainerReadiness } from '../../host/postgres/postgresReadiness.js';
import type { Attempt } from '../activity.js';
import { assertMayReturn, mayReturn } from '../wayBack/carriedSource.js';
import { isOverlaySelected } from './overlaySelection.js';
import { readFact } from '../run/runFacts.js';
import { findingAgainstVolume } from './findingAgainstVolume.js';
import { needDeployment } from './deployment.js';

const readyWithinSeconds = 300;
/** What Docker started before the volume was open may end once for that alone. */
const startsOnVolume = 4;
const secondsBetweenStarts = 1;
/** What a server says to whoever asks whether it is ready yet: no reason for its end. */
const isAnswerToProbe = /the database system is (starting up|shutting down|not yet accepting connections)/;

/** PostgreSQL was started and has ended by itself. */
export class DatabaseEnded extends Error {
  override readonly name = 'DatabaseEnded';
}

/** What was waited for did not come. */
export class NotInTime extends PermanentFailure {}

/** Stops the application where it runs. */
export async function ensureApplicationStopped(attempt: Attempt): Promise<void> {
  const { application } = attempt.config.deployment;
  const { applicationContainer } = await needDeployment(attempt);
  if ((await attempt.tools.docker.readContainer(applicationContainer))?.isRunning === false) return;
  await stopService(attempt, { service: application.service, container: applicationContainer, timeoutSeconds: application.stopTimeoutSeconds });
}

/** Where the application is healthy nothing is done; else it is started. */
export async function ensureApplicationHealthy(attempt: Attempt): Promise<void> {
  if ((await readHealth(attempt)) === 200) return;
  await ensureDatabaseReady(attempt);
  await ensureApplicationUp(attempt);
}

/** Where the database answers nothing is done; else it is started as the selected compose files have it. */
export async function ensureDatabaseReady(attempt: Attempt): Promise<void> {
  const { container } = await needDeployment(attempt);
  if (!(await isDatabaseReady(attempt, container))) await ensureDatabaseUp(attempt);
}

/** Asked over the server's socket; where the host does not see that, by pg_isready in the container. */
export async function isDatabaseReady({ config, tools }: Attempt, container: string): Promise<boolean> {
  const { user, name: database } = config.deployment.database;
  const processId = (await tools.docker.readContainer(container))?.processId;
  if (processId === undefined) return false;
  return (await readContainerReadiness({ processId, user, database })) ?? tools.postgres.isReady({ container, user, database });
}

/**
 * Past this mark the way back is another one. It is set before the application starts on the encrypted volume, for
 * whatever reason it does: a way back whose undos were skipped would else leave users there unnoticed.
 */
export async function markUsersMayWrite(attempt: Attempt): Promise<void> {
  // A run that moves nothing has no old volume to go back to.
  if ((await readFact(attempt, 'source')) === undefined) return;
  if ((await attempt.readJournal()).some((entry) => entry.kind === 'mark')) return;
  await attempt.journal({ kind: 'mark', at: attempt.now().toISOString(), mark: 'users may write on the new volume' });
}

/** Starts the application without touching the database, and waits until its health endpoint says 200. */
export async function ensureApplicationUp(attempt: Attempt): Promise<{ status: number }> {
  const { application } = attempt.config.deployment;
  if (await isOverlaySelected(attempt)) await markUsersMayWrite(attempt);
  await startService(attempt, { services: [application.service], noDeps: true });
  const { applicationContainer } = await needDeployment(attempt);
  return waitUntil(attempt, { container: applicationContainer, what: 'the application to be healthy' }, async () => {
    const status = await readHealth(attempt);
    return status === 200 ? { status } : undefined;
  });
}

/** The application's health status; 0 where nothing answers. */
export async function readHealth(attempt: Attempt): Promise<number> {
  const { baseUrl, healthPath } = attempt.config.deployment.application;
  try {
    return (await attempt.tools.request({ url: baseUrl + healthPath, timeoutSeconds: 5, signal: attempt.signal })).status;
  } catch (error) {
    if (error instanceof Error && error.name === 'HttpFailed') return 0;
    throw error;
  }
}

/**
 * Starts the database as the selected compose files have it, and waits until it answers a query.
 *
 * @throws {@link PermanentFailure} where it does not start on the encrypted volume, however often it is tried: a
 * RollbackTrigger where there is a way back from there.
 */
export async function ensureDatabaseUp(attempt: Attempt): Promise<void> {
  for (let start = 1; ; start++) {
    try {
      await startDatabase(attempt);
      return;
    } catch (error) {
      if (!(error instanceof DatabaseEnded || error instanceof NotInTime) || !(await isOverlaySelected(attempt))) throw error;
      const { container } = await needDeployment(attempt);
      if (start === startsOnVolume || error instanceof NotInTime) {
        const look = `look at docker logs ${container}`;
        throw await findingAgainstVolume(
          attempt,
          `PostgreSQL does not start on the encrypted volume (${error.message})`,
          { back: `${look}; roll back, or mend it and retry`, mend: `${look}, mend what that says, then retry` },
          [['starts tried', String(start)], ['what happened', error.message]],
        );
      }
      await sleep(secondsBetweenStarts * 1000, undefined, { signal: attempt.signal });
    }
  }
}

async function startDatabase(attempt: Attempt): Promise<void> {
  if (!(await mayReturn(attempt)) && !(await isOverlaySelected(attempt))) await assertMayReturn(attempt);
  const { database } = attempt.config.deployment;
  const { container } = await needDeployment(attempt);
  await startService(attempt, { services: [database.service], noDeps: true, shutdownTimeoutSeconds: database.stopTimeoutSeconds });
  await waitUntil(attempt, { container, what: `${container} to accept connections` }, async () => {
    await assertNotEnded(attempt, container);
    return (await isDatabaseReady(attempt, container)) ? true : undefined;
  });
}

async function assertNotEnded({ tools }: Attempt, container: string): Promise<void> {
  const facts = await tools.docker.readContainer(container);
  if (facts === undefined || !['exited', 'dead', 'restarting'].includes(facts.state)) return;
  const said = await tools.docker
    .readLogs({ container, since: new Date(facts.startedAt ?? 0), wanted: (text) => /FATAL|PANIC|could not/.test(text) && !isAnswerToProbe.test(text) })
    // Its log may go elsewhere.
    .catch(() => undefined);
  const last = said?.at(-1)?.text;
  throw new DatabaseEnded(`${container} ended with status ${facts.exitCode}${last === undefined ? '' : `: ${last.slice(0, 300)}`}`);
}

/** Stops the database cleanly, waiting as long as `deployment.database.stopTimeoutSeconds` allows before Docker kills it; does nothing where it has stopped. */
export async function ensureDatabaseStopped(attempt: Attempt): Promise<void> {
  const { database } = attempt.config.deployment;
  const { container } = await needDeployment(attempt);
  if ((await attempt.tools.docker.readContainer(container))?.isRunning === false) return;
  await stopService(attempt, { service: database.service, container, timeoutSeconds: database.stopTimeoutSeconds });
}

/**
 * A power cut while Docker starts a container may leave it holding the container's port for nobody, until the daemon
 * is restarted in an orderly way (moby/libnetwork#1790). Where nobody else's containers run on this host that is done here.
 */
async function startService(attempt: Attempt, options: Parameters<Compose['up']>[0]): Promise<void> {
  try {
    await composeOf(attempt).up(options);
  } catch (error) {
    if (!(error instanceof PortTaken)) throw error;
    await freePort(attempt, error);
    await composeOf(attempt).up(options);
  }
}

async function freePort(attempt: Attempt, { port }: PortTaken): Promise<void> {
  const { docker } = attempt.tools;
  const { container, applicationContainer } = await needDeployment(attempt);
  const running = await docker.readRunning();
  const others = running.filter((name) => name !== container && name !== applicationContainer);
  if (others.length > 0) {
    throw new PermanentFailure(
      `Docker says that another container has ${port}; besides this deployment there run ${others.join(', ')}`,
      `look who has it (docker ps); where nobody does, a power cut has left it taken: "systemctl restart docker" frees it, and restarts every container; then retry`,
    );
  }
  const at = attempt.now().toISOString();
  await attempt.journal({ kind: 'note', at, text: `restarting Docker's daemon: it holds ${port}, and none of the running containers (${running.join(', ') || 'none'}) has it` });
  const isDatabaseUp = running.includes(container);
  // The daemon gives a container ten seconds to end.
  if (isDatabaseUp) await ensureDatabaseStopped(attempt);
  await docker.restartDaemon();
  if (isDatabaseUp) await startDatabase(attempt);
}

async function stopService(attempt: Attempt, { service, container, timeoutSeconds }: { readonly service: string; readonly container: string; readonly timeoutSeconds: number }): Promise<void> {
  attempt.report({ phase: `waiting for ${container} to stop; Docker kills it after ${timeoutSeconds} s` });
  await composeOf(attempt).stop({ services: [service], timeoutSeconds });
}

function composeOf({ tools, config }: Attempt) {
  return tools.compose(config.deployment.directory);
}

async function waitUntil<R>({ signal, report }: Attempt, { container, what }: { readonly container: string; readonly what: string }, look: () => Promise<R | undefined>): Promise<R> {
  const began = performance.now();
  for (;;) {
    signal.throwIfAborted();
    const seen = await look();
    if (seen !== undefined) return seen;
    const seconds = (performance.now() - began) / 1000;
    if (seconds > readyWithinSeconds) {
      throw new NotInTime(`waited ${readyWithinSeconds} s in vain for ${what}`, `look at its log (docker logs ${container}), mend what that says, then retry`);
    }
    report({ phase: `waiting for ${what}`, done: Math.round(seconds), total: readyWithinSeconds, unit: 'seconds' });
    await sleep(250, undefined, { signal });
  }
}

