import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowExecutionAlreadyStartedError, type Client } from '@temporalio/client';
import { decideStart, type Claim, type ServiceStanding, type Standing } from '../activities/index.js';
import { runInputSchema } from '../contract/inputs.js';
import { startup } from '../workflows/startup.js';
import type { Logger } from './log.js';
import { ignoreAbort } from './serverErrors.js';
import { startRun } from './startRun.js';

/** How a worker looks after the service of its host, where no run does. */
export interface StartUpHostDependencies {
  readonly host: string;
  readonly readClaim: () => Promise<Claim | undefined>;
  readonly readStanding: () => Promise<Standing>;
  /** Keeps that these containers were stopped by hand. @returns Those of which that was not known. */
  readonly keepLeftAlone: (services: readonly ServiceStanding[]) => Promise<readonly ServiceStanding[]>;
  readonly now: () => Date;
  readonly log: Logger;
  /** Default 20. */
  readonly lookEverySeconds?: number;
}

/** Pauses after a look or a start that failed: at a boot much else is not up yet. */
const secondsAfterFailure = 5;

/**
 * Begins `startup` where a boot has locked the volume, and where the database or the application ended without anybody
 * wanting that: the overlay's restart policy is "no", so that nobody else starts them. Never while a run holds the host,
 * which makes its own conditions true again.
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
function createLook(client: Client, { host, readClaim, readStanding, keepLeftAlone, now, log }: StartUpHostDependencies): () => Promise<void> {
  let mayAsk = true;
  let begunFor = '';
  return async () => {
    if ((await readClaim()) !== undefined) return;
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
    // A run may have taken the host while all this was looked at.
    if ((await readClaim()) !== undefined) return;
    await begin(client, host, decision.start);
    mayAsk = false;
    begunFor = ends;
    log.info({ why: decision.why }, `startup begun by the ${decision.start}`);
  };
}

async function begin(client: Client, host: string, startedBy: 'boot' | 'watch'): Promise<void> {
  const input = runInputSchema.parse({ host, startedBy });
  await startRun(client, { runbook: startup, input }).catch((error: unknown) => {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  });
}
