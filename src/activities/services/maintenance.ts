import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PermanentFailure } from '../../contract/errors.js';
import { announceCompletion, announceDuringMaintenance, announceExtendedMaintenance, announceWeekBefore } from '../../contract/templates.js';
import { ensureDirectory } from '../../host/files/ensureDirectory.js';
import { ensureTextFile } from '../../host/files/textFile.js';
import { changes, type Attempt } from '../activity.js';
import { beginOutage, endOutage, keepOutage, readOutage } from './outage.js';
import { readProofs } from '../run/proofs.js';
import { ensureApplicationHealthy, ensureApplicationStopped, readHealth } from './ensureServices.js';

/** Maintenance: writes are refused, provably, or the application is stopped. */
export const maintenanceActivities = {
  /** The plan's announcement of a week before, as a text to send; only where a window is set. */
  announceWindow: changes('WINDOW_ANNOUNCED', async (attempt) => {
    const { deployment, maintenance } = attempt.config;
    if (maintenance.window === undefined) throw new PermanentFailure('lockstep.yaml has no maintenance.window any more', 'set it again, then retry');
    const { opensAt, expectedMinutes } = maintenance.window;
    return { file: await announce(attempt, 'week-before', announceWeekBefore({ application: deployment.application.title, opensAt, expectedMinutes })) };
  }),

  /**
   * Turns maintenance mode on and proves it: a write that was let through to the login check before is
   * refused now. Where that proof fails, or no mode is configured, the application is stopped.
   */
  beginMaintenance: changes('MAINTENANCE_ON', async (attempt) => {
    const { config } = attempt;
    const since = await beginOutage(attempt);
    const { mode, window } = config.maintenance;
    const minutes = window?.expectedMinutes ?? 180;
    const expected = new Date(Date.parse(since) + minutes * 60_000).toISOString();
    await announce(attempt, 'during-maintenance', announceDuringMaintenance({ application: config.deployment.application.title, expectedCompletion: expected, statusPage: config.maintenance.statusPage }));
    const before = await writeProbe(attempt);
    if (mode.kind === 'file') {
      await ensureDirectory(dirname(mode.path), 0o755);
      await ensureTextFile({ path: mode.path, content: `${expected}\n`, mode: 0o644 });
    } else if (mode.kind === 'hook') {
      const [file = '', ...args] = mode.on;
      await attempt.run(file, args, { timeout: 'standard' });
    }
    const refused = mode.kind !== 'stop' && (await isRefused(attempt, before));
    const how = refused
      ? 'writes are refused (503), proven by a write'
      : mode.kind === 'stop'
        ? 'the application is stopped'
        : 'the configured mode did not refuse a write: the application is stopped instead';
    if (!refused) await ensureApplicationStopped(attempt);
    await keepOutage(attempt, { since, how, refusesWrites: refused });
    return { how, since };
  }),

  /** The plan's step 10: users are back and told so, with what was proven. */
  endMaintenance: changes('MAINTENANCE_OFF', async (attempt) => {
    const left = await leaveMaintenance(attempt);
    await announce(attempt, 'after-completion', announceCompletion({ application: attempt.config.deployment.application.title, proven: await readProofs(attempt) }));
    return left;
  }),

  /** Users are back, on the way back or where the run is stopped; what they are told is another matter. */
  leaveMaintenance: changes('MAINTENANCE_OFF', (attempt) => leaveMaintenance(attempt)),

  /** The plan's "announce extended maintenance", as a text to send. */
  announceRollback: changes('ROLLBACK_ANNOUNCED', async (attempt) => {
    const { deployment, maintenance } = attempt.config;
    // Users who were never kept out are told nothing.
    if ((await readOutage(attempt)) === undefined) return { file: null, available: true };
    const available = (await readHealth(attempt)) === 200;
    const text = announceExtendedMaintenance({ application: deployment.application.title, statusPage: maintenance.statusPage, available });
    return { file: await announce(attempt, 'extended-maintenance', text), available };
  }),
};

/** Turns the mode off, starts what was stopped for it, and tells how long users were offline. */
async function leaveMaintenance(attempt: Attempt): Promise<{ readonly offlineSeconds: number }> {
  const { mode } = attempt.config.maintenance;
  if (mode.kind === 'file') await rm(mode.path, { force: true });
  if (mode.kind === 'hook') {
    const [file = '', ...args] = mode.off;
    await attempt.run(file, args, { timeout: 'standard' });
  }
  await ensureApplicationHealthy(attempt);
  return endOutage(attempt);
}

/** Keeps an announcement as a text in the run's directory, for a person to send. */
async function announce(attempt: Attempt, name: string, text: { readonly subject: string; readonly body: string }): Promise<string> {
  const path = join(attempt.directory, 'announcements', `${name}.txt`);
  await ensureDirectory(dirname(path), 0o755);
  await ensureTextFile({ path, content: `Subject: ${text.subject}\n\n${text.body}\n`, mode: 0o600 });
  return path;
}

/**
 * Sends a write without a token. With maintenance off the application answers that nobody is logged
 * in; with it on it must not get that far.
 *
 * @returns The status, or undefined where nothing answers.
 */
async function writeProbe({ config, tools, signal }: Attempt): Promise<number | undefined> {
  const { baseUrl, operationsPath } = config.deployment.application;
  try {
    const response = await tools.request({ url: baseUrl + operationsPath, method: 'POST', body: { clientId: 'lockstep-probe', ops: [] }, timeoutSeconds: 5, signal });
    return response.status;
  } catch (error) {
    if (error instanceof Error && error.name === 'HttpFailed') return undefined;
    throw error;
  }
}

/** The same write was not refused as maintenance before, and is now; an application may take a moment to notice. */
async function isRefused(attempt: Attempt, before: number | undefined): Promise<boolean> {
  for (let tries = 0; tries < 10; tries++) {
    const now = await writeProbe(attempt);
    // A second attempt of this step finds the mode on already. On a first one 503 before says that
    // something else refuses, and that the mode has proven nothing.
    if (now === 503) return before !== undefined && (before !== 503 || attempt.hasPredecessor);
    await sleep(500, undefined, { signal: attempt.signal });
  }
  return false;
}
