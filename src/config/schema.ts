import { z } from 'zod';
import { hostNameSchema } from '../contract/inputs.js';
import { alertsSchema } from './alertsSchema.js';
import { absolutePath, argv } from './fields.js';
import { peopleSchema } from './peopleSchema.js';
import { secretReferenceSchema } from './secretReferenceSchema.js';
import { defaultCompromise, defaultReminders } from '../contract/settings.js';

const seconds = z.number().int().positive();
const percent = z.number().min(0).max(1000);

const deploymentSchema = z.strictObject({
  directory: absolutePath.default('/opt/supersync').describe('Where docker-compose.yaml and .env lie.'),
  database: z
    .strictObject({
      service: z.string().min(1).default('postgres').describe("The service's name in the compose file, not the container's."),
      name: z.string().min(1).default('supersync').describe('The database that is looked at for reports; the whole cluster is moved.'),
      user: z.string().min(1).default('supersync'),
      passwordVariable: z
        .string()
        .default('POSTGRES_PASSWORD')
        .describe('Variable of the database service that carries its password; the overlay resets it in favour of a secret file.'),
      stopTimeoutSeconds: seconds.default(300).describe('Docker kills after 10 s by default; PostgreSQL may need more for its last checkpoint.'),
      countedTables: z
        .array(z.string())
        .default(['operations', 'users', 'user_sync_state'])
        .describe('Tables shown by name in reports; every table is counted and compared all the same.'),
    })
    .prefault({}),
  application: z
    .strictObject({
      service: z.string().min(1).default('supersync').describe('It is stopped before the database and started after it.'),
      title: z.string().min(1).default('SuperSync').describe('The name under which users know it, for the announcements.'),
      baseUrl: z.url().default('http://127.0.0.1:1900').describe('Where this host reaches the application; the paths below are asked of it.'),
      publicUrl: z.url().optional().describe('Where users reach it, for example https://sync.example.com: at the end of a startup its health is asked for there as well.'),
      healthPath: z.string().default('/health'),
      loginPath: z.string().default('/auth/login'),
      operationsPath: z.string().default('/api/sync/ops'),
      snapshotPath: z.string().default('/api/sync/snapshot'),
      restorePath: z.string().default('/api/sync/restore'),
      stopTimeoutSeconds: seconds.default(60),
    })
    .prefault({}),
});

const volumeSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,50}$/, 'a device-mapper name')
    .default('pg-data-encrypted')
    .describe('The opened volume is /dev/mapper/<name>.'),
  file: absolutePath.default('/var/lib/supersync-encrypted.img').describe('The file that holds the volume, allocated in full.'),
  device: absolutePath.optional().describe('A block device or logical volume in the place of the file, for example /dev/vg0/pg-data. It has to be empty.'),
  mountPoint: absolutePath.default('/mnt/pg-data-encrypted').describe('The data directory lies in a subdirectory of it.'),
  growthPercent: percent.default(20).describe('Room above the size of the database, as in the plan.'),
  minimumSizeMiB: z.number().int().min(64).default(256).describe('However small the database is.'),
  argon2id: z
    .strictObject({
      memoryKiB: z.number().int().min(32).max(4194304).default(1048576).describe('Fitted down to what this host can spare, never below the minimum.'),
      minimumMemoryKiB: z.number().int().min(32).default(65536),
      parallel: z.number().int().min(1).max(4).default(4),
      iterationMilliseconds: z.number().int().min(100).default(2000),
    })
    .prefault({}),
});

const backupSchema = z.strictObject({
  directory: absolutePath.default('/var/backups/supersync').describe('Encrypted backups and their manifests.'),
  maximumAgeHours: z.number().positive().default(24).describe('An older backup does not count as the one to fall back on.'),
  filesystemCopy: z
    .enum(['none', 'pg_basebackup'])
    .default('none')
    .describe("The plan's file-level copy of the day before: taken by pg_basebackup, in one encrypted stream."),
});

const maintenanceSchema = z.strictObject({
  window: z
    .strictObject({ opensAt: z.iso.datetime({ offset: true }), expectedMinutes: z.number().positive().default(180).describe('Announced to users.') })
    .optional()
    .describe('Without a window the run asks at once whether users go offline; with one it asks when the window opens.'),
  mode: z
    .discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('file'), path: absolutePath }),
      z.strictObject({ kind: z.literal('hook'), on: argv, off: argv }),
      z.strictObject({ kind: z.literal('stop') }),
    ])
    .default({ kind: 'stop' })
    .describe('How writes are refused: a file that the application reads, a command, or stopping the application.'),
  statusPage: z.string().default('[URL or contact]').describe('Goes into the announcements.'),
});

const verificationSchema = z.strictObject({
  testAccount: z
    .strictObject({ email: z.string().min(3), password: secretReferenceSchema })
    .optional()
    .describe(
      "A named account whose operations are not users' writes, and which maintenance mode lets write; an operation is removed again by DELETE on its id below operationsPath. Without it the checks that need a login, performance among them, are left out, visibly.",
    ),
  baselineRequests: z.number().int().min(5).max(2000).default(60).describe('Requests per endpoint, in pairs of before and after.'),
  operationsPercent: percent.default(10).describe('Slower than this, compared with before, and an operation fails the verdict.'),
  snapshotPercent: percent.default(15).describe('The same for a snapshot.'),
  ioWaitPercent: percent.default(5).describe('Most that waiting for the disk may grow.'),
});

const watchSchema = z.strictObject({
  firstHourSeconds: seconds.default(3600),
  daySeconds: seconds.default(86400),
  intervalSeconds: seconds.default(30),
  unhealthySeconds: seconds.default(60).describe('A health check that fails for so long makes a rollback be proposed.'),
});

const rollbackSchema = z.strictObject({
  automatic: z
    .boolean()
    .default(false)
    .describe(
      'A rollback trigger of the plan (failed verification, differing rows, lost performance, PostgreSQL not starting, corruption, errors or instability) starts the way back at once; false parks the run, with rollback recommended. Once users may have written on the new volume the way back itself asks a person first, whatever is set here.',
    ),
  performancePercent: percent.default(15).describe('Slower than this, beyond what noise explains, and going back is recommended.'),
});

const rotationSchema = z.strictObject({
  testedRestart: z
    .boolean()
    .default(true)
    .describe('A planned rotation of the operational key stops the service, opens the volume with the new passphrase and starts it again, as the plan has it. False proves the new passphrase on its key slot alone, and costs users nothing.'),
});

const preflightSchema = z.strictObject({
  spaceFactor: z.number().min(1.1).default(2).describe("The plan's twice the space, on the filesystem of the volume file."),
  maximumLoadPerCpu: z.number().positive().default(2),
  maximumRestarts: z.number().int().min(0).default(0),
  requireAes: z.boolean().default(false).describe('The plan asks for AES acceleration; without it encryption works, slower. True makes its absence a no-go.'),
  minutesPerGigabyte: z.number().positive().default(1.5).describe("The plan's estimate, shown beside the measured one."),
});

const decommissionSchema = z.strictObject({
  retentionDays: z.number().positive().default(30).describe('So long the encrypted volume has to be in use before the old data may be removed.'),
  backupNewerThanDays: z.number().positive().default(1).describe('A verified backup of the whole encrypted cluster may be that old; where none is young enough, one is taken and verified first.'),
  people: z.number().int().min(1).max(5).default(1).describe('How many different people have to agree to the removal.'),
  places: z
    .array(absolutePath)
    .default([])
    .describe('Directories beside the backup directory where copies in the clear may lie: filesystem copies, old dumps, WAL archives. They are searched; only what is shown to be of this database is removed.'),
});

/** Hosts and paths alone: a password or token in it would be a secret in the clear, and git has remotes that are commands. */
const gitRemote = z
  .string()
  .regex(
    /^(https:\/\/(?![^/]*@)|ssh:\/\/(?![^/]*:[^/]*@)|file:\/\/\/|\/|[A-Za-z0-9._-]+@[A-Za-z0-9._-]+:)[^\s\0]+$/,
    'a remote of git without a password or token: https://…, ssh://…, name@host:path, or an absolute path',
  );

const auditSchema = z.strictObject({
  anchors: z
    .strictObject({
      everyMinutes: z.number().min(1).max(10080).default(60).describe('How often, where something new is in the log. Also after each run, and when the worker starts.'),
      to: z
        .array(
          z.discriminatedUnion('kind', [
            z.strictObject({ kind: z.literal('file'), path: absolutePath }),
            z.strictObject({ kind: z.literal('git'), remote: gitRemote, branch: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._/-]*$/, 'the name of a branch').default('main') }),
            z.strictObject({ kind: z.literal('alerts') }),
          ]),
        )
        .default([])
        .describe(
          'Where the last line\'s number and chain are sent, off this host: whoever rewrites the log there can not rewrite them too. The file has to be there: where a mount is missing, none is.',
        ),
    })
    .prefault({}),
});

const remindersSchema = z.strictObject({
  beforePercent: z.number().min(1).max(99).default(defaultReminders.beforePercent).describe('People are told of a deadline when so much of the time is over, in percent, and at the deadline itself.'),
  firstAfterSeconds: seconds.default(defaultReminders.firstAfterSeconds).describe('What is not done then is told of again after so long …'),
  everySeconds: seconds.min(60).default(defaultReminders.everySeconds).describe('… and from then on each time so long has passed.'),
});

const compromiseSchema = z.strictObject({
  immediateSeconds: seconds.default(defaultCompromise.immediateSeconds).describe("The plan's hour for the immediate actions, from the start of the run."),
  investigationSeconds: seconds.default(defaultCompromise.investigationSeconds).describe('Its day for the investigation.'),
  remediationSeconds: seconds.max(defaultCompromise.remediationSeconds).default(defaultCompromise.remediationSeconds).describe('Its three days for the remediation; also how long GDPR Art. 33(1) gives for the notification of the authority, so not more.'),
  reviewDays: z.number().int().positive().max(3650).default(90).describe('How far back unlocks and logins are reviewed.'),
});

/** lockstep.yaml: where things lie on this host. The plan's values are the defaults. */
export const configSchema = z.strictObject({
  host: hostNameSchema.describe('Names the host in Temporal: its task queue and its runs.'),
  stateDirectory: absolutePath.default('/var/lib/lockstep').describe('Journal, run records, claim. Never on the volume.'),
  auditLog: absolutePath.default('/var/log/luks-audit.log').describe('Who changed what, in chained lines. To be kept for twelve months at least.'),
  audit: auditSchema.prefault({}),
  deployment: deploymentSchema.prefault({}),
  volume: volumeSchema.prefault({}),
  secrets: z
    .strictObject({
      operationalPassphrase: secretReferenceSchema.default('ask:'),
      recoveryPassphrase: secretReferenceSchema.default('ask:'),
      backupPassphrase: secretReferenceSchema.default('ask:'),
      newOperationalPassphrase: secretReferenceSchema.default('ask:').describe('What takes the place of the operational one in a rotation.'),
      newRecoveryPassphrase: secretReferenceSchema.default('ask:'),
      minimumBits: z
        .number()
        .int()
        .min(40)
        .max(200)
        .default(60)
        .describe(
          'Least that a NEW passphrase has to be worth, by a cautious estimate in which 20 random letters and digits count about 66, and the 8 words that Lockstep generates (103 bits) at least 70.',
        ),
      sittingMinutes: z.number().positive().default(240).describe('How long a typed secret stays in the worker\'s memory.'),
    })
    .prefault({})
    .describe(
      'Each is named by a reference and never written here: "ask:" (a person types it), "file:/path" (one line, of a file that belongs to root with mode 0600), "systemd-credential:NAME" (LoadCredential= in the unit of the worker) or exec (what a program prints on one line; it gets the environment of the worker, and 30 s unless timeoutSeconds says otherwise). What each protects against: docs/encryption-at-rest.md.',
    ),
  people: peopleSchema,
  signatures: z
    .strictObject({
      allowedSigners: absolutePath
        .optional()
        .describe('By whose SSH keys people can be told apart who share a login on this host: a line for each with name and public key, as ssh-keygen(1) has it under "ALLOWED SIGNERS". They answer with --sign.'),
    })
    .prefault({}),
  backup: backupSchema.prefault({}),
  maintenance: maintenanceSchema.prefault({}),
  verification: verificationSchema.prefault({}),
  watch: watchSchema.prefault({}),
  rollback: rollbackSchema.prefault({}),
  preflight: preflightSchema.prefault({}),
  decommission: decommissionSchema.prefault({}),
  rotation: rotationSchema.prefault({}),
  alerts: alertsSchema.prefault({}),
  reminders: remindersSchema.prefault({}),
  compromise: compromiseSchema.prefault({}),
});

/** lockstep.yaml, parsed, with every default filled in. */
export type Config = Readonly<z.infer<typeof configSchema>>;

/** The names of the secrets that runbooks ask for. */
export const secretNames = ['operationalPassphrase', 'recoveryPassphrase', 'newOperationalPassphrase', 'newRecoveryPassphrase', 'backupPassphrase', 'testAccountPassword'] as const;

/** One of them; also its key under `secrets` in lockstep.yaml, but for the test account's, which stands with that account. */
export type SecretName = (typeof secretNames)[number];
