import { createSystem } from '../../host/system.js';
import type { Attempt } from '../activity.js';
import { volumeDevice } from '../../config/volumeDevice.js';
import { readDeployment, type Deployment } from '../services/deployment.js';
import { isOnVolume } from '../services/overlaySelection.js';
import { judgeEnd, type ContainerEnd } from './containerEnd.js';
import { readLeftAlone, readShutDown, type ShutDownMark } from './marks.js';

/** A service's container, and how it ended where it does not run. */
export interface ServiceStanding {
  readonly container: string;
  /** Absent where it runs. */
  readonly end?: ContainerEnd;
}

/** How the service of this host stands. */
export interface Standing {
  readonly bootId: string;
  /** Compose starts the database on the encrypted volume. */
  readonly isSelected: boolean;
  readonly volume: 'open' | 'not mounted' | 'closed' | 'missing';
  /** Where the volume was closed by `shutdown`: in which boot, when and by whom. */
  readonly shutDown?: ShutDownMark;
  /** Database first; without an open volume neither can run, and Docker is not asked. */
  readonly services: readonly ServiceStanding[];
}

/** What is looked at, and with what. */
export type Looking = Pick<Attempt, 'config' | 'tools' | 'now'>;

/**
 * Looks how the host stands. It costs little where all is well, since it is looked at again and again: no process is started.
 *
 * @param readNames - Of the containers; default from the compose files, at a cost.
 */
export async function readStanding(looking: Looking, readNames: () => Promise<Pick<Deployment, 'container' | 'applicationContainer'>> = () => readDeployment(looking)): Promise<Standing> {
  const { config, tools } = looking;
  const { bootId } = await createSystem({ run: tools.run }).readBootId();
  const isSelected = await isOnVolume(looking);
  const shutDown = await readShutDown(config);
  const common = { bootId, isSelected, ...(shutDown === undefined ? {} : { shutDown }) };
  if (!isSelected) return { ...common, volume: 'closed', services: [] };
  const volume = await readVolume(looking);
  if (volume !== 'open') return { ...common, volume, services: [] };
  const { container, applicationContainer } = await readNames();
  return { ...common, volume, services: [await readService(looking, container), await readService(looking, applicationContainer)] };
}

async function readVolume({ config, tools }: Looking): Promise<Standing['volume']> {
  const { name, mountPoint } = config.volume;
  const mount = await tools.mounts.readMount({ path: mountPoint });
  if (mount !== undefined && (await tools.mounts.readMappedDevice(mount))?.name === name) return 'open';
  if ((await tools.cryptsetup.status({ name })).active) return 'not mounted';
  const device = volumeDevice(config.volume);
  const isThere = (await tools.volumeFile.readVolumeFile({ path: device })) !== undefined;
  return isThere && (await tools.cryptsetup.isLuks({ device })).isLuks ? 'closed' : 'missing';
}

async function readService({ config, tools, now }: Looking, container: string): Promise<ServiceStanding> {
  const facts = await tools.docker.readContainer(container);
  if (facts === undefined) return { container, end: { id: '', isLeftAlone: true, cause: 'there is no such container' } };
  if (facts.isRunning) return { container };
  const { id, finishedAt } = facts;
  const events = finishedAt === undefined ? { isRemembered: false, wasStopped: false } : await tools.dockerEvents.readEnd({ container: id, finishedAt, now: now() });
  const wasLeftAlone = finishedAt !== undefined && (await readLeftAlone(config))[id] === finishedAt;
  return { container, end: judgeEnd({ container: facts, events, daemonStartedAt: await tools.dockerEvents.readDaemonStart(), wasLeftAlone }) };
}
