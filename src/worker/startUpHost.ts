import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowExecutionAlreadyStartedError, type Client } from '@temporalio/client';
import { decideStart, type Claim, type Holder, type RaiseAlert, type ServiceStanding, type Standing } from '../activities/index.js';
import { toAlertWords } from '../contract/alerts.js';
import { runInputSchema } from '../contract/inputs.js';
import { signalNames } from '../contract/names.js';
import { startup } from '../workflows/startup.js';
import type { Logger } from './log.js';
import { ignoreAbort, isNotFound } from './serverErrors.js';
import { startRun } from './startRun.js';

/** How a worker looks after the service of its host, where no run does. */
export interface StartUpHostDependencies {
  readonly host: string;
  readonly readClaim: () => Promise<Claim | undefined>;
  /** Whether the server knows a run as running; `unknown` where it can not be asked. */
  readonly isRunning: (run: Claim) => Promise<boolean | 'unknown'>;
  readonly readStanding: () => Promise<Standing>;
  /** Keeps that these containers were stopped by hand. @returns Those of which that was not known. */
  readonly keepLeftAlone: (services: readonly ServiceStanding[]) => Promise<readonly ServiceStanding[]>;
  readonly now: () => Date;
  /** Where a service is left down that a start-up could not keep up. */
  readonly raiseAlert: RaiseAlert;
  /** The kernel's. */
  readonly bootId: string;
  readonly log: Logger;
  /** Default 20. */
  readonly lookEverySeconds?: number;
}

/** A service that ends again and again is not kept up by starts: damaged pages suffer from each. */
const mostStartsInAnHour = 5;
const millisecondsOfHour = 3600 * 1000;

/** Pauses after a look or a start that failed: at a boot much else is not up yet. */
const secondsAfterFailure = 5;

/**
 * Begins `startup` where a boot has locked the volume, and where the database or the application ended without anybody
 * wanting that: the overlay's restart policy is "no", so that nobody else starts them; five times within an hour at most.
 * Never while a run holds the host, which makes its own conditions true again; one that has it again from a run that came
 * first is told so.
 *
 * @param signal - Ends the watch.
 */
export async function startUpHost(client: Client, dependencies: StartUpHostDependencies, signal: AbortSignal): Promise<void> {
  const { log, lookEverySeconds = 20 } = dependencies;
  const look = createLook(client, dependencies);
  const isEnded = (): boolean => signal.aborted;
  let lastFailure: string | undefined;
  while (!isEnded()) {
    const failure = await look().then(() => undefined, String);
    // What stays the same for hours is said once.
    if (failure !== undefined && failure !== lastFailure && !isEnded()) log.warn({ failure }, 'the service of this host could not be looked after; it is tried again');
    lastFailure = failure;
    await sleep((failure !== undefined ? Math.min(secondsAfterFailure, lookEverySeconds) : lookEverySeconds) * 1000, undefined, { signal }).catch(ignoreAbort);
  }
}

/** One look after another: what a boot has locked is asked for once, and what this worker saw open it does not ask for. */
function createLook(client: Client, { host, readClaim, isRunning, readStanding, keepLeftAlone, now, raiseAlert, bootId, log }: StartUpHostDependencies): () => Promise<void> {
  let mayAsk = true;
  let begunFor = '';
  let owed: readonly Holder[] = [];
  let startupHeldAt = -Infinity;
  let starts: readonly number[] = [];
  const toldLost = new Set<string>();

  /** A run that was terminated, or lost by its server, holds the host and starts nothing. */
  async function tellLost(claim: Claim): Promise<void> {
    if (toldLost.has(claim.runId) || (await isRunning(claim)) !== false) return;
    const { isSelected, volume, services } = await readStanding();
    if (!isSelected || (volume === 'open' && services.every(({ end }) => end === undefined))) return;
    toldLost.add(claim.runId);
    const words = `${claim.workflowId} (run ${claim.runId}) holds ${host}, is lost or was terminated, and nobody starts the service`;
    log.warn({ volume }, words);
    await raiseAlert({
      id: [host, bootId, 'held-by-lost-run', claim.runId].join('/'),
      at: now().toISOString(),
      ...toAlertWords({ severity: 'critical', subject: `the service of ${host} is down, and a lost run holds it`, text: `${words}. What can be typed: lockstep start startup --take-over; where that is refused, it says what goes on with the lost run` }),
      host,
      run: { workflowId: claim.workflowId, runId: claim.runId },
    });
  }

  async function leaveDown(ends: string, why: string, words: string): Promise<void> {
    begunFor = ends;
    log.warn({ why }, words);
    await raiseAlert({
      id: [host, bootId, 'left-down', ends].join('/'),
      at: now().toISOString(),
      ...toAlertWords({ severity: 'critical', subject: `the service of ${host} is left down`, text: `${words}: ${why}. Look at docker logs, mend what they say, then: lockstep start startup` }),
      host,
    });
  }

  return async () => {
    const claim = await readClaim();
    if (claim !== undefined) {
      if (claim.runbook === startup.name) startupHeldAt = now().getTime();
      if (owed.some(({ runId }) => runId === claim.runId)) await tellHostIsBack(client, claim, bootId);
      owed = claim.lentBy ?? [];
      return tellLost(claim);
    }
    owed = [];
    const standing = await readStanding();
    if (standing.volume === 'open') mayAsk = false;
    const decision = decideStart(standing, mayAsk, now());
    if (decision === undefined) return;
    if ('leaveAlone' in decision) {
      for (const { container, end } of await keepLeftAlone(decision.leaveAlone)) {
        log.warn({ container, since: end?.at }, `${container} is down and left alone: ${end?.cause ?? ''}; "lockstep start startup" starts it`);
      }
      return;
    }
    // Whoever ended a run that was begun for this very end has seen it.
    const ends = standing.services.map(({ container, end }) => `${container} ${end?.at ?? ''}`).join(', ');
    if (decision.start === 'watch' && ends === begunFor) return;
    const at = now().getTime();
    starts = starts.filter((each) => at - each < millisecondsOfHour);
    if (decision.start === 'watch') {
      // It ended while a start-up had the host: whoever ended that has seen it, and may want the host for something else.
      if (standing.services.every(({ end }) => end === undefined || (end.at !== undefined && Date.parse(end.at) <= startupHeldAt))) {
        return leaveDown(ends, decision.why, 'a start-up was ended with the service down, and none is begun by itself for that');
      }
      if (starts.length >= mostStartsInAnHour) return leaveDown(ends, decision.why, `the service was started ${starts.length} times within an hour, and has ended again: it is not started once more by itself`);
    }
    // A run may have taken the host while all this was looked at.
    if ((await readClaim()) !== undefined) return;
    await begin(client, host, decision.start);
    mayAsk = false;
    begunFor = ends;
    if (decision.start === 'watch') starts = [...starts, at];
    log.info({ why: decision.why }, `startup begun by the ${decision.start}`);
  };
}

/** It may ask for a passphrase that the run before it has typed. */
async function tellHostIsBack(client: Client, { workflowId, runId }: Claim, bootId: string): Promise<void> {
  await client.workflow.getHandle(workflowId, runId).signal(signalNames.resumed, { bootId, hasHostAgain: true }).catch((error: unknown) => {
    // It has ended, or its server was lost.
    if (!isNotFound(error)) throw error;
  });
}

async function begin(client: Client, host: string, startedBy: 'boot' | 'watch'): Promise<void> {
  const input = runInputSchema.parse({ host, startedBy });
  await startRun(client, { runbook: startup, input }).catch((error: unknown) => {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  });
}
