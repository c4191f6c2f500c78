import { join } from 'node:path';
import { createConfigReader } from '../config/load.js';
import type { Config } from '../config/schema.js';
import { createAuditLog, type AuditLog } from '../host/audit/auditLog.js';
import { createControlGroups, readControlGroupMount } from '../host/processes/controlGroup.js';
import { createRun } from '../host/processes/runner.js';
import { createSystem } from '../host/system.js';
import { stepActivities } from './activities.js';
import type { Activity } from './activity.js';
import { ensureCondition } from './conditions.js';
import { removeRestore } from './backup/restoreCheck.js';
import { createRunActivities, type RunDependencies } from './run/run.js';
import type { Claim } from './wrapper/claim.js';
import { createSingleFlight } from './wrapper/singleFlight.js';
import { createTurns } from './wrapper/turns.js';
import type { SecretVault } from './wrapper/secretVault.js';
import { highestNumber, readJournalIn } from './wrapper/hostAhead.js';
import { controlGroupOf, runDirectory, wrap, type Wrapped, type WrapperDependencies } from './wrapper/wrap.js';

export { createSecretVault, type GivenSecret, type SecretVault } from './wrapper/secretVault.js';
export { createClaimFile, type Claim, type ClaimFile, type Holder } from './wrapper/claim.js';
export { stepActivities, type Activities } from './activities.js';
export { decideStart } from './startup/decision.js';
export { createHostLook, type HostLook } from './startup/lookAfterHost.js';
export type { ServiceStanding, Standing } from './startup/standing.js';

/** What the worker gives to its activities. */
export interface ActivityDependencies {
  readonly configPath: string;
  readonly lockstepVersion: string;
  readonly vault: SecretVault;
  readonly isRunning: RunDependencies['isRunning'];
  readonly now?: () => Date;
}

/** Taking, looking at and giving back the claim needs no claim. */
const unclaimed: ReadonlySet<string> = new Set(['openRun', 'catchUp', 'closeRun']);

/** The activities of a host as its worker registers them, each in the wrapper. */
export async function createActivities(dependencies: ActivityDependencies): Promise<Readonly<Record<string, Wrapped>>> {
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
    singleFlight: createSingleFlight(),
    turns,
    isRunning,
    ensure: ensureCondition,
    controlGroups,
    audit: createAudit(now),
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
  return Object.fromEntries(
    Object.entries(all).map(([name, activity]) => [name, wrap(activity, !unclaimed.has(name), wrapper)]),
  );
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

/** One writer for each path: the chain of an audit log does not bear two. */
function createAudit(now: () => Date): WrapperDependencies['audit'] {
  const logs = new Map<string, AuditLog>();
  return async (config: Config, id, event, call, details, who) => {
    const log = logs.get(config.auditLog) ?? createAuditLog({ path: config.auditLog, clock: now });
    logs.set(config.auditLog, log);
    await log.append({ id, event, ...(who ?? { by: call.startedBy }), details: { run: call.workflowId, node: call.node, ...details } });
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
