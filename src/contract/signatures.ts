import type { RecordedDecision } from './questions.js';

/** What a signature is for (ssh-keygen(1), `-n`): what somebody has signed for anything else passes for no decision. */
export const signatureNamespace = 'lockstep-decision';

/** A decision, and the run that it is for. */
export type SignedDecision = Pick<RecordedDecision, 'question' | 'answer' | 'by' | 'reason'> & { readonly workflowId: string; readonly runId: string };

/**
 * What is signed: all that a decision says, for one opening of a question of one run, so that it serves no second time.
 *
 * @returns A line of JSON whose keys stand in a fixed order.
 */
export function statementOf({ workflowId, runId, question, answer, by, reason }: SignedDecision): string {
  return `${JSON.stringify({ workflowId, runId, question, answer, by, reason: reason ?? null })}\n`;
}
