import { areDistinctLogins } from '../../contract/logins.js';
import type { RecordedDecision } from '../../contract/questions.js';

/**
 * Who agreed where several people had to, and whether they were shown to be several: by login users that differ. A name
 * alone is claimed.
 *
 * @param decisions - All that were sent.
 * @param question - The opening that they agreed on.
 */
export function describeAgreement(decisions: readonly RecordedDecision[], question: string, answer: string): string {
  const agreed = decisions.filter((each) => each.question === question && each.answer === answer && each.outcome === 'counted');
  const people = agreed.map(({ by, login, signature, at, reason }) => `${by}${login === undefined ? '' : ` (login ${login})`}${signature === undefined ? '' : ' (signed)'} ${at}${reason === undefined ? '' : `: ${reason}`}`);
  if (areDistinctLogins(agreed.map(({ login }) => login))) return [...people, 'distinct by their login users'].join('; ');
  // Whose signatures these are only the host can tell, which has the keys.
  return [...people, `distinctness not shown${agreed.some(({ signature }) => signature !== undefined) ? ' here: the audit log says whose signatures these are' : ''}`].join('; ');
}
