import type { Attempt } from '../activity.js';
import { keepFact, readFact } from './runFacts.js';

/** What the announcement of completion may claim: each only after the run has shown it. */
export type Claimed = 'dataIntegrity' | 'syncOperations' | 'performance';

/** Keeps that this run has proven a claim. */
export function keepProof(attempt: Pick<Attempt, 'directory' | 'now'>, claim: Claimed): Promise<void> {
  return keepFact(attempt, nameOf(claim), { provenAt: attempt.now().toISOString() });
}

/** Which claims this run has proven. */
export async function readProofs(attempt: Pick<Attempt, 'directory'>): Promise<Readonly<Record<Claimed, boolean>>> {
  const isProven = async (claim: Claimed) => (await readFact(attempt, nameOf(claim))) !== undefined;
  return {
    dataIntegrity: await isProven('dataIntegrity'),
    syncOperations: await isProven('syncOperations'),
    performance: await isProven('performance'),
  };
}

function nameOf(claim: Claimed): string {
  return `proven-${claim}`;
}
