import { PermanentFailure } from '../../contract/errors.js';
import { volumeDevice } from '../../config/volumeDevice.js';
import { createSystem } from '../../host/system.js';
import { changes, reads } from '../activity.js';
import { readManifests } from '../backup/backupManifest.js';
import { ensureApplicationUp } from '../services/ensureServices.js';
import { isOnVolume } from '../services/overlaySelection.js';
import { ensureDatabaseStoppedCleanly } from '../source/cleanStop.js';
import { keepStopped } from '../source/stoppedSource.js';
import { connectionOf } from '../source/statistics.js';
import { openAndMount } from '../volume/openVolume.js';
import { dropShutDown, markShutDown } from './marks.js';

const millisecondsOfHour = 3600 * 1000;

/** The mirror of a startup: the service is stopped, and the key leaves the kernel. */
export const shutdownActivities = {
  /** Who would be cut off, and what there is to fall back on. */
  readBeforeShutdown: reads(async (attempt) => {
    const { config, tools } = attempt;
    const { name, mountPoint } = config.volume;
    if (!(await isOnVolume(attempt)) || !(await tools.cryptsetup.status({ name })).active) {
      throw new PermanentFailure(`${name} is not open, or the database of this host does not lie on it`, `there is nothing to close: "cryptsetup status ${name}" and "findmnt ${mountPoint}" show it; end this run`);
    }
    const connection = await connectionOf(attempt);
    const isUp = (await tools.docker.readContainer(connection.container))?.isRunning === true;
    const taken = (await readManifests(config.backup.directory)).map(({ takenAt }) => Date.parse(takenAt));
    return {
      volume: name,
      connections: isUp ? await tools.postgres.connectionCount(connection) : null,
      lastBackupHours: taken.length === 0 ? null : (attempt.now().getTime() - Math.max(...taken)) / millisecondsOfHour,
    };
  }),

  /** Stops PostgreSQL, and reads from its control file that it was a clean stop. */
  stopDatabaseCleanly: changes('DATABASE_STOP', async (attempt) => {
    await ensureDatabaseStoppedCleanly(attempt, 'volume');
    const { state, checkpoint } = await keepStopped(attempt, 'volume');
    return { state, checkpoint };
  }),

  /** Closes the volume, and marks that as wanted: until the next boot nobody is asked to open it again. */
  lockVolume: changes('VOLUME_LOCK', async (attempt) => {
    const { config, tools, call } = attempt;
    const { bootId } = await createSystem({ run: tools.run }).readBootId();
    // Before it closes: a crash between the two must not look like a host that wants to be opened.
    await markShutDown(config, { bootId, at: attempt.now().toISOString(), by: call.startedBy });
    await tools.mounts.unmount({ path: config.volume.mountPoint });
    await tools.cryptsetup.close({ name: config.volume.name });
    return { closed: config.volume.name };
  }),

  /** Nothing of it is mounted, mapped or attached: device-mapper has forgotten the key with the device. */
  proveLocked: reads(async ({ config, tools }) => {
    const { name, mountPoint } = config.volume;
    const mount = await tools.mounts.readMount({ path: mountPoint });
    if (mount !== undefined) throw new PermanentFailure(`${mount.source} is mounted on ${mountPoint}`, `unmount it (umount ${mountPoint}), then retry`);
    if ((await tools.cryptsetup.status({ name })).active) throw new PermanentFailure(`/dev/mapper/${name} is open again`, 'find out who opened it; close it (cryptsetup close), then retry');
    const isIntact = (await tools.cryptsetup.isLuks({ device: volumeDevice(config.volume) })).isLuks;
    if (!isIntact) throw new PermanentFailure(`${volumeDevice(config.volume)} has no LUKS2 header any more`, 'restore it from a header backup before the next startup');
    return { closed: name, header: 'intact' };
  }),

  /** The way back of {@link shutdownActivities.lockVolume}. */
  unlockAgain: changes('VOLUME_OPEN', async (attempt) => {
    const { opened } = await openAndMount(attempt, { mounted: true });
    await dropShutDown(attempt.config);
    return { opened };
  }),

  startApplicationAgain: changes('APPLICATION_START', (attempt) => ensureApplicationUp(attempt)),
};
