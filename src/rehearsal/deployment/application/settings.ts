/** What the application is told by its environment. */
export interface Settings {
  readonly port: number;
  readonly databaseUrl: string;
  /** The key of the tokens' signatures. */
  readonly tokenSecret: string;
  /** While this file exists, writes are refused; its text is the expected completion. */
  readonly maintenanceFile: string;
  /** The email of the only account that may write during maintenance. */
  readonly testAccount: string;
}

/**
 * Reads the application's settings.
 *
 * @param environment - The process's environment: PORT (default 1900), DATABASE_URL, TOKEN_SECRET,
 * MAINTENANCE_FILE (default /maintenance/on), TEST_ACCOUNT (an email; nobody when absent).
 * @throws Error when DATABASE_URL or TOKEN_SECRET is missing, or PORT is no port.
 */
export function readSettings(environment: Readonly<Record<string, string | undefined>>): Settings {
  const port = Number(environment['PORT'] ?? '1900');
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new Error(`PORT is ${String(environment['PORT'])}; give a number from 0 to 65535`);
  }
  return {
    port,
    databaseUrl: need('DATABASE_URL', environment),
    tokenSecret: need('TOKEN_SECRET', environment),
    maintenanceFile: environment['MAINTENANCE_FILE'] ?? '/maintenance/on',
    testAccount: environment['TEST_ACCOUNT'] ?? '',
  };
}

function need(name: string, environment: Readonly<Record<string, string | undefined>>): string {
  const value = environment[name];
  if (value === undefined || value === '') throw new Error(`${name} is not set; set it in the application's environment`);
  return value;
}
