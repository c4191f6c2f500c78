/**
 * Whether logins are shown to be of different people: by the names of the users, whatever the machines. A person
 * has the same name on several of them, and with each a login of another reading: `ann@db1`, `ann@laptop`.
 *
 * @param logins - As `lockstep` read them from the kernel, one for each person; undefined where it did not tell.
 */
export function areDistinctLogins(logins: readonly (string | undefined)[]): boolean {
  const users = logins.flatMap((login) => (login === undefined ? [] : [login.replace(/@.*$/s, '').toLowerCase()]));
  return users.length === logins.length && users.length > 1 && new Set(users).size === users.length;
}
