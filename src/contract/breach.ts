/**
 * The conditions under which a compromised passphrase alone is no notifiable breach: the plan's 5.3, "GDPR
 * Note". All three have to hold.
 */
export const breachConditions = {
  neverUnlocked: { id: 'never-unlocked', title: 'Was the volume never unlocked by an unauthorised party?' },
  noDataAccessed: { id: 'no-data-accessed', title: 'Was no data accessed?' },
  rotatedInTime: { id: 'rotated-in-time', title: 'Was the rotation completed before unauthorised access was possible?' },
} as const;

/** What is answered to each. */
export const breachAnswers = ['yes', 'no'] as const;

/** @param answers - To each of {@link breachConditions}; one that is lacking is no yes. */
export function isNotifiable(answers: readonly (string | undefined)[]): boolean {
  return answers.length < Object.keys(breachConditions).length || !answers.every((answer) => answer === 'yes');
}
