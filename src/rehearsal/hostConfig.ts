import { testAccount } from './deployment/accounts.js';
import { deployment } from './deployment/files.js';

/** The name of the rehearsal's host in Temporal. */
export const rehearsalHost = 'rehearsal';

/** Where the host of a rehearsal has its files. */
export const hostFiles = {
  config: '/etc/lockstep/lockstep.yaml',
  testPassword: '/etc/lockstep/test-account',
  state: '/var/lib/lockstep',
  journal: '/var/lib/lockstep-client/operations.jsonl',
  stopFile: '/var/lib/lockstep-client/stop',
} as const;

/**
 * What is typed in a rehearsal where a person would type. They are no secrets: the host is thrown
 * away, and they travel the same way as a person's, and are judged as theirs are.
 */
export const rehearsalSecrets: Readonly<Record<string, string>> = {
  operationalPassphrase: 'footgear debit deskwork civil hug crafter rule zero',
  recoveryPassphrase: 'mutation frown antler mutilator monetary doze obituary unimpeded',
  newOperationalPassphrase: 'shirt divisible plug childhood kabob hurray prompter sevenfold',
  newRecoveryPassphrase: 'prewashed unmapped presume quail rockiness trend tinkling tinsel',
  backupPassphrase: 'duress yodel giant tripping humorist purplish python cross',
  testAccountPassword: testAccount.password,
};

/** Short where production is patient: nobody watches a rehearsal for a day. */
export interface RehearsalTimes {
  readonly firstHourSeconds: number;
  readonly daySeconds: number;
}

/** What stands in a lockstep.yaml. */
export type HostConfig = Record<string, unknown>;

/** The rehearsal's lockstep.yaml: the plan's deployment, small and quick. */
export function hostConfig({ firstHourSeconds, daySeconds }: RehearsalTimes): HostConfig {
  return {
    host: rehearsalHost,
    stateDirectory: hostFiles.state,
    deployment: {
      directory: deployment.directory,
      database: { service: deployment.databaseService, name: deployment.databaseName, user: deployment.databaseUser },
      application: { service: deployment.applicationService },
    },
    volume: {
      // Argon2id with 1 GiB takes a minute a passphrase in the disposable host; its cost is production's own.
      argon2id: { memoryKiB: 32768, minimumMemoryKiB: 32768, parallel: 1, iterationMilliseconds: 100 },
    },
    maintenance: {
      mode: { kind: 'file', path: `${deployment.directory}/${deployment.maintenanceFile}` },
      statusPage: 'https://status.example.com',
    },
    verification: {
      testAccount: { email: testAccount.email, password: `file:${hostFiles.testPassword}` },
      baselineRequests: 30,
      // One virtual CPU without AES instructions tells nothing of production: the limits are the plan's
      // in kind, and wide enough that only a real fault fails a rehearsal.
      operationsPercent: 400,
      snapshotPercent: 400,
      ioWaitPercent: 80,
    },
    watch: { firstHourSeconds, daySeconds, intervalSeconds: 1 },
    preflight: { maximumLoadPerCpu: 20 },
  };
}
