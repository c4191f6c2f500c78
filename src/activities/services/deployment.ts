import { PermanentFailure } from '../../contract/errors.js';
import { serviceOf, type ComposeConfig } from '../../host/docker/composeConfig.js';
import type { Attempt } from '../activity.js';
import { keepFact, readFact } from '../run/runFacts.js';

/** The database and the application as the compose files have them: enough for whoever starts and stops them. */
export interface Deployment {
  /** The containers' names, which differ from the services'. */
  readonly container: string;
  readonly applicationContainer: string;
  readonly image: string;
  /** PGDATA inside the container. */
  readonly pgdata: string;
  /** What is mounted at PGDATA or above it, inside the container. */
  readonly mountTarget: string;
}

/**
 * The services of this host, running or not. A run that moves a database knows them from its source; any other reads them
 * from the compose files, once.
 *
 * @throws {@link PermanentFailure} where a service is not in the compose files, or keeps no data on a volume.
 */
export async function needDeployment(attempt: Attempt): Promise<Deployment> {
  const known = (await readFact<Deployment>(attempt, 'source')) ?? (await readFact<Deployment>(attempt, 'deployment'));
  if (known !== undefined) return known;
  const found = await readDeployment(attempt);
  await keepFact(attempt, 'deployment', found);
  return found;
}

/**
 * The same, from the compose files at each call.
 *
 * @throws {@link PermanentFailure} as {@link needDeployment}.
 */
export async function readDeployment({ config, tools }: Pick<Attempt, 'config' | 'tools'>): Promise<Deployment> {
  const { directory, database, application } = config.deployment;
  const compose = tools.compose(directory);
  const project = await compose.readConfig();
  const containers = await compose.readContainers();
  const { image, mounts } = serviceOf(project, database.service);
  if (image === undefined) throw new PermanentFailure(`service "${database.service}" names no image`, `name one in the compose files in ${directory}`);
  const pgdata =
    (await compose.readEnvironmentValue({ service: database.service, name: 'PGDATA' })) ??
    (await tools.docker.readImage(image))?.environment['PGDATA'] ??
    '/var/lib/postgresql/data';
  const mount = mounts.find(({ target }) => pgdata === target || pgdata.startsWith(`${target}/`));
  if (mount === undefined) throw new PermanentFailure(`service "${database.service}" has no volume at ${pgdata}`, 'its data would lie inside the container; give it a volume there in the compose file');
  const nameOf = (service: string) => containers.find((each) => each.service === service)?.name ?? nameToBe(project, service);
  return { container: nameOf(database.service), applicationContainer: nameOf(application.service), image, pgdata, mountTarget: mount.target };
}

/** The name that Compose gives to a container that is not there yet. */
function nameToBe(project: ComposeConfig, service: string): string {
  return serviceOf(project, service).containerName ?? `${project.projectName}-${service}-1`;
}
