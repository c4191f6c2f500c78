import type { Client } from '@temporalio/client';
import type { Claim, Holder as HolderOfHost } from '../activities/index.js';
import { signalNames } from '../contract/names.js';
import { secretAnswers, type Decision } from '../contract/questions.js';
import { isNoAnswer, isNotFound } from './serverErrors.js';

/** The run that holds the host, as a worker speaks to it. */
export interface Holder {
  /** Whether the server knows a run as running; `unknown` where it can not be asked. */
  readonly isRunning: (run: HolderOfHost) => Promise<boolean | 'unknown'>;
  /** Tells that a worker has started, so that an open question gets its conditions back after a reboot, and a history that is behind its host is noticed. */
  readonly tellResumed: (bootId: string) => Promise<void>;
  /** Fails where a run does not act on this host now: what is typed for it would be taken by the run that does. */
  readonly assertMayTakeSecret: (workflowId: string | undefined) => Promise<void>;
  /** Tells that a secret lies in the vault, so that the step that lacked it runs again. */
  readonly tellSecretGiven: (question: string, by: string, workflowId: string | undefined) => Promise<void>;
}

/**
 * @param readClaim - Reads the claim's file on the host.
 * @param readCalls - Reads how far the journal of a run is: the highest number of a call.
 */
export function createHolder(client: Client, readClaim: () => Promise<Claim | undefined>, readCalls: (run: HolderOfHost) => Promise<number>): Holder {
  const handleOf = ({ workflowId, runId }: HolderOfHost) => client.workflow.getHandle(workflowId, runId);

  async function isRunning(claim: HolderOfHost): Promise<boolean | 'unknown'> {
    try {
      return (await handleOf(claim).describe()).status.name === 'RUNNING';
    } catch (error) {
      if (isNotFound(error)) return false;
      if (isNoAnswer(error)) return 'unknown';
      throw error;
    }
  }

  /** The run that a secret is for, while it may act. */
  async function askerOf(workflowId: string | undefined): Promise<HolderOfHost> {
    const claim = await readClaim();
    if (claim === undefined) throw new Error('no run holds this host; nothing asks for a secret');
    if (workflowId === undefined || workflowId === claim.workflowId) return claim;
    const waiting = claim.lentBy?.find((each) => each.workflowId === workflowId);
    if (waiting === undefined) throw new Error(`${workflowId} does not hold this host, ${claim.workflowId} does`);
    // One that was lost gives the host back to nobody by itself: the run behind it asks a person what becomes of that.
    if ((await isRunning(claim)) === false) return waiting;
    throw new Error(`${claim.workflowId} has the host first, and ${workflowId} waits for it: type this again when that has ended`);
  }

  return {
    isRunning,
    async tellResumed(bootId) {
      const claim = await readClaim();
      for (const run of claim === undefined ? [] : [claim, ...(claim.lentBy ?? [])]) {
        try {
          // Without it the run hears of this later, and of a damaged journal from its next step.
          await forgetWorkerOf(client, run).catch(() => undefined);
          const calls = await readCalls(run).catch(() => undefined);
          await handleOf(run).signal(signalNames.resumed, { bootId, ...(calls === undefined ? {} : { calls }) });
        } catch (error) {
          // The run ended, or its server was lost: a person who starts the next one is shown the claim.
          if (!isNotFound(error)) throw error;
        }
      }
    },
    async assertMayTakeSecret(workflowId) {
      await askerOf(workflowId);
    },
    async tellSecretGiven(question, by, workflowId) {
      const decision: Decision = { question, answer: secretAnswers.typed, by };
      await handleOf(await askerOf(workflowId)).signal(signalNames.decide, decision);
    },
  };
}

/** Else the server offers the run's next task to the process that had it last, which is dead, and waits. */
async function forgetWorkerOf(client: Client, { workflowId, runId }: HolderOfHost): Promise<void> {
  await client.workflowService.resetStickyTaskQueue({ namespace: client.options.namespace, execution: { workflowId, runId } });
}
