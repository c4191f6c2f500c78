import { stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { hasComposeFile } from '../../host/docker/composeFiles.js';
import { serviceOf } from '../../host/docker/composeConfig.js';
import { readTreeSize } from '../../host/files/directoryTree.js';
import { ifPresent } from '../../host/failure.js';
import type { Attempt } from '../activity.js';
import { needDeployment } from './deployment.js';
import { readProject } from './overlaySelection.js';

/** The database of this host as it lies now, running or not. */
export interface PresentDatabase {
  readonly container: string;
  readonly isRunning: boolean;
  /** The directory on this host that is mounted into its container; absent where there is none yet. */
  readonly directory?: string;
  readonly sizeBytes: number;
  /** PostgreSQL has been initialised there. */
  readonly hasData: boolean;
}

/** Whether there are compose files where lockstep.yaml says that the deployment is. */
export async function isDeployed({ config }: Pick<Attempt, 'config'>): Promise<boolean> {
  const project = await ifPresent(readProject(config.deployment.directory));
  return project !== undefined && hasComposeFile(project);
}

/** Looks at the database where it is; undefined where no deployment is there. */
export async function readPresentDatabase(attempt: Attempt): Promise<PresentDatabase | undefined> {
  if (!(await isDeployed(attempt))) return undefined;
  const { container, pgdata, mountTarget } = await needDeployment(attempt);
  const facts = await attempt.tools.docker.readContainer(container);
  const present = { container, isRunning: facts?.isRunning ?? false };
  // A container that was made before the compose file was changed keeps what it had.
  const places = [facts?.mounts.find(({ target }) => target === mountTarget)?.source, await readPlaceInCompose(attempt, mountTarget)];
  for (const directory of new Set(places)) {
    if (directory === undefined || (await ifPresent(stat(directory))) === undefined) continue;
    const hasData = (await ifPresent(stat(join(directory, relative(mountTarget, pgdata), 'PG_VERSION')))) !== undefined;
    if (hasData) return { ...present, directory, hasData, ...(await readTreeSize({ directory })) };
  }
  return { ...present, hasData: false, sizeBytes: 0 };
}

/** Where the selected compose files would put the data; undefined where Docker has no such volume yet. */
async function readPlaceInCompose({ config, tools }: Attempt, mountTarget: string): Promise<string | undefined> {
  const project = await tools.compose(config.deployment.directory).readConfig();
  const mount = serviceOf(project, config.deployment.database.service).mounts.find(({ target }) => target === mountTarget);
  if (mount?.source === undefined) return undefined;
  if (mount.type === 'bind') return mount.source;
  return (await tools.docker.readVolume(project.volumes[mount.source]?.name ?? mount.source))?.mountPoint;
}
