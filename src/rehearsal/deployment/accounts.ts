/** Who may log in to the application. */
export interface Account {
  readonly email: string;
  readonly password: string;
}

/**
 * The account of the client that keeps writing during a migration. Its operations are users' writes:
 * losing one of them is losing data.
 */
export const clientAccount: Account = { email: 'client@example.com', password: 'client' };

/**
 * The account of the runbooks' own test operations (the plan's appendix, `test@example.com`): the only
 * one that may write during maintenance, and whose operations may be removed again.
 */
export const testAccount: Account = { email: 'test@example.com', password: 'test-account-7421' };
