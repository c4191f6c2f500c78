import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { testAccount } from './accounts.js';

/** The names that the plan gives to its deployment. */
export const deployment = {
  directory: '/opt/supersync',
  composeFile: 'docker-compose.yaml',
  project: 'supersync',
  databaseService: 'postgres',
  databaseContainer: 'supersync-postgres',
  databaseUser: 'supersync',
  databaseName: 'supersync',
  databaseImage: 'postgres:15',
  volume: 'supersync_pg-data',
  applicationService: 'supersync',
  applicationContainer: 'supersync-server',
  applicationImage: 'supersync-server:rehearsal',
  applicationPort: 1900,
  /** Relative to the deployment's directory; while a file of this name exists, writes are refused. */
  maintenanceFile: 'maintenance/on',
} as const;

/** The two values that differ between deployments and are known to nobody else. */
export interface DeploymentSecrets {
  readonly databasePassword: string;
  readonly tokenSecret: string;
}

/** A file of the deployment. */
export interface DeploymentFile {
  /** Relative to the deployment's directory. */
  readonly path: string;
  readonly content: string;
  /** Permission bits. */
  readonly mode: number;
}

/** What {@link ensureDeploymentFiles} is given. */
export interface EnsureDeploymentFilesOptions {
  /** Default `/opt/supersync`. */
  readonly directory?: string;
  /** Used when the directory has none yet; default made at random. */
  readonly secrets?: DeploymentSecrets;
}

/**
 * Writes the deployment's directory: the compose file, `.env` (mode 600) and the maintenance
 * directory. An existing `.env` is kept, because the database was initialised with its password.
 *
 * @returns The directory, and whether anything was changed.
 */
export async function ensureDeploymentFiles(
  options: EnsureDeploymentFilesOptions = {},
): Promise<{ directory: string; changed: boolean }> {
  const directory = options.directory ?? deployment.directory;
  await mkdir(join(directory, 'maintenance'), { recursive: true });
  let changed = false;
  for (const file of deploymentFiles(options.secrets ?? createDeploymentSecrets())) {
    const path = join(directory, file.path);
    const present = await readIfPresent(path);
    if (present === file.content || (present !== undefined && file.path === '.env')) continue;
    await writeFile(path, file.content, { mode: file.mode });
    await chmod(path, file.mode);
    changed = true;
  }
  return { directory, changed };
}

/** The files as data, for a host that is reached by other means; it also needs the directory `maintenance`. */
export function deploymentFiles(secrets: DeploymentSecrets): readonly DeploymentFile[] {
  const environment = `POSTGRES_PASSWORD=${secrets.databasePassword}\nTOKEN_SECRET=${secrets.tokenSecret}\n`;
  return [
    { path: deployment.composeFile, content: stringify(composeFile(), { lineWidth: 0 }), mode: 0o644 },
    { path: '.env', content: environment, mode: 0o600 },
  ];
}

/** Random secrets, of characters that need no quoting in `.env` nor escaping in a URL. */
export function createDeploymentSecrets(): DeploymentSecrets {
  return { databasePassword: randomBytes(18).toString('hex'), tokenSecret: randomBytes(32).toString('hex') };
}

function composeFile() {
  const { databaseUser, databaseName, databaseService, applicationPort } = deployment;
  // Node's own http starts faster than its fetch, which counts on a slow host.
  const health = `require('http').get('http://127.0.0.1:${applicationPort}/health', (r) => process.exit(r.statusCode === 200 ? 0 : 1)).on('error', () => process.exit(1))`;
  return {
    name: deployment.project,
    services: {
      [databaseService]: {
        image: deployment.databaseImage,
        container_name: deployment.databaseContainer,
        restart: 'always',
        environment: {
          POSTGRES_USER: databaseUser,
          POSTGRES_PASSWORD: '${POSTGRES_PASSWORD}',
          POSTGRES_DB: databaseName,
        },
        volumes: ['pg-data:/var/lib/postgresql/data'],
        healthcheck: {
          test: ['CMD-SHELL', `pg_isready -U ${databaseUser}`],
          interval: '10s',
          timeout: '5s',
          retries: 5,
        },
      },
      [deployment.applicationService]: {
        image: deployment.applicationImage,
        container_name: deployment.applicationContainer,
        restart: 'always',
        depends_on: { [databaseService]: { condition: 'service_healthy' } },
        environment: {
          DATABASE_URL: `postgres://${databaseUser}:\${POSTGRES_PASSWORD}@${databaseService}:5432/${databaseName}`,
          TOKEN_SECRET: '${TOKEN_SECRET}',
          TEST_ACCOUNT: testAccount.email,
          MAINTENANCE_FILE: '/maintenance/on',
        },
        ports: [`127.0.0.1:${applicationPort}:${applicationPort}`],
        volumes: ['./maintenance:/maintenance:ro'],
        healthcheck: { test: ['CMD', 'node', '-e', health], interval: '30s', timeout: '20s', retries: 5 },
      },
    },
    volumes: { 'pg-data': {} },
  };
}

async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
