import { toAlertWords, type Alert, type AlertWords } from '../../contract/alerts.js';
import type { Call } from '../../contract/calls.js';

/** Takes an alert and sees to its delivery. It never fails: an alert is no reason for a step to. */
export type RaiseAlert = (alert: Alert) => Promise<void>;

/** What the engine says, and which of the things that one opening of a node can say it is. */
export interface EngineAlert extends AlertWords {
  readonly key: string;
}

/**
 * Makes the activity by which a run itself tells people something: that it is parked, that a question is open.
 *
 * It stands beside the wrapper, not in it: what parks a run may be the very thing that every step stumbles over, such
 * as a broken lockstep.yaml, a full disk below the journal, or a host that another run holds.
 *
 * @param dependencies - `host` is the worker's, by its name in lockstep.yaml.
 */
export function createAlertPeople({ host, raiseAlert, now }: { readonly host: string; readonly raiseAlert: RaiseAlert; readonly now: () => Date }) {
  return async (call: Call, { key, ...words }: EngineAlert): Promise<void> => {
    await raiseAlert(toAlert(call, words, key, { host, at: now() }));
  };
}

/**
 * The alert of a node of a run. Its id is made of run, node, phase, opening and key, as that of an audit event: attempts
 * repeat, alerts do not.
 *
 * @param key - Tells one alert of an opening from another.
 */
export function toAlert(call: Call, words: AlertWords, key: string, { host, at }: { readonly host: string; readonly at: Date }): Alert {
  const { workflowId, runId, node, phase, opening } = call;
  return {
    id: [runId, node, phase, opening, 'ALERT', key].join('/'),
    at: at.toISOString(),
    ...toAlertWords(words),
    host,
    run: { workflowId, runId, node },
  };
}
