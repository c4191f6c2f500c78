import { PermanentFailure } from '../../contract/errors.js';
import { findFilesElsewhere } from '../../host/disks/openFiles.js';
import type { Attempt } from '../activity.js';
import { needDeployment } from '../services/deployment.js';
import { findingAgainstVolume } from '../services/findingAgainstVolume.js';

/**
 * Every file that PostgreSQL holds open lies on the dm-crypt device.
 *
 * @param back - The next move where one does not, and the run has moved the database there.
 */
export async function assertOpenFilesOnVolume(attempt: Attempt, back = 'roll back; find out why that file lies elsewhere'): Promise<{ openFiles: number }> {
  const { config, tools } = attempt;
  const { container } = await needDeployment(attempt);
  const nextMove = { back, mend: `look what "docker compose config" puts where, and at .env; stop ${container} before anybody writes there, mend it, then retry` };
  const mount = await tools.mounts.readMount({ path: config.volume.mountPoint });
  const mapped = mount && (await tools.mounts.readMappedDevice({ deviceNumber: mount.deviceNumber }));
  if (!mount || mapped?.name !== config.volume.name) {
    throw new PermanentFailure(`${config.volume.mountPoint} is not the dm-crypt device ${config.volume.name}`, 'retry: the volume is opened again');
  }
  const pid = (await tools.docker.readContainer(container))?.processId;
  if (pid === undefined) throw new Error(`${container} does not run`);
  const pids = await tools.openFiles.readProcessTree({ pid });
  const files = await tools.openFiles.readOpenFiles({ pids });
  const [elsewhere] = findFilesElsewhere({ files, deviceNumber: mount.deviceNumber }).filter(({ path }) => !isOfContainer(path));
  if (elsewhere) {
    throw await findingAgainstVolume(attempt, `PostgreSQL holds ${elsewhere.path} open, which is not on the encrypted volume`, nextMove, [['open elsewhere', elsewhere.path]]);
  }
  const onVolume = files.filter(({ kind, deviceNumber }) => kind === 'file' && deviceNumber === mount.deviceNumber);
  if (onVolume.length === 0) throw await findingAgainstVolume(attempt, 'PostgreSQL holds no file open on the encrypted volume', nextMove, [['open on the volume', 'nothing']]);
  return { openFiles: onVolume.length };
}

/** What a server holds of its container rather than of its data: the container's own log pipe, working directory and sockets. */
function isOfContainer(path: string): boolean {
  return path === '/' || path === '/dev/null' || path.startsWith('/proc/') || path.startsWith('/run/') || path.startsWith('/var/run/');
}
