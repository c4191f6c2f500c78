import { PermanentFailure, RollbackTrigger } from '../../contract/errors.js';
import type { Facts } from '../../contract/facts.js';
import type { Attempt } from '../activity.js';
import { readFact } from '../run/runFacts.js';

/**
 * What speaks against the service on the encrypted volume, as a failure: in a run that moved the database there a reason to
 * go back, in any other one something to mend, since there is no old volume to go back to.
 *
 * @param nextMove - Of each of the two.
 */
export async function findingAgainstVolume(
  attempt: Pick<Attempt, 'directory'>,
  fact: string,
  nextMove: { readonly back: string; readonly mend: string },
  evidence: Facts,
): Promise<PermanentFailure> {
  const hasMoved = (await readFact(attempt, 'source')) !== undefined;
  return hasMoved ? new RollbackTrigger(fact, nextMove.back, evidence) : new PermanentFailure(fact, nextMove.mend);
}
