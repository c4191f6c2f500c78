import { setTimeout as sleep } from 'node:timers/promises';
import { PermanentFailure } from '../contract/errors.js';
import { readContainerReadiness } from '../host/postgresReadiness.js';
import { CommandFailed } from '../host/runner.js';
import { changes, type Attempt } from './activity.js';
import { assertMayReturn, carriedPlaces, ensureSourceInPlace, mayReturn } from './carriedSource.js';
import { assertOpenFilesOnVolume } from './openFilesOnVolume.js';
import { keepEndOfOutage } from './outage.js';
import { isOverlaySelected } from './overlay.js';
import { keepFact, readFact } from './runFacts.js';
import { needSource } from './source.js';
import { assertEqualStatistics, readStatistics, type Statistics } from './statistics.js';
import { keepStopped, lookAtSourceOnce } from './stoppedSource.js';

/** When the database was first started on the new volume: what its logs say of that time is about the new volume. */
export interface StartedFact {
  /** ISO time. */
  readonly since: string;
}

const readyWithinSeconds = 300;
/** psql's status where the server refused a statement. */
const failedStatement = 3;
/** What a server says to whoever asks whether it is ready yet: no reason for its end. */
const isAnswerToProbe = /the database system is (starting up|shutting down|not yet accepting connections)/;

/** PostgreSQL was started and has ended by itself. */
class DatabaseEnded extends Error {
  override readonly name = 'DatabaseEnded';
}

/** Stopping and starting the database and the application, on the old volume and on the new one. */
export const serviceActivities = {
  /** Under `restart: always` a reboot in the middle of the copy would start the old database again. */
  disableRestart: changes('RESTART_DISABLED', async (attempt) => {
    const { container, applicationContainer } = await needSource(attempt);
    for (const name of [applicationContainer, container]) await attempt.tools.docker.ensureRestartPolicy({ container: name, policy: 'no' });
    return { containers: [applicationContainer, container] };
  }),

  restoreRestart: changes('RESTART_RESTORED', async (attempt) => {
    const { restartPolicies } = await needSource(attempt);
    for (const [name, policy] of Object.entries(restartPolicies)) {
      if (await attempt.tools.docker.readContainer(name)) await attempt.tools.docker.ensureRestartPolicy({ container: name, policy });
    }
    return { restartPolicies };
  }),

  stopApplication: changes('APPLICATION_STOP', async (attempt) => {
    await ensureApplicationStopped(attempt);
    return { stopped: true };
  }),

  /** Stops PostgreSQL within the configured time, and reads from its control file that it was a clean stop. */
  stopDatabase: changes('DATABASE_STOP', async (attempt) => {
    await ensureDatabaseStopped(attempt);
    return keepStopped(attempt);
  }),

  /**
   * The way back: the untouched source starts, and holds exactly what it held when it was stopped. One
   * that somebody started meanwhile has moved on, and is gone back to all the same: it is the service.
   */
  startDatabaseOnSource: changes('DATABASE_START', async (attempt) => {
    const { carriedOver } = await ensureSourceInPlace(attempt);
    const nextMove = await nextMoveFor(attempt, carriedOver);
    const { untouched } = await lookAtSourceOnce(attempt, carriedOver ? 'volume' : 'source', nextMove);
    const lost = untouched ? '' : '; it was started since it was stopped, and no backup holds what was written then';
    await ensureDatabaseUp(attempt).catch((error: unknown) => {
      throw error instanceof DatabaseEnded ? new PermanentFailure(`the old database does not start (${error.message})${lost}`, nextMove) : error;
    });
    const recorded = untouched ? await readFact<Statistics>(attempt, carriedOver ? 'statistics-carried' : 'statistics-stopped') : undefined;
    if (recorded) assertEqualStatistics(recorded, await readOldStatistics(attempt, nextMove), nextMove);
    return { equal: recorded !== undefined, untouched, carriedOver };
  }),

  startApplicationOnSource: changes('APPLICATION_START', async (attempt) => {
    await ensureDatabaseUp(attempt);
    return ensureApplicationUp(attempt);
  }),

  /** Starts on the volume, and proves that every file PostgreSQL holds open lies on the dm-crypt device. */
  startDatabaseOnVolume: changes('DATABASE_START', async (attempt) => {
    await keepFact(attempt, 'started-on-volume', (await readFact<StartedFact>(attempt, 'started-on-volume')) ?? ({ since: attempt.now().toISOString() } satisfies StartedFact));
    await ensureDatabaseUp(attempt);
    return assertOpenFilesOnVolume(attempt);
  }),

  stopDatabaseOnVolume: changes('DATABASE_STOP', async (attempt) => {
    await ensureDatabaseStopped(attempt);
    return { stopped: true };
  }),

  /** From here on users may write on the new volume; that is written down before the application starts. */
  startApplicationOnVolume: changes('APPLICATION_START', async (attempt) => {
    const marked = (await attempt.readJournal()).some((entry) => entry.kind === 'mark');
    if (!marked) await attempt.journal({ kind: 'mark', at: attempt.now().toISOString(), mark: 'users may write on the new volume' });
    const up = await ensureApplicationUp(attempt);
    await keepEndOfOutage(attempt);
    return up;
  }),
};

async function nextMoveFor(attempt: Attempt, carriedOver: boolean): Promise<string> {
  const { container } = await needSource(attempt);
  const look = `look at docker logs ${container}, mend it and retry`;
  if (!carriedOver) return look;
  const { root, kept } = await carriedPlaces(attempt);
  return `${look}. What users wrote is on the encrypted volume, too, which is intact; the old directory of before it is ${kept}. To go back to either is a person's choice: move ${root} aside, put a copy in its place, and retry`;
}

/** What PostgreSQL cannot read today it cannot read at the next attempt. */
async function readOldStatistics(attempt: Attempt, nextMove: string): Promise<Statistics> {
  try {
    return await readStatistics(attempt);
  } catch (error) {
    if (!(error instanceof CommandFailed) || error.exitCode !== failedStatement) throw error;
    throw new PermanentFailure('the old database started, and does not give its figures: a table or a catalog of it cannot be read', nextMove);
  }
}

/** Stops the application where it runs. */
export async function ensureApplicationStopped(attempt: Attempt): Promise<void> {
  const { application } = attempt.config.deployment;
  const { applicationContainer } = await needSource(attempt);
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
  const { container } = await needSource(attempt);
  if (!(await isDatabaseReady(attempt, container))) await ensureDatabaseUp(attempt);
}

/** Asked over the server's socket; where the host does not see that, by pg_isready in the container. */
export async function isDatabaseReady({ config, tools }: Attempt, container: string): Promise<boolean> {
  const { user, name: database } = config.deployment.database;
  const processId = (await tools.docker.readContainer(container))?.processId;
  if (processId === undefined) return false;
  return (await readContainerReadiness({ processId, user, database })) ?? tools.postgres.isReady({ container, user, database });
}

/** Starts the application without touching the database, and waits until its health endpoint says 200. */
export async function ensureApplicationUp(attempt: Attempt): Promise<{ status: number }> {
  const { application } = attempt.config.deployment;
  await composeOf(attempt).up({ services: [application.service], noDeps: true });
  const { applicationContainer } = await needSource(attempt);
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

/** Starts the database as the selected compose files have it, and waits until it answers a query. */
export async function ensureDatabaseUp(attempt: Attempt): Promise<void> {
  if (!(await mayReturn(attempt)) && !(await isOverlaySelected(attempt))) await assertMayReturn(attempt);
  const { database } = attempt.config.deployment;
  const { container } = await needSource(attempt);
  await composeOf(attempt).up({ services: [database.service], noDeps: true, shutdownTimeoutSeconds: database.stopTimeoutSeconds });
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
    .catch(() => []);
  throw new DatabaseEnded(`${container} ended with status ${facts.exitCode}${said.length === 0 ? '' : `: ${said.at(-1)?.text.slice(0, 300)}`}`);
}

export async function ensureDatabaseStopped(attempt: Attempt): Promise<void> {
  const { database } = attempt.config.deployment;
  const { container } = await needSource(attempt);
  if ((await attempt.tools.docker.readContainer(container))?.isRunning === false) return;
  await stopService(attempt, { service: database.service, container, timeoutSeconds: database.stopTimeoutSeconds });
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
      throw new PermanentFailure(`waited ${readyWithinSeconds} s in vain for ${what}`, `look at its log (docker logs ${container}), mend what that says, then retry`);
    }
    report({ phase: `waiting for ${what}`, done: Math.round(seconds), total: readyWithinSeconds, unit: 'seconds' });
    await sleep(250, undefined, { signal });
  }
}

