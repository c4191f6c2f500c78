import { stat } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { PermanentFailure } from '../../contract/errors.js';
import { estimateOfflineSeconds, estimateOfPlanSeconds } from '../../contract/estimate.js';
import { serviceOf } from '../../host/docker/composeConfig.js';
import type { ContainerFacts } from '../../host/docker/dockerInspect.js';
import { readLinksLeaving, readTreeSize } from '../../host/files/directoryTree.js';
import { ifPresent } from '../../host/failure.js';
import { readDataDirectoryFacts } from '../../host/postgres/postgresDataDirectory.js';
import { reads, type Attempt } from '../activity.js';
import { readFactOfPredecessor } from '../run/predecessor.js';
import { keepFact, needFact } from '../run/runFacts.js';

/** The database as it stands before the migration: read once, and never written to. */
export interface SourceFacts {
  readonly databaseService: string;
  readonly applicationService: string;
  /** The containers' names, which differ from the services'. */
  readonly container: string;
  readonly applicationContainer: string;
  readonly image: string;
  /** As the server says it, for example `15.8`. */
  readonly serverVersion: string;
  /** PGDATA inside the container, read from the container's environment. */
  readonly pgdata: string;
  /** What is mounted at PGDATA or above it, inside the container. */
  readonly mountTarget: string;
  /** The directory on the host that is mounted there: what is copied. */
  readonly root: string;
  /** The data directory in it, often the same. */
  readonly directory: string;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  readonly files: number;
  /** Restart policies as Docker has them, for the way back. */
  readonly restartPolicies: Readonly<Record<string, string>>;
}

const probeBytes = 64 * 1024 * 1024;

/** What there is to move, and how long it will take: the plan's 3.1. */
export const sourceActivities = {
  /** Understands the compose file and refuses whatever of the cluster would stay behind in the clear. */
  readDeployment: reads(async (attempt) => {
    const facts = await readSource(attempt);
    await assertWhole(facts);
    await assertVersion(facts);
    await keepFact(attempt, 'source', facts);
    return facts;
  }),

  /** Measures what a copy on this host reaches, beside the plan's 1.5 minutes a gigabyte. */
  measureSource: reads(async (attempt) => {
    const { config, tools } = attempt;
    const source = await needSource(attempt);
    const size = await readTreeSize({ directory: source.root });
    const { bytesPerSecond } = await tools.throughput.writeRate({ directory: await probeDirectory(attempt), sizeBytes: probeBytes });
    return {
      sizeBytes: size.sizeBytes,
      files: size.files,
      bytesPerSecond,
      estimatedSeconds: estimateOfflineSeconds({ sizeBytes: size.sizeBytes, bytesPerSecond }),
      planSeconds: estimateOfPlanSeconds(size.sizeBytes, config.preflight.minutesPerGigabyte),
    };
  }),
};

/** Where the copy goes, or what is nearest to it: nothing is written to a block device before the gate. */
async function probeDirectory({ config, tools }: Attempt): Promise<string> {
  const { mountPoint, device, file } = config.volume;
  if ((await tools.mounts.readMount({ path: mountPoint })) !== undefined) return mountPoint;
  return device === undefined ? dirname(file) : config.stateDirectory;
}

/** The source as {@link sourceActivities.readDeployment} kept it. */
export function needSource(attempt: Pick<Attempt, 'directory'>): Promise<SourceFacts> {
  return needFact<SourceFacts>(attempt, 'source');
}

async function readSource(attempt: Attempt): Promise<SourceFacts> {
  const { config, tools } = attempt;
  const { database, application } = config.deployment;
  if ((await ifPresent(stat(config.deployment.directory))) === undefined) {
    throw new PermanentFailure(`the deployment directory ${config.deployment.directory} does not exist`, 'correct deployment.directory in lockstep.yaml');
  }
  const compose = tools.compose(config.deployment.directory);
  assertComposeVersion(await compose.readVersion());
  const project = await compose.readConfig();
  const containers = await compose.readContainers();
  const containerOf = async (service: string): Promise<ContainerFacts> => {
    serviceOf(project, service);
    const found = containers.find((each) => each.service === service);
    const facts = found && (await tools.docker.readContainer(found.name));
    if (facts?.isRunning === true) return facts;
    throw new PermanentFailure(
      facts === undefined ? `service ${service} has no container` : `${facts.name} is not running`,
      `look why, then start it: docker compose up -d ${service} in ${config.deployment.directory}`,
    );
  };
  const inspected = await containerOf(database.service);
  const applicationFacts = await containerOf(application.service);
  const container = inspected.name;
  const pgdata = (await tools.docker.readEnvironmentValue({ container, name: 'PGDATA' })) ?? '/var/lib/postgresql/data';
  const mount = inspected.mounts.find(({ target }) => pgdata === target || pgdata.startsWith(`${target}/`));
  if (!mount) throw new PermanentFailure(`${container} has no volume at ${pgdata}`, 'its data lies inside the container; move it to a volume first');
  const nested = [
    ...inspected.mounts.filter(({ target }) => target.startsWith(`${pgdata}/`)).map(({ target }) => `${target} in ${container}`),
    ...(await tools.mounts.readMountsWithin({ directory: mount.source })).map(({ mountPoint }) => mountPoint),
  ];
  if (nested[0] !== undefined) {
    throw new PermanentFailure(`something else is mounted inside the data directory (${nested.join(', ')})`, 'move it into the data directory first: what lies on another volume would stay unencrypted');
  }
  if (mount.source.startsWith(`${config.volume.mountPoint}/`)) {
    throw new PermanentFailure(`${container} runs on ${mount.source}, which is the encrypted volume already`, 'there is nothing to migrate');
  }
  const directory = join(mount.source, relative(mount.target, pgdata));
  const { uid, gid, isStandby, hasBackupLabel } = await readDataDirectoryFacts({ path: directory });
  if (isStandby || hasBackupLabel) {
    throw new PermanentFailure(`${directory} is ${isStandby ? 'a standby, whose data another server decides' : 'a backup that has not been recovered yet'}`, 'migrate the primary, or start it once as one');
  }
  const size = await readTreeSize({ directory: mount.source });
  return {
    databaseService: database.service,
    applicationService: application.service,
    container,
    applicationContainer: applicationFacts.name,
    image: inspected.image,
    serverVersion: await tools.postgres.serverVersion({ container, user: database.user }),
    pgdata,
    mountTarget: mount.target,
    root: mount.source,
    directory,
    uid,
    gid,
    sizeBytes: size.sizeBytes,
    files: size.files,
    restartPolicies: {
      [container]: inspected.restartPolicy,
      [applicationFacts.name]: applicationFacts.restartPolicy,
      // A run that was left half-way had set them to "no".
      ...(await readFactOfPredecessor<SourceFacts>(attempt, 'source'))?.restartPolicies,
    },
  };
}

/** `!override`, without which the overlay would keep options of the mount that it replaces, came with 2.24.4. */
function assertComposeVersion(version: string): void {
  const [, major, minor, patch] = /^v?(\d+)\.(\d+)\.(\d+)/.exec(version)?.map(Number) ?? [];
  // A build from source calls itself `dev`: what it can do shows when the overlay is read back.
  if (major === undefined || minor === undefined || patch === undefined) return;
  if (major * 1e6 + minor * 1e3 + patch >= 2_024_004) return;
  throw new PermanentFailure(`docker compose is ${version} (2.24.4 is needed)`, 'update the compose plugin of Docker');
}

/** A link out of the data directory would be copied as a link: the new cluster would write into the old, plaintext place. */
async function assertWhole({ root }: SourceFacts): Promise<void> {
  const leaving = await readLinksLeaving({ directory: root });
  const [first] = leaving;
  if (!first) return;
  throw new PermanentFailure(
    `${leaving.length} links leave the data directory (${first.path} leads to ${first.target})`,
    'move tablespaces and pg_wal into the data directory first: what lies outside would stay unencrypted',
  );
}

async function assertVersion({ directory, serverVersion, image }: SourceFacts): Promise<void> {
  const { majorVersion: ofData } = await readDataDirectoryFacts({ path: directory });
  if (serverVersion.split('.')[0] === ofData) return;
  throw new PermanentFailure(`the data directory is of PostgreSQL ${ofData}, and ${image} runs ${serverVersion}`, 'is that the right volume? Compare deployment in lockstep.yaml');
}
