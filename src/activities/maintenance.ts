import { mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PermanentFailure } from '../contract/errors.js';
import { announceCompletion, announceDuringMaintenance, announceExtendedMaintenance, announceWeekBefore } from '../contract/templates.js';
import { ensureTextFile } from '../host/textFile.js';
import { changes, type Attempt } from './activity.js';
import { ensureApplicationStopped } from './services.js';
import { readProofs } from './proofs.js';
import { keepFact, readFact } from './runFacts.js';

/** When users went offline, and how that was done. */
interface MaintenanceFact {
  readonly since: string;
  readonly how: string;
}

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
    const earlier = await readFact<MaintenanceFact>(attempt, 'maintenance');
    const since = earlier?.since ?? attempt.now().toISOString();
    await keepFact(attempt, 'maintenance', { since, how: 'beginning' } satisfies MaintenanceFact);
    const { mode, window } = config.maintenance;
    const minutes = window?.expectedMinutes ?? 180;
    const expected = new Date(Date.parse(since) + minutes * 60_000).toISOString();
    await announce(attempt, 'during-maintenance', announceDuringMaintenance({ application: config.deployment.application.title, expectedCompletion: expected, statusPage: config.maintenance.statusPage }));
    const before = await writeProbe(attempt);
    if (mode.kind === 'file') {
      await mkdir(dirname(mode.path), { recursive: true });
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
    await keepFact(attempt, 'maintenance', { since, how } satisfies MaintenanceFact);
    return { how, since };
  }),

  /** Turns maintenance mode off and tells how long users were offline. */
  endMaintenance: changes('MAINTENANCE_OFF', async (attempt) => {
    const { config } = attempt;
    const { mode } = config.maintenance;
    if (mode.kind === 'file') await rm(mode.path, { force: true });
    if (mode.kind === 'hook') {
      const [file = '', ...args] = mode.off;
      await attempt.run(file, args, { timeout: 'standard' });
    }
    const begun = await readFact<MaintenanceFact>(attempt, 'maintenance');
    const ended = (await readFact<{ at: string }>(attempt, 'maintenance-end'))?.at ?? attempt.now().toISOString();
    await keepFact(attempt, 'maintenance-end', { at: ended });
    const offlineSeconds = begun === undefined ? 0 : (Date.parse(ended) - Date.parse(begun.since)) / 1000;
    if (attempt.call.phase === 'do') await announce(attempt, 'after-completion', announceCompletion({ application: config.deployment.application.title, proven: await readProofs(attempt) }));
    return { offlineSeconds };
  }),

  /** The plan's "announce extended maintenance", as a text to send. */
  announceRollback: changes('ROLLBACK_ANNOUNCED', async (attempt) => ({
    file: await announce(attempt, 'extended-maintenance', announceExtendedMaintenance({ application: attempt.config.deployment.application.title, statusPage: attempt.config.maintenance.statusPage })),
  })),
};

/** Keeps an announcement as a text in the run's directory, for a person to send. */
async function announce(attempt: Attempt, name: string, text: { readonly subject: string; readonly body: string }): Promise<string> {
  const path = join(attempt.directory, 'announcements', `${name}.txt`);
  await mkdir(dirname(path), { recursive: true });
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
    // A second attempt of this step finds the mode on already: then 503 before and now is what is expected.
    if (now === 503) return before !== undefined;
    await sleep(500, undefined, { signal: attempt.signal });
  }
  return false;
}
