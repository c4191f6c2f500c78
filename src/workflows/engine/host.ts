import { ActivityCancellationType, proxyActivities } from '@temporalio/workflow';
import type { AlertWords } from '../../contract/alerts.js';
import type { Call, Condition, JournalSummary } from '../../contract/calls.js';
import { failureTypes } from '../../contract/errors.js';
import type { Facts } from '../../contract/facts.js';
import { hostTaskQueue } from '../../contract/names.js';
import type { RunState } from '../../contract/status.js';
import type { CaughtUp, Opened } from '../../contract/settings.js';

/** What the engine itself asks of the host, whatever the runbook. */
export interface EngineActs {
  /** Claims the host, records the list of nodes and the settings; the first thing that a run does. */
  openRun: (args: { readonly nodes: readonly string[]; readonly takeOver: boolean; readonly resume?: true; readonly undoes?: string; readonly comesFirst?: true; readonly options?: Opened['options'] }) => Promise<Opened>;
  /** Takes the host again, and tells how far its journal is; for a run whose history is behind it. */
  catchUp: (args: { readonly way: 'on' | 'back'; readonly undoes?: string }) => Promise<CaughtUp>;
  /** Ends whatever this run left running on the host, and reads what its journal says was begun. */
  beginWayBack: () => Promise<JournalSummary>;
  /** Ensures the conditions of the call, and does nothing else. */
  ensureConditions: () => Promise<void>;
  /** Makes true what the run leaves, writes its record and gives the host free, or back to the lost run that it was taken from. */
  closeRun: (args: { readonly state: RunState; readonly outcome: string; readonly summary: Facts; readonly leaves: readonly Condition[]; readonly handsBack?: true }) => Promise<void>;
  /** Tells people something, once for each key of the call's node and opening; it succeeds as soon as the host has it, and needs neither the claim nor a whole lockstep.yaml. */
  alertPeople: (args: AlertWords & { readonly key: string }) => Promise<void>;
}

/**
 * The activities of a host, each called in the given envelope. A step gets this object as `act`; the
 * envelope travels as the first argument and is the wrapper's business.
 *
 * @param host - Names the task queue.
 * @param call - The envelope.
 */
export function actOn<Acts>(host: string, call: Call): Acts {
  const activities = proxyActivities<Record<string, (call: Call, args?: unknown) => Promise<unknown>>>({
    taskQueue: hostTaskQueue(host),
    summary: (call.phase === 'undo' ? `Undo: ${call.title}` : call.title).slice(0, 190),
    // No step is given up because it takes long: only its heartbeat tells that it lives.
    startToCloseTimeout: '30 days',
    heartbeatTimeout: '20s',
    // The next action must not begin before this one has ended.
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: {
      initialInterval: '1s',
      backoffCoefficient: 2,
      // A person may be watching: nobody waits longer than that for the next attempt.
      maximumInterval: '10s',
      // Enough for restarts and short outages; then a person is asked.
      maximumAttempts: 20,
      nonRetryableErrorTypes: Object.values(failureTypes),
    },
  });
  return new Proxy(
    {},
    { get: (_, name) => (args?: unknown) => activities[String(name)]?.(call, args) },
  ) as Acts;
}
