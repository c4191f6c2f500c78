import { join } from 'node:path';
import { createConfigReader } from '../config/load.js';
import type { Config } from '../config/schema.js';
import type { Call } from '../contract/calls.js';
import { createControlGroups, readControlGroupMount } from '../host/processes/controlGroup.js';
import { createRun } from '../host/processes/runner.js';
import { createSystem } from '../host/system.js';
import { stepActivities } from './activities.js';
import type { Activity } from './activity.js';
import { ensureCondition } from './conditions.js';
import { removeRestore } from './backup/restoreCheck.js';
import { createAlertPeople, type RaiseAlert } from './run/alertPeople.js';
import { createRunActivities, type RunDependencies } from './run/run.js';
import type { Claim } from './wrapper/claim.js';
import { createAudit } from './wrapper/audit.js';
import { createSingleFlight } from './wrapper/singleFlight.js';
import { createTurns } from './wrapper/turns.js';
import type { SecretVault } from './wrapper/secretVault.js';
import { highestNumber, readJournalIn } from './wrapper/hostAhead.js';
import { controlGroupOf, runDirectory, wrap, type WrapperDependencies } from './wrapper/wrap.js';

export { createAlertSender, type DeliveryListener } from './alerts/delivery.js';
export { createOutbox, type DamagedEntry, type Outbox, type OutboxContents } from './alerts/outbox.js';
export { isOwed, type Addressee, type Delivery, type Entry } from './alerts/entry.js';
export { givenUp, summariseUndelivered, type Undelivered } from './alerts/undelivered.js';
export type { RaiseAlert } from './run/alertPeople.js';
export { createSecretVault, type GivenSecret, type SecretVault } from './wrapper/secretVault.js';
export { createClaimFile, type Claim, type ClaimFile, type Holder } from './wrapper/claim.js';
export { findPassphrasesInTheClear } from './source/passphrasePlaces.js';
export { stepActivities, type Activities } from './activities.js';
export { decideStart } from './startup/decision.js';
export { createHostLook, type HostLook } from './startup/lookAfterHost.js';
export type { ServiceStanding, Standing } from './startup/standing.js';

/** What the worker gives to its activities. */
export interface ActivityDependencies {
  readonly configPath: string;
  readonly lockstepVersion: string;
  readonly vault: SecretVault;
  /** Where systemd put the worker's credentials; absent where it was given none. */
  readonly credentialsDirectory?: string;
  readonly isRunning: RunDependencies['isRunning'];
  /** The host's name in lockstep.yaml when the worker started: alerts bear it also while the file is broken. */
  readonly host: string;
  readonly raiseAlert: RaiseAlert;
  readonly now?: () => Date;
  /** Told of what fails beside the steps and in no step's way, for the worker's log. */
  readonly onTrouble?: (words: string) => void;
  /** Told of each event that has just been written into the audit log. */
  readonly onAudited?: (event: string) => void;
}

/** Taking, looking at and giving back the claim needs none; nor does what only tells people, or writes into the run's own directory. */
const unclaimed: ReadonlySet<string> = new Set(['openRun', 'catchUp', 'closeRun', 'draftNotifications', 'writeIncidentReport']);

/** An activity as the worker registers it. */
export type Registered = (call: Call, args: never) => Promise<unknown>;

/** The activities of a host as its worker registers them, each in the wrapper but the one that only tells people. */
export async function createActivities(dependencies: ActivityDependencies): Promise<Readonly<Record<string, Registered>>> {
  const now = dependencies.now ?? (() => new Date());
  const loadConfig = createConfigReader(dependencies.configPath);
  // No process outlives its boot.
  const { bootId: currentBoot } = await createSystem({ run: createRun() }).readBootId();
  const bootId = () => Promise.resolve(currentBoot);
  const controlGroups = await createTakeOver();
  const turns = createTurns();
  const { isRunning } = dependencies;
  const wrapper: WrapperDependencies = {
    loadConfig,
    vault: dependencies.vault,
    credentialsDirectory: dependencies.credentialsDirectory,
    singleFlight: createSingleFlight(),
    turns,
    isRunning,
    ensure: ensureCondition,
    controlGroups,
    audit: createAudit({ run: createRun(), now, onTrouble: dependencies.onTrouble, onAudited: dependencies.onAudited }),
    raiseAlert: dependencies.raiseAlert,
    bootId,
    now,
  };
  const runActivities = createRunActivities({
    lockstepVersion: dependencies.lockstepVersion,
    configDigest: () => loadConfig().then(({ digest }) => digest),
    bootId,
    endLeftovers: async (attempt) => {
      await controlGroups.endOthers(attempt.call.runId, controlGroupOf(attempt.call));
      await removeRestore(attempt);
    },
    ensure: ensureCondition,
    forgetSecrets: dependencies.vault.forgetAll,
    isRunning,
    turns,
  });
  const all: Record<string, Activity<never, unknown>> = { ...stepActivities, ...runActivities };
  return {
    ...Object.fromEntries(Object.entries(all).map(([name, activity]) => [name, wrap(activity, !unclaimed.has(name), wrapper)])),
    alertPeople: createAlertPeople({ host: dependencies.host, raiseAlert: dependencies.raiseAlert, now }),
  };
}

/** The wrapper's, and what ends all of a run's but one. */
type ControlGroupsOfRuns = WrapperDependencies['controlGroups'] & { readonly endOthers: (prefix: string, own: string) => Promise<void> };

/** Control groups where the host has version 2; elsewhere the runner's own signals have to do. */
async function createTakeOver(): Promise<ControlGroupsOfRuns> {
  const mount = await readControlGroupMount();
  if (mount === undefined) return { takeOver: () => Promise.resolve(undefined), end: () => Promise.resolve(), endOthers: () => Promise.resolve() };
  const groups = createControlGroups({ root: mount });
  const nameOf = (name: string) => `lockstep-${name}`.slice(0, 100);
  return {
    async takeOver(name) {
      const { path } = await groups.ensureControlGroup({ name: nameOf(name) });
      await groups.endControlGroup({ name: nameOf(name) });
      return path;
    },
    async end(name) {
      await groups.endControlGroup({ name: nameOf(name) });
      await groups.removeControlGroup({ name: nameOf(name) });
    },
    async endOthers(prefix, own) {
      for (const name of await groups.listControlGroups({ prefix: nameOf(prefix) })) {
        if (name === nameOf(own)) continue;
        await groups.endControlGroup({ name });
        await groups.removeControlGroup({ name });
      }
    },
  };
}

/** Where the worker listens for secrets. */
export function secretSocketPath(config: Pick<Config, 'stateDirectory'>): string {
  return join(config.stateDirectory, 'secrets.sock');
}

/** How far a run's journal on the host is: the highest number of a call; 0 where none is there. */
export async function readCalls(config: Pick<Config, 'stateDirectory'>, run: Pick<Claim, 'runbook' | 'runId'>): Promise<number> {
  return highestNumber(await readJournalIn(runDirectory(config, run)));
}
