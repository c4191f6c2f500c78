import { join } from 'node:path';
import { readTrustedFile } from '../../config/trustedFile.js';
import { PermanentFailure } from '../../contract/errors.js';
import { areDistinctLogins } from '../../contract/logins.js';
import type { RecordedDecision } from '../../contract/questions.js';
import { statementOf } from '../../contract/signatures.js';
import { ifPresent } from '../../host/failure.js';
import { CommandFailed } from '../../host/processes/runner.js';
import type { Attempt } from '../activity.js';

/** Who has signed a decision, or why that is not known. */
export type Signer = { readonly signer: string } | { readonly fault: string };

type Needed = Pick<Attempt, 'call' | 'config' | 'directory' | 'signal' | 'tools'>;

/**
 * Finds who has signed a decision of this run, by the file that `signatures.allowedSigners` names.
 *
 * @returns Undefined of one that nobody has signed. It fails for no fault of a signature: a decision counts without one.
 */
export async function findSigner({ call, config, directory, signal, tools }: Needed, decision: RecordedDecision): Promise<Signer | undefined> {
  const { signature } = decision;
  if (signature === undefined) return undefined;
  const { allowedSigners } = config.signatures;
  if (allowedSigners === undefined) return { fault: 'lockstep.yaml names no signatures.allowedSigners' };
  try {
    if ((await ifPresent(readTrustedFile(allowedSigners))) === undefined) return { fault: `${allowedSigners} does not exist` };
    const { workflowId, runId } = call;
    const signer = await tools.signatures.findSigner({ allowedSigners, directory: join(directory, 'signatures'), statement: statementOf({ ...decision, workflowId, runId }), signature });
    return signer === undefined ? { fault: 'it is of no allowed signer, or of other words' } : { signer };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof PermanentFailure) return { fault: error.fact };
    if (error instanceof CommandFailed) return { fault: error.message };
    throw error;
  }
}

/** The same for the audit log, beside what was decided. */
export async function describeSigner(attempt: Needed, decision: RecordedDecision): Promise<Readonly<Record<string, string>>> {
  const found = await findSigner(attempt, decision);
  if (found === undefined) return {};
  return 'signer' in found ? { signer: found.signer } : { signature: `not shown: ${found.fault}` };
}

/**
 * Whether those who decided are shown to be different people: all by their login users, or all by their signatures.
 *
 * @param decisions - One of each.
 * @returns A sentence for the record.
 */
export async function describeDistinctness(attempt: Needed, decisions: readonly RecordedDecision[]): Promise<string> {
  if (areDistinctLogins(decisions.map(({ login }) => login))) return 'They are distinct by their login users.';
  const found = await Promise.all(decisions.map((decision) => findSigner(attempt, decision)));
  const signers = found.flatMap((each) => (each !== undefined && 'signer' in each ? [each.signer] : []));
  if (signers.length === decisions.length && signers.length > 1 && new Set(signers.map((name) => name.toLowerCase())).size === signers.length) {
    return `They are distinct by their signatures: ${signers.join(', ')}.`;
  }
  const faults = found.flatMap((each) => (each !== undefined && 'fault' in each ? [each.fault] : []));
  return `Distinctness not shown: their names are as they were claimed${faults.length === 0 ? '' : ` (signatures: ${[...new Set(faults)].join('; ')})`}.`;
}
